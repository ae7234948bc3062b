package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"replayd/archive"
	"replayd/archive/archivetest"
	"replayd/replay/merge"
	"replayd/replay/pace"
)

// slowly is a reader that gives a kilobyte at a time, each after a while.
type slowly struct {
	io.Reader
	each time.Duration
}

const slowPiece = 1 << 10

func (s slowly) Read(p []byte) (int, error) {
	time.Sleep(s.each) // of the fake clock
	return s.Reader.Read(p[:min(len(p), slowPiece)])
}

// slowStore is a store whose bodies come slowly.
type slowStore struct {
	archive.Store
	each time.Duration
}

func (s slowStore) Open(ctx context.Context, o archive.Object, offset int64) (io.ReadCloser, error) {
	b, err := s.Store.Open(ctx, o, offset)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{slowly{b, s.each}, b}, nil
}

// slowDecoder is a processor that takes its time to decompress what has come.
type slowDecoder struct{ each time.Duration }

func (d slowDecoder) Decode(r io.Reader) (io.Reader, error) {
	text, err := io.ReadAll(r)
	return slowly{strings.NewReader(string(text)), d.each}, err
}

func (slowDecoder) Close() {}

// overlapping is an archive of n objects in order, of 40 KB each, which reach over the same half hour.
func overlapping(n int) *hourly {
	files := map[string]string{}
	for o := range n {
		var text strings.Builder
		for i := range 900 {
			text.WriteString(event(fmt.Sprint(o, "-", i), time.Duration(2*i)*time.Second))
		}
		files[fmt.Sprintf("2026/11/01/12/%02d", o)] = text.String()
	}
	return newHourly(files)
}

func TestWhatHoldsTheReadingIsSaid(t *testing.T) {
	const each = 100 * time.Millisecond
	slowArchive := func(s *archive.Source) { s.Store = slowStore{s.Store, each} }
	slowListing := func(s *archive.Source) { s.Store = &archivetest.Far{Store: s.Store, Latency: 10 * time.Second} }
	slowCPU := func(s *archive.Source) {
		s.Decoder = func() archive.Decoder { return slowDecoder{each} }
	}
	readTwice := &shares{dedupe: 1 << 20, runs: 1 << 10, streams: merge.Room{Objects: 32, Bytes: merge.StreamSize << 5}, step: 8 << 10, chunk: chunkBytes, buffers: 1 << 20}
	for _, c := range []struct {
		name   string
		slow   func(*archive.Source)
		open   int
		memory *shares
		kill   int // after so many commits; what is looked at is the session behind it
		holder Holder
		phase  Phase
	}{
		{"slow archive", slowArchive, 256, nil, 0, HeldByArchive, Producing},
		{"slow archive, nothing fetched ahead", slowArchive, 2, nil, 0, HeldByArchive, Producing},
		{"slow archive, read twice", slowArchive, 256, readTwice, 0, HeldByArchive, Producing},
		{"slow archive, rebuilding", slowArchive, 256, nil, 50, HeldByArchive, Rebuilding},
		{"slow listing", slowListing, 256, nil, 0, HeldByArchive, Listing},
		{"slow CPU", slowCPU, 256, nil, 0, HeldByCPU, Producing},
		{"slow CPU, nothing fetched ahead", slowCPU, 2, nil, 0, HeldByCPU, Producing},
		{"slow CPU, rebuilding", slowCPU, 256, nil, 50, HeldByCPU, Rebuilding},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, m := overlapping(4), &memory{}
				h.spec.Horizon = Duration(time.Hour)
				if c.kill > 0 {
					m.fate = dieAfter(c.kill)
					if _, err := h.runner(t, m).Run(t.Context(), h.spec); !errors.Is(err, errKilled) {
						t.Fatal(err)
					}
					m.fate = nil
				}
				r := h.runner(t, m)
				r.Options.Pace, r.Options.Open, r.Options.shares, r.Options.chunkRecords = pace.Unlimited(), c.open, c.memory, 1000
				c.slow(&r.Source)
				watch := &reading{t: t, phase: c.phase, holder: c.holder}
				r.Options.Observe = watch.see
				receipt, err := r.Run(t.Context(), h.spec)
				if err != nil || receipt.Produced != 3600 {
					t.Fatal(err, receipt.Produced)
				}
				watch.end(receipt.Counters, c.memory != nil)
			})
		})
	}
}

