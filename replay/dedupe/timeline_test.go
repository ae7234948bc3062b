package dedupe

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestGenerationsLiveAsLongAsASightingOfTheirsIsWithinTheHorizon, and no more than four of them.
func TestGenerationsLiveAsLongAsASightingOfTheirsIsWithinTheHorizon(t *testing.T) {
	for _, horizon := range []int64{0, 1, 2, 3, 7, 100, 1000} {
		t.Run(fmt.Sprint("horizon ", horizon), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(horizon), 3))
			l := newTimeline(horizon)
			now := -3 * horizon
			for range 5000 {
				now += rng.Int64N(horizon/5 + 2)
				l.expired(now)
				if _, replaced, reachable := l.lane(now); replaced || !reachable {
					t.Fatalf("at %d: replaced %v, reachable %v", now, replaced, reachable)
				}
				for back := int64(0); back <= horizon; back += horizon/7 + 1 {
					slice := floorDiv(now-back, l.width)
					if g := l.lanes[laneOf(slice)]; g.live && g.slice > slice {
						t.Fatalf("at %d there is no lane for %d", now, now-back)
					}
				}
				for _, g := range l.lanes {
					if last := (g.slice+1)*l.width - 1; g.live && now-last > horizon {
						t.Fatalf("at %d generation %d is live, whose last sighting can be at %d", now, g.slice, last)
					}
				}
			}
		})
	}
}

func TestOlderGenerationsGiveWayToYoungerOnes(t *testing.T) {
	l := newTimeline(30)
	for _, c := range []struct {
		at                  int64
		lane                int
		replaced, reachable bool
	}{
		{5, 0, false, true},
		{15, 1, false, true},
		{-1, 3, false, true},
		{45, 0, true, true},
		{5, 0, false, false}, // its place is taken
		{49, 0, false, true},
		{16, 1, false, true},
	} {
		if lane, replaced, reachable := l.lane(c.at); lane != c.lane || replaced != c.replaced || reachable != c.reachable {
			t.Errorf("at %d: lane %d, replaced %v, reachable %v", c.at, lane, replaced, reachable)
		}
	}
	if got := fmt.Sprint(l.expired(40), l.expired(49), l.expired(50), l.expired(1000)); got != "[3] [] [1] [0]" {
		t.Errorf("expired: %s", got)
	}
}
