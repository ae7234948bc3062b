package dedupe

import "replayd/archive"

// generation holds the sightings of one slice of merge time. Most ids have one body; the others keep their further
// bodies apart, so that an archive whose "id" is the same in all events costs memory but not time.
type generation struct {
	slice int64 // merge time divided by the width of slices
	bloom bloom
	bits  int
	ids   map[archive.Hash]seen
	more  map[pair]int64 // further bodies of an id -> largest merge time
}

// seen is what is known of one id.
type seen struct {
	body   uint64 // the first that was seen
	at     int64  // largest merge time of that body
	latest int64  // largest merge time of any body
}

type pair struct {
	id   archive.Hash
	body uint64
}

// smallest is the number of ids for which a new generation has room before its filter is made anew.
const smallest = 1 << 12

func newGeneration(slice int64, bitsPerID int) *generation {
	return &generation{
		slice: slice,
		bloom: newBloom(smallest, bitsPerID),
		bits:  bitsPerID,
		ids:   make(map[archive.Hash]seen),
	}
}

func (g *generation) insert(id archive.Hash, body uint64, at int64) {
	s, known := g.ids[id]
	switch {
	case !known:
		s = seen{body: body, at: at, latest: at}
	case s.body == body:
		s.at = max(s.at, at)
	default:
		g.insertMore(pair{id, body}, at)
	}
	s.latest = max(s.latest, at)
	g.ids[id] = s
	if !known {
		g.filter(id)
	}
}

func (g *generation) insertMore(p pair, at int64) {
	if g.more == nil {
		g.more = make(map[pair]int64)
	}
	if old, known := g.more[p]; !known || old < at {
		g.more[p] = at
	}
}

// filter puts a new id into the Bloom filter, which is made anew at twice the size when it is full: the exact index
// knows all ids.
func (g *generation) filter(id archive.Hash) {
	if len(g.ids) <= g.bloom.room {
		g.bloom.add(id)
		return
	}
	g.bloom = newBloom(2*g.bloom.room, g.bits)
	for known := range g.ids {
		g.bloom.add(known)
	}
}

// find returns when this body of an id was last sighted, if it was (same), and when any body was.
func (g *generation) find(id archive.Hash, body uint64) (at int64, same bool, latest int64, known bool) {
	s, known := g.ids[id]
	if !known {
		return 0, false, 0, false
	}
	if s.body == body {
		return s.at, true, s.latest, true
	}
	at, same = g.more[pair{id, body}]
	return at, same, s.latest, true
}

func (g *generation) count() int { return len(g.ids) + len(g.more) }
