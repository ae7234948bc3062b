package dedupe

import "replayd/archive"

// generation holds the sightings of one slice of merge time.
type generation struct {
	slice int64 // merge time divided by the width of slices
	bloom bloom
	bits  int
	table table
}

// smallest is the number of ids for which a new generation has room before its filter is made anew.
const smallest = 1 << 12

func newGeneration(slice int64, bitsPerID, room int) *generation {
	return &generation{slice: slice, bloom: newBloom(max(smallest, room), bitsPerID), bits: bitsPerID}
}

func (g *generation) insert(id archive.Hash, body uint64, at int64) {
	if g.table.insert(id, body, at) {
		g.filter(id)
	}
}

// filter puts a new id into the Bloom filter, which is made anew at twice the size when it is full: the exact index
// knows all ids.
func (g *generation) filter(id archive.Hash) {
	if g.table.ids <= g.bloom.room {
		g.bloom.add(id)
		return
	}
	g.bloom = newBloom(2*g.bloom.room, g.bits)
	for _, block := range g.table.rows {
		for i := range block {
			g.bloom.add(block[i].key) // keys of further bodies, too, which costs little: few ids have them
		}
	}
}
