// Package dedupe tells whether an event was sighted before, within a horizon of merge time.
//
// Sightings are kept in generations, slices of merge time that are dropped whole once the horizon has passed them. Each
// generation has a Bloom filter, which answers "never" cheaply and "perhaps" otherwise, and behind it the exact index,
// which decides: a false positive of the filter costs a look-up and never drops an event.
//
// The index is a cache of the archive: after a crash it is rebuilt by sighting the events of the horizon again, in any
// order, up to the checkpoint and no further. An index that knew more than the checkpoint would drop events that were
// never produced.
package dedupe

import (
	"slices"
	"time"

	"replayd/archive"
)

// Verdict says what an event is to those sighted before it.
type Verdict uint8

// The verdicts. An event that is both is a Duplicate.
const (
	Unseen    Verdict = iota
	Duplicate         // the same id with the same body was sighted within the horizon
	Conflict          // the same id was, but only with other bodies
)

// generations is how many slices the horizon has; one more is being filled.
const generations = 3

// Options of an Index.
type Options struct {
	Horizon   time.Duration // the longest distance in merge time between an event and its duplicate
	BitsPerID int           // of the Bloom filters; default 12, about 0.5 % false positives
}

// Index remembers sightings. It serves one goroutine. The zero value is not usable: see New.
type Index struct {
	horizon   int64
	width     int64
	bitsPerID int
	live      []*generation // ascending
	stats     Stats
	warmed    uint64 // so that nobody finds the reads of Warm to be of no use
}

// Stats count the work of an index.
type Stats struct {
	IDs            int   // pairs of id and body held now
	FalsePositives int64 // hits of a Bloom filter that the exact index refuted
}

// New returns an empty index.
func New(o Options) *Index {
	if o.BitsPerID == 0 {
		o.BitsPerID = 12
	}
	return &Index{horizon: int64(o.Horizon), width: max(1, int64(o.Horizon)/generations), bitsPerID: o.BitsPerID}
}

// Sight judges an event by its id, the hash of its body and its merge time, then remembers it. Merge times of calls to
// Sight and Look never descend.
func (x *Index) Sight(id archive.Hash, body uint64, at int64) Verdict {
	verdict := x.Look(id, body, at)
	x.Insert(id, body, at)
	return verdict
}

// Look is Sight without remembering.
func (x *Index) Look(id archive.Hash, body uint64, at int64) Verdict {
	x.expire(at)
	return x.judge(id, body, at)
}

// Insert remembers an event without judging it. It may be called in any order of merge times.
func (x *Index) Insert(id archive.Hash, body uint64, at int64) {
	x.generation(at).insert(id, body, at)
}

// Warm reads the memory that looking at ids and inserting them will read first. One such read costs more than all else
// that is done about an id; those of many ids at a time overlap. Some dozens are enough.
func (x *Index) Warm(ids []archive.Hash) {
	sum := uint64(0)
	for _, g := range x.live {
		for i := range ids {
			sum += g.bloom.block(ids[i])[0]
		}
	}
	if len(x.live) > 0 {
		youngest := &x.live[len(x.live)-1].table
		for i := range ids {
			sum += uint64(youngest.touch(ids[i]))
		}
	}
	x.warmed = sum
}

// Stats tells what the index holds and did.
func (x *Index) Stats() Stats {
	s := x.stats
	for _, g := range x.live {
		s.IDs += g.table.count
	}
	return s
}

// judge looks from the youngest generation to the oldest. When this body was not sighted within the horizon, whatever
// was sighted of the id within it had another body.
func (x *Index) judge(id archive.Hash, body uint64, at int64) Verdict {
	verdict := Unseen
	for _, g := range slices.Backward(x.live) {
		if !g.bloom.has(id) {
			continue
		}
		last, same, latest, known := g.table.sighted(id, body)
		switch {
		case !known:
			x.stats.FalsePositives++
		case same && at-last <= x.horizon:
			return Duplicate
		case at-latest <= x.horizon:
			verdict = Conflict
		}
	}
	return verdict
}

// expire drops the generations whose youngest possible sighting is out of reach.
func (x *Index) expire(now int64) {
	keep := 0
	for keep < len(x.live) && now-(x.live[keep].slice+1)*x.width > x.horizon {
		keep++
	}
	if keep > 0 {
		x.live = slices.Delete(x.live, 0, keep)
	}
}

// generation is the one that merge time at falls into.
func (x *Index) generation(at int64) *generation {
	slice := floorDiv(at, x.width)
	i, found := slices.BinarySearchFunc(x.live, slice, func(g *generation, s int64) int {
		switch {
		case g.slice < s:
			return -1
		case g.slice > s:
			return 1
		}
		return 0
	})
	if !found {
		room := 0
		if i > 0 { // as many ids as in the slice before, and some more
			room = x.live[i-1].table.ids * 9 / 8
		}
		x.live = slices.Insert(x.live, i, newGeneration(slice, x.bitsPerID, room))
	}
	return x.live[i]
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
