package replay

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"replayd/archive/archivetest"
	"replayd/replay/merge"
)

func TestSharesOfMemoryAddUpToIt(t *testing.T) {
	for _, memory := range []int64{16 << 20, 64 << 20, 100 << 20, 512 << 20, 1 << 30, 64 << 30} {
		for _, processors := range []int{1, 2, 8, 64} {
			workers := min(processors, workersOf(memory))
			for _, open := range []int{workers, workers + 1, 256, 60_000} {
				s := divide(memory, open, workers)
				if sum := s.dedupe + s.inFlight + s.reading + s.ahead.Bytes + s.spilled + s.streams.Bytes + s.runs; sum != memory {
					t.Errorf("%d bytes, %d objects, %d workers: %d bytes are shared out: %+v", memory, open, workers, sum, s)
				}
				if s.streams.Objects+s.ahead.Objects+workers > open || s.streams.Bytes > s.runs/2+1 || s.runs < memory/8 {
					t.Errorf("%d bytes, %d objects, %d workers: %+v", memory, open, workers, s)
				}
			}
		}
	}
}

// TestManyProcessorsReadNoMoreObjectsThanMemoryIsEnoughFor has 1,000 processors.
func TestManyProcessorsReadNoMoreObjectsThanMemoryIsEnoughFor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1000))
	text, err := os.ReadFile("../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	for memory, name := range map[int64]string{16 << 20: "", 64 << 20: "64MiB", 512 << 20: "512MiB"} {
		o := Options{Memory: memory, Open: 1 << 20}
		if s := o.divided(); s.reading > memory/8 {
			t.Errorf("%d workers take %d bytes of %d, in steps of %d", o.workers(), s.reading, memory, s.step)
		}
		if says := fmt.Sprintf("%d with `%s`", o.workers(), name); name != "" && !strings.Contains(string(text), says) {
			t.Errorf("docs/reliability.md does not say %q", says)
		}
	}
}

// TestDocumentsSayHowMemoryIsDivided holds the table of docs/reliability.md, which is for two processors, against divide.
func TestDocumentsSayHowMemoryIsDivided(t *testing.T) {
	text, err := os.ReadFile("../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	divided := []shares{divide(64<<20, defaultOpen, 2), divide(defaultMemory, defaultOpen, 2), divide(4<<30, defaultOpen, 2)}
	for name, of := range map[string]func(shares) int64{
		"duplicates": func(s shares) int64 { return s.dedupe }, "in flight": func(s shares) int64 { return s.inFlight },
		"being read": func(s shares) int64 { return s.reading }, "fetched ahead": func(s shares) int64 { return s.ahead.Bytes }, "on disk": func(s shares) int64 { return s.spilled },
		"read twice": func(s shares) int64 { return s.streams.Bytes }, "in memory": func(s shares) int64 { return s.runs },
	} {
		row := fmt.Sprintf("| %s |", name)
		for _, s := range divided {
			row += fmt.Sprintf(" %d MiB |", (of(s)+1<<19)>>20)
		}
		if !strings.Contains(string(text), row) {
			t.Errorf("docs/reliability.md has no row that begins with %s", row)
		}
	}
}

// TestACancelledReplayLeavesNothing breaks replays off in the middle, while objects are held in memory, read twice and spilled.
func TestACancelledReplayLeavesNothing(t *testing.T) {
	for seed := range uint64(12) {
		a := archivetest.Generate(archivetest.Small(seed))
		synctest.Test(t, func(t *testing.T) { // ends only when all goroutines have
			store, options := archivetest.NewFaulty(a.Files()), fast(t)
			options.shares = &shares{runs: 50_000, streams: merge.Room{Objects: 3, Bytes: 1 << 30}, step: 4 << 10, chunk: chunkBytes}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			commits := 0
			m := &memory{fate: func() fate {
				if commits++; commits == 3 {
					cancel()
				}
				return goesWell
			}}
			r := Runner{Source: sourceOf(t, a.Plan, store), Sink: m, Options: options}
			if _, err := r.Run(ctx, specOf(a.Plan)); !errors.Is(err, context.Canceled) {
				t.Errorf("seed %d: %v after %d commits", seed, err, commits)
			}
			if n := store.Unclosed(); n > 0 {
				t.Errorf("seed %d: %d bodies are open", seed, n)
			}
			open, err := os.ReadDir("/proc/self/fd")
			for _, f := range open {
				if name, _ := os.Readlink("/proc/self/fd/" + f.Name()); strings.HasPrefix(name, options.Spill) {
					t.Errorf("seed %d: %s is open", seed, name)
				}
			}
			if err != nil && runtime.GOOS == "linux" {
				t.Error(err)
			}
		})
	}
}
