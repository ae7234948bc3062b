package replay

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"replayd/archive/archivetest"
)

// TestAReplayFromAStoreFarAwayIsTheSame also kills and continues, in bad weather, with more and less fetched ahead.
func TestAReplayFromAStoreFarAwayIsTheSame(t *testing.T) {
	some(t, func(t *testing.T, a *archivetest.Archive, seed uint64) {
		synctest.Test(t, func(t *testing.T) {
			o, s, rng := a.Oracle(), specOf(a.Plan), seeded(seed)
			store := archivetest.NewFaulty(a.Files())
			store.Script(archivetest.Weather(seed, 10))
			m := &memory{fate: func() fate { return []fate{goesWell, goesWell, goesWell, goesWell, diesBefore}[rng.IntN(5)] }}
			for {
				options := fast(t)
				options.Open, options.Memory = 1+rng.IntN(100), int64(1)<<rng.IntN(30)
				far := &archivetest.Far{Store: store, Latency: 50 * time.Millisecond}
				r := Runner{Source: sourceOf(t, a.Plan, far), Sink: m, Options: options}
				receipt, err := r.Run(t.Context(), s)
				if u := far.Use(); u.Open != 0 || u.Most > options.Open {
					t.Errorf("%d bodies are open, and %d were at a time of %d that may", u.Open, u.Most, options.Open)
				}
				if err == nil {
					compare(t, m, o, s)
					sameCounts(t, &receipt, o)
					return
				}
				if !errors.Is(err, errKilled) {
					t.Fatal(err)
				}
			}
		})
	})
}
