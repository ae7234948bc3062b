package replay

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"replayd/archive/archivetest"
	"replayd/replay/merge"
)

var seeds = flag.Uint64("seeds", 96, "archives to try; 96 meet every layout with every format, codec and window")

// each runs f for every seed, as a test of its own.
func each(t *testing.T, f func(t *testing.T, a *archivetest.Archive, seed uint64)) { every(1, t, f) }

// some runs f for every fifth seed: every choice of a plan is still met, and with make oracle each one together with all others.
func some(t *testing.T, f func(t *testing.T, a *archivetest.Archive, seed uint64)) { every(5, t, f) }

func every(stride uint64, t *testing.T, f func(t *testing.T, a *archivetest.Archive, seed uint64)) {
	for seed := uint64(0); seed < *seeds; seed += stride {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			f(t, archivetest.Generate(archivetest.Small(seed)), seed)
		})
	}
}

func TestAReplayIsWhatTheOracleSays(t *testing.T) {
	each(t, func(t *testing.T, a *archivetest.Archive, _ uint64) {
		m, o, s := &memory{}, a.Oracle(), specOf(a.Plan)
		r := Runner{Source: sourceOf(t, a.Plan, archivetest.NewFaulty(a.Files())), Sink: m, Options: fast(t)}
		receipt, err := r.Run(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, m, o, s)
		sameCounts(t, &receipt, o)
	})
}

// policies gives a replay policies that depend on its seed, and the plan by which the oracle judges the same.
func policies(a *archivetest.Archive, s *Spec, seed uint64) archivetest.Plan {
	rng, plan := seeded(seed), a.Plan
	s.OnLate = []string{Emit, Quarantine}[rng.IntN(2)]
	s.OnConflict = []string{Emit, Drop, Quarantine}[rng.IntN(3)]
	s.OnMissingID = []string{Emit, Quarantine}[rng.IntN(2)]
	plan.Policies = archivetest.Policies{OnLate: s.OnLate, OnConflict: s.OnConflict, OnMissingID: s.OnMissingID}
	if rng.IntN(2) == 0 {
		s.Filter = "len(key) % 3 != 0"
		plan.Policies.Keep = func(e *archivetest.Entry) bool { return utf8.RuneCount(e.Key)%3 != 0 }
	}
	return plan
}

// TestPoliciesDecideAsTheOracleDoes also kills and continues, with everything spilled.
func TestPoliciesDecideAsTheOracleDoes(t *testing.T) {
	some(t, func(t *testing.T, a *archivetest.Archive, seed uint64) {
		m, s := &memory{fate: dieAfter(3)}, specOf(a.Plan)
		o := a.Judge(policies(a, &s, seed))
		options := fast(t)
		options.shares = &shares{step: 4 << 10, chunk: chunkBytes}
		r := Runner{Source: sourceOf(t, a.Plan, archivetest.NewFaulty(a.Files())), Sink: m, Options: options}
		receipt, err := r.Run(context.Background(), s)
		if errors.Is(err, errKilled) {
			m.fate = nil
			receipt, err = r.Run(context.Background(), s)
		}
		if err != nil {
			t.Fatal(err)
		}
		compare(t, m, o, s)
		sameCounts(t, &receipt, o)
	})
}

// TestAReplayInAnyMemoryIsTheSame holds all, some or none of what is read in memory, and reads none, one, two or all objects that
// are in order a second time; what is left is spilled.
func TestAReplayInAnyMemoryIsTheSame(t *testing.T) {
	var again atomic.Int64
	t.Run("seeds", func(t *testing.T) {
		some(t, func(t *testing.T, a *archivetest.Archive, seed uint64) {
			o, s := a.Oracle(), specOf(a.Plan)
			m, store, options := &memory{}, archivetest.NewFaulty(a.Files()), fast(t)
			options.shares = &shares{
				runs: []int64{0, 100_000, 1 << 30}[seed%3], streams: merge.Room{Objects: []int{0, 1, 2, 1000}[seed/3%4], Bytes: 1 << 30},
				step: 4 << 10, chunk: []int64{5_000, 50_000, 1 << 30}[seed/12%3],
			}
			r := Runner{Source: sourceOf(t, a.Plan, store), Sink: m, Options: options}
			receipt, err := r.Run(context.Background(), s)
			if err != nil {
				t.Fatalf("%+v: %v", *options.shares, err)
			}
			compare(t, m, o, s)
			sameCounts(t, &receipt, o)
			opened := -receipt.Objects
			for key := range a.Files() {
				opened += int64(store.Requests(key))
			}
			again.Add(opened)
		})
	})
	if again.Load() == 0 {
		t.Error("no object was read a second time")
	}
	t.Logf("%d objects were read a second time", again.Load())
}

// TestAReplayKilledAndContinuedIsTheSame kills sessions before and after their commits, in bad weather, and continues.
func TestAReplayKilledAndContinuedIsTheSame(t *testing.T) {
	some(t, func(t *testing.T, a *archivetest.Archive, seed uint64) {
		o, s, rng := a.Oracle(), specOf(a.Plan), seeded(seed)
		m := &memory{fate: func() fate {
			return []fate{goesWell, goesWell, goesWell, diesBefore, diesAfter}[rng.IntN(5)]
		}}
		store := archivetest.NewFaulty(a.Files())
		sessions := 0
		for {
			options := fast(t)
			options.chunkRecords = 1 + rng.IntN(60)
			r := Runner{Source: sourceOf(t, a.Plan, store), Sink: m, Options: options}
			receipt, err := r.Run(context.Background(), s)
			sessions++
			if err == nil {
				compare(t, m, o, s)
				sameCounts(t, &receipt, o)
				again, err := r.Run(context.Background(), s)
				if err != nil || !reflect.DeepEqual(again, receipt) {
					t.Errorf("a finished replay run again: %v, %+v", err, again)
				}
				return
			}
			if !errors.Is(err, errKilled) || sessions > 1000 {
				t.Fatalf("session %d: %v", sessions, err)
			}
		}
	})
}