// reading looks at the progress of a session.
type reading struct {
	t      *testing.T
	phase  Phase
	holder Holder
	seen   int
	last   Progress
}

// wants is the holder that is to be told: nothing while there is too little to be judged by.
func (w *reading) wants(p *Progress) Holder {
	if p.Elapsed < judgedAfter {
		return HeldByNothing
	}
	return w.holder
}

func (w *reading) see(p Progress) {
	before := w.last
	w.last = p
	if p.Fetched < before.Fetched || p.Opened < before.Opened {
		w.t.Errorf("after %s it goes back: %+v", p.Elapsed, p)
	}
	w.seen++
	if want := w.wants(&p); p.HeldBy != want || p.Error != "" {
		w.t.Errorf("after %s it is held by %q, waits for %q", p.Elapsed, p.HeldBy, p.Error)
	}
	if p.Elapsed > time.Second && p.Elapsed < 4*time.Second && p.Phase != w.phase {
		w.t.Errorf("after %s its phase is %s", p.Elapsed, p.Phase)
	}
	if p.Elapsed > time.Second && w.phase != Listing && (p.Fetched == 0 || p.Opened == 0) {
		w.t.Errorf("after %s nothing is read: %+v", p.Elapsed, p)
	}
}

// end holds the last progress against what the session read.
func (w *reading) end(c Counters, twice bool) {
	if w.seen < 50 {
		w.t.Errorf("only %d looks", w.seen)
	}
	bytes := c.Bytes
	if twice {
		bytes *= 2
	}
	if p := w.last; p.Opened != c.Objects || p.Fetched != bytes {
		w.t.Errorf("%d objects were opened of %d, %d bytes fetched of %d", p.Opened, c.Objects, p.Fetched, bytes)
	}
}

// TestNothingHoldsAReplayBeforeItHasWorkedForAWhile: where its first moments went, and those behind a pause, nobody can tell.
func TestNothingHoldsAReplayBeforeItHasWorkedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, m := seconds(600), &memory{}
		held := map[time.Duration]Holder{} // by the time since its beginning
		began := time.Now()
		s := steer(t, h, m, m, running, func(o *Options) {
			o.Observe = func(p Progress) { held[time.Since(began)] = p.HeldBy }
		})
		s.at(12550 * time.Millisecond)
		s.control.Wish(paused)
		s.at(21550 * time.Millisecond)
		s.control.Wish(running)
		s.at(30 * time.Second)
		s.control.Leave()
		if err := s.ends(time.Second); !stoppedIn(err, Running) {
			t.Error(err)
		}
		const soon = 2 * observeEvery
		for _, c := range []struct {
			from, to time.Duration
			want     Holder
		}{
			{0, judgedAfter, HeldByNothing},
			{judgedAfter + soon, 12500 * time.Millisecond, HeldByPace},
			{12600 * time.Millisecond, 21500*time.Millisecond + judgedAfter, HeldByNothing},
			{21600*time.Millisecond + judgedAfter + soon, 30 * time.Second, HeldByPace},
		} {
			looks := 0
			for at, by := range held {
				if at < c.from || at >= c.to {
					continue
				}
				if looks++; by != c.want {
					t.Errorf("after %s it is held by %q, want %q", at, by, c.want)
				}
			}
			if looks < 18 {
				t.Errorf("from %s to %s there are only %d looks", c.from, c.to, looks)
			}
		}
	})
}
