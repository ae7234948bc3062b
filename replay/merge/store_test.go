package merge

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestTighteningKeepsWhatEntriesHold has entries whose values stand in slabs, or are copied as their texts are, or that hold
// nothing, and slabs of which most is nobody's.
func TestTighteningKeepsWhatEntriesHold(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 3))
		s, used, want := newStore(), 0, []string(nil)
		for range 1 + rng.IntN(2*rowEntries) {
			if s.slab < 0 || rng.IntN(10) == 0 {
				s.slab, used = len(s.pages), 0
				s.pages = append(s.pages, make([]byte, 1000))
			}
			value, text := fmt.Appendf(nil, "%0*d", rng.IntN(200), rng.Uint32()), fmt.Appendf(nil, "%0*d", 1+rng.IntN(30), rng.Uint32())
			if rng.IntN(3) == 0 {
				text = nil
			}
			d := data{value: value, inSlab: -1, text: [2][]byte{text}}
			if rng.IntN(4) > 0 && used+len(value) <= 1000 {
				d.inSlab = used
				used += copy(s.pages[s.slab][used:], value)
			}
			s.openPage(s.pageFor(d.copied()))
			s.hold(&entry{key: -1, id: -1}, &d)
			want = append(want, string(value)+string(text))
		}
		old, last := s.pages, s.lastOf()
		held, size := s.dataSize(), 1+rng.IntN(400)
		if taken := s.tighten(size); taken > 2*held+int64(size) || taken < held {
			t.Errorf("seed %d: %d bytes take %d", seed, held, taken)
		}
		for i := range old {
			if last[i] != nil && old[i] != nil {
				t.Errorf("seed %d: page %d was not let go on the way", seed, i)
			}
		}
		for i := range want {
			if e := s.entries.at(i); string(s.pages.of(e.value))+string(s.pages.of(e.text)) != want[i] {
				t.Fatalf("seed %d: entry %d has changed", seed, i)
			}
		}
	}
}
