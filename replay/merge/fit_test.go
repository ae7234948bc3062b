package merge

import (
	"testing"
)

// TestHowAMergeFittedIsTold has eight objects in order, with room for none, and for some to be read twice: what they would need
// is what they do need where they fit.
func TestHowAMergeFittedIsTold(t *testing.T) {
	const words = 300
	for memory, streams := range map[int64]int{1 << 30: 0, 0: 3} {
		var last Fit
		cfg, store := setup(t, counting(8, words), Rules{To: seconds("10000")}, streaming(streams))
		cfg.Memory, cfg.Misfit = memory, func(f Fit) { last = f }
		stored := int64(0)
		for _, hour := range cfg.Feed.(*feed).hours {
			stored += hour[0].Size
		}
		m := New(t.Context(), cfg)
		if _, _, err := drain(m); err != nil {
			t.Fatal(err)
		}
		m.Close()
		f := m.Fit()
		again := int64(requests(store, 8) - 8)
		if f.Bytes != stored || f.ReadTwice != again || again != int64(streams) {
			t.Errorf("%+v; %d stored bytes, %d requests again", f, stored, again)
		}
		if entries := int64(8 * words * entrySize); f.Needs < entries || f.Needs > 2*entries {
			t.Errorf("needs %d bytes, of which entries are %d", f.Needs, entries)
		}
		if memory > 0 {
			if f.Misfits+f.Spilled+f.SpilledBytes != 0 || last != (Fit{}) {
				t.Errorf("all fits: %+v, told %+v", f, last)
			}
			continue
		}
		if f.Spilled != 5 || f.SpilledBytes < 1000 || f.Misfits != stored || last != f {
			t.Errorf("nothing fits: %+v, told %+v", f, last)
		}
		if m.held != 0 {
			t.Errorf("%d bytes are still held", m.held)
		}
	}
}
