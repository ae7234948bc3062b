package dedupe

import (
	"math/bits"

	"replayd/archive"
)

// filter is the rolling, blocked Bloom filter of a shard. A block is one cache line and has a lane of 128 bits for each
// generation, so that one read tells which generations may hold a key.
//
// The upper half of a key chooses the block, by its leading bits; the lower half chooses the bits.
type filter struct {
	blocks []block
	added  [generations]int // keys, by lane
}

type block [generations][2]uint64

const (
	blockSize   = 64
	laneBits    = 128
	leastBlocks = 4
)

// lanes is a set: lane n is bit n.
type lanes uint

func (l lanes) has(lane int) bool { return l>>lane&1 == 1 }

func newFilter(blocks int, m *memory) filter {
	f := filter{blocks: make([]block, blocks)}
	m.used += f.size()
	return f
}

func (f *filter) size() int64 { return int64(len(f.blocks)) * blockSize }

func (f *filter) block(key archive.Hash) *block {
	i, _ := bits.Mul64(rest(key), uint64(len(f.blocks)))
	return &f.blocks[i]
}

// marks are the six bits of a key in a lane, three in each half. At 16 bits for each key 0.1 % of the others have them, too.
func marks(key archive.Hash) (a, b uint64) {
	h := key.Lo
	a = 1<<(h&63) | 1<<(h>>6&63) | 1<<(h>>12&63)
	b = 1<<(h>>18&63) | 1<<(h>>24&63) | 1<<(h>>30&63)
	return a, b
}

func (f *filter) add(lane int, key archive.Hash) {
	a, b := marks(key)
	l := &f.block(key)[lane]
	l[0] |= a
	l[1] |= b
	f.added[lane]++
}

// lanes are those that may hold a key.
func (f *filter) lanes(key archive.Hash) (l lanes) {
	a, b := marks(key)
	for i, half := range f.block(key) {
		if half[0]&a == a && half[1]&b == b {
			l |= 1 << i
		}
	}
	return l
}

// full reports whether a lane has as many keys as it is made for.
func (f *filter) full(lane, bitsPerID int) bool {
	return f.added[lane]*bitsPerID >= len(f.blocks)*laneBits
}

// forget empties a lane.
func (f *filter) forget(lane int) {
	if f.added[lane] == 0 {
		return
	}
	for i := range f.blocks {
		f.blocks[i][lane] = [2]uint64{}
	}
	f.added[lane] = 0
}
