package dedupe

import (
	"math/bits"

	"replayd/archive"
)

// bloom is a blocked Bloom filter: all bits of an id lie in one cache line, so a look-up costs one miss. Ids are
// already uniform hashes: their low half chooses the block, their high half the bits.
type bloom struct {
	blocks []block
	room   int // ids it is made for
}

type block [8]uint64 // 512 bits

// probes is the number of bits set for one id. Eight are near the optimum for 12 bits an id.
const probes = 8

func newBloom(room, bitsPerID int) bloom {
	return bloom{blocks: make([]block, max(1, (room*bitsPerID+511)/512)), room: room}
}

func (b *bloom) block(id archive.Hash) *block {
	i, _ := bits.Mul64(id.Lo, uint64(len(b.blocks))) // the remainder would take a division
	return &b.blocks[i]
}

func (b *bloom) add(id archive.Hash) {
	line, h := b.block(id), id.Hi
	for range probes {
		line[h>>6&7] |= 1 << (h & 63)
		h = next(h)
	}
}

func (b *bloom) has(id archive.Hash) bool {
	line, h := b.block(id), id.Hi
	for range probes {
		if line[h>>6&7]&(1<<(h&63)) == 0 {
			return false
		}
		h = next(h)
	}
	return true
}

// next derives the next nine bits: a rotation by 9 gives seven independent probes from 64 bits, the multiplication the rest.
func next(h uint64) uint64 { return (h>>9 | h<<55) * 0x9e3779b97f4a7c15 }
