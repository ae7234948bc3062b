package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"replayd/archive"
	"replayd/archive/archivetest"
	"replayd/replay/shelf"
)

// steps counts what a session asks of its store and sink, and ends it at one of them.
type steps struct {
	taken atomic.Int64
	at    int64 // 0: none
	end   func()
	once  sync.Once
}

func (s *steps) step() {
	if s.taken.Add(1) == s.at {
		s.once.Do(s.end)
	}
}

// stepping is a store whose listings, openings and reads are steps.
type stepping struct {
	*archivetest.Faulty
	steps *steps
}

func (s *stepping) List(ctx context.Context, prefix string) iter.Seq2[archive.Object, error] {
	return func(yield func(archive.Object, error) bool) {
		for o, err := range s.Faulty.List(ctx, prefix) {
			s.steps.step()
			if !yield(o, err) {
				return
			}
		}
	}
}

func (s *stepping) Open(ctx context.Context, o archive.Object, offset int64) (io.ReadCloser, error) {
	s.steps.step()
	body, err := s.Faulty.Open(ctx, o, offset)
	if err != nil {
		return nil, err
	}
	return &steppingBody{body, s.steps}, nil
}

// steppingBody gives little at a time, so that objects are left in their middle.
type steppingBody struct {
	io.ReadCloser
	steps *steps
}

func (b *steppingBody) Read(p []byte) (int, error) {
	b.steps.step()
	return b.ReadCloser.Read(p[:min(len(p), 8<<10)])
}

// steppingSink has a step before and behind each commit.
type steppingSink struct {
	*memory
	steps *steps
}

func (s *steppingSink) Open(ctx context.Context, spec *Spec) (Durable, error) {
	s.steps.step()
	d, err := s.memory.Open(ctx, spec)
	return d, errors.Join(err, ctx.Err())
}

func (s *steppingSink) Commit(ctx context.Context, c *Chunk) error {
	s.steps.step()
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.memory.Commit(ctx, c)
	s.steps.step()
	return err
}

// counted are decoders that are not closed yet: each holds buffers, and zstd's goroutines.
type counted struct {
	archive.Decoder
	open *atomic.Int64
}

func (c counted) Close() {
	c.open.Add(-1)
	c.Decoder.Close()
}

// watched runs sessions and looks at what they leave behind.
type watched struct {
	t        *testing.T
	archive  *archivetest.Archive
	store    *archivetest.Faulty
	sink     *memory
	decoders atomic.Int64
	spill    string
}

// session runs one and ends it at a step, by its context or as a signal would. It reports what Run would, and how many steps
// it took.
func (w *watched) session(at int64, gently bool, memory int64) (int64, error) {
	w.t.Helper()
	s := &steps{at: at}
	o := fast(w.t)
	o.Memory, o.Spill = memory, w.spill
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	stop := make(chan struct{})
	o.Stop, s.end = stop, cancel
	if gently {
		s.end = func() { close(stop) }
	}
	source := sourceOf(w.t, w.archive.Plan, &stepping{w.store, s})
	decoder := source.Decoder
	source.Decoder = func() archive.Decoder {
		w.decoders.Add(1)
		return counted{decoder(), &w.decoders}
	}
	r := &Runner{Source: source, Sink: &steppingSink{w.sink, s}, Options: o}
	room, err := w.run(ctx, r)
	if room != nil {
		if use := room.Use(); use != (shelf.Use{}) {
			w.t.Errorf("left on the shelf: %+v", use)
		}
	}
	return s.taken.Load(), err
}

// run is Runner.Run, which also returns the shelf.
func (w *watched) run(ctx context.Context, r *Runner) (*shelf.Shelf, error) {
	r.Options.complete()
	spec := specOf(w.archive.Plan)
	if err := spec.Complete(spec.AsOf); err != nil {
		return nil, err
	}
	durable, err := r.open(ctx, &spec)
	if err != nil || durable.Checkpoint.State.Terminal() {
		return nil, err
	}
	p := r.newPipeline(&spec, durable)
	_, err = p.run(ctx)
	return p.merge.Shelf, err
}

// clean looks at all that a session may have left, goroutines apart: the bubble of the test does not end while one lives.
func (w *watched) clean() error {
	if n := w.store.Unclosed(); n != 0 {
		return fmt.Errorf("%d bodies of objects are open", n)
	}
	if n := w.decoders.Load(); n != 0 {
		return fmt.Errorf("%d decoders are open", n)
	}
	if files := filesBelow(w.spill); len(files) > 0 {
		return fmt.Errorf("spilled files are open: %q", files)
	}
	left, err := os.ReadDir(w.spill)
	if err == nil && len(left) > 0 {
		return fmt.Errorf("%d files lie in %s", len(left), w.spill)
	}
	return err
}

// filesBelow are the files below a folder that this process has open, those without a name included. It knows none where
// there is no /proc.
func filesBelow(folder string) (files []string) {
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		if to, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name())); err == nil && strings.HasPrefix(to, folder) {
			files = append(files, to)
		}
	}
	return files
}

// TestASessionLeavesNothingBehind ends sessions wherever it may be: while they list, read, spill, open the sink, commit; and
// continues them, so that rebuilding is broken off, too.
func TestASessionLeavesNothingBehind(t *testing.T) {
	for seed := range uint64(16) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { sessionsThatEnd(t, seed) })
		})
	}
}

func sessionsThatEnd(t *testing.T, seed uint64) {
	a, rng := archivetest.Generate(archivetest.Small(seed*31)), seeded(seed)
	w := &watched{t: t, archive: a, store: archivetest.NewFaulty(a.Files()), sink: &memory{}, spill: t.TempDir()}
	budget := []int64{1, 128 << 10, 64 << 20}[seed%3] // all spills, some, none
	all, err := w.session(0, false, budget)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.clean(); err != nil {
		t.Fatalf("a replay that completed: %v", err)
	}
	w.sink = &memory{}
	for range 8 {
		at, gently := 1+rng.Int64N(all), rng.IntN(3) == 0
		if rng.IntN(4) == 0 {
			w.sink = &memory{}
		}
		taken, err := w.session(at, gently, budget)
		if taken < at && err != nil { // it continued one, and had less to do
			t.Errorf("it ended by itself, after %d steps: %v", taken, err)
		}
		if err := w.clean(); err != nil {
			t.Fatalf("ended at step %d of %d, gently %v: %v", at, all, gently, err)
		}
	}
}
