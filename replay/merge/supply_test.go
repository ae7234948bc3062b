package merge

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatTheMergeWaitsForIsSummedUp(t *testing.T) {
	const slice = 100 * time.Millisecond
	for _, c := range []struct {
		name string
		do   func(wanted, other *delivery)
		want time.Duration // of the slice
	}{
		{"nothing is wanted", func(_, other *delivery) { other.begin(); other.asks(true) }, 0},
		{"who reads it works", func(wanted, other *delivery) { wanted.begin(); other.begin(); other.asks(true); wanted.awaited(true) }, 0},
		{"who reads it waits", func(wanted, _ *delivery) { wanted.begin(); wanted.awaited(true); wanted.asks(true) }, slice},
		{"its first bytes are fetched", func(wanted, _ *delivery) { wanted.asks(true); wanted.awaited(true) }, slice},
		{"no worker has time for it", func(wanted, _ *delivery) { wanted.awaited(true) }, 0},
		{"one of two waits", func(wanted, other *delivery) { other.begin(); other.asks(true); wanted.awaited(true) }, slice / 2},
		{"another's first bytes are fetched", func(wanted, other *delivery) { other.asks(true); wanted.awaited(true) }, 0},
		{"a stream of another waits", func(wanted, other *delivery) {
			other.begin()
			other.asks(true)
			other.end()
			wanted.awaited(true)
		}, 0},
		{"its stream waits", func(wanted, _ *delivery) { wanted.begin(); wanted.end(); wanted.asks(true); wanted.awaited(true) }, slice},
		{"it has come", func(wanted, _ *delivery) { wanted.asks(true); wanted.awaited(true); wanted.awaited(false) }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &Supply{}
				s.begin(2)
				c.do(&delivery{supply: s}, &delivery{supply: s})
				before := s.Waited()
				time.Sleep(slice)
				if got := s.Waited() - before; got != c.want {
					t.Errorf("waited %s of %s, want %s", got, slice, c.want)
				}
			})
		})
	}
}

// TestNobodyWaitsBehindAMerge ends merges in which workers hand objects on to streams.
func TestNobodyWaitsBehindAMerge(t *testing.T) {
	for _, streams := range []int{0, 3, 8} {
		t.Run(fmt.Sprint(streams, " streams"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &Supply{}
				cfg, store := setup(t, counting(8, 300), Rules{To: seconds("10000")}, streaming(streams))
				cfg.Supply = s
				far(&cfg, store)
				began := time.Now()
				if _, err := merged(t, cfg, 64); err != nil {
					t.Fatal(err)
				}
				took := time.Since(began)
				if s.asking != 0 || s.wanted != nil || s.Opened() != 8 {
					t.Errorf("%d workers wait, the merge for %v; %d objects were opened", s.asking, s.wanted, s.Opened())
				}
				if w := s.Waited(); w != took { // nothing else takes time
					t.Errorf("waited %s of %s", w, took)
				}
			})
		})
	}
}

func BenchmarkDelivery(b *testing.B) {
	s := &Supply{}
	s.begin(1)
	d := &delivery{supply: s}
	for b.Loop() {
		d.asks(true)
		d.asks(false)
	}
}
