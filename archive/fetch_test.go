package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"replayd/archive"
	"replayd/archive/archivetest"
)

const key = "2026/11/01/03/object"

var content = bytes.Repeat([]byte("0123456789"), 5000)

// fetching runs test in fake time, against a store that holds key. The bubble fails when a goroutine is left behind.
func fetching(t *testing.T, script func(archivetest.Request) archivetest.Fault, test func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := archivetest.NewFaulty(map[string][]byte{key: content, "2026/11/01/03/none": nil})
		s.Script(script)
		var requests []context.Context
		test(t, &archive.Fetcher{Store: watched{s, &requests}}, s)
		if n := s.Unclosed(); n != 0 {
			t.Errorf("%d bodies left open", n)
		}
		for _, ctx := range requests {
			if ctx.Err() == nil {
				t.Error("a context was left to its parent")
			}
		}
	})
}

// watched keeps the contexts of all requests of one goroutine.
type watched struct {
	*archivetest.Faulty
	requests *[]context.Context
}

func (s watched) Open(ctx context.Context, o archive.Object, offset int64) (io.ReadCloser, error) {
	*s.requests = append(*s.requests, ctx)
	return s.Faulty.Open(ctx, o, offset)
}

func (s watched) List(ctx context.Context, prefix string) iter.Seq2[archive.Object, error] {
	*s.requests = append(*s.requests, ctx)
	return s.Faulty.List(ctx, prefix)
}

// once lets the first request for each of the faults meet it, in turn.
func once(faults ...archivetest.Fault) func(archivetest.Request) archivetest.Fault {
	return func(r archivetest.Request) archivetest.Fault {
		if r.Number <= len(faults) {
			return faults[r.Number-1]
		}
		return archivetest.Fault{}
	}
}

func always(f archivetest.Fault) func(archivetest.Request) archivetest.Fault {
	return func(archivetest.Request) archivetest.Fault { return f }
}

func read(t *testing.T, f *archive.Fetcher, o archive.Object) ([]byte, error) {
	t.Helper()
	body := f.Open(t.Context(), o)
	defer body.Close()
	return io.ReadAll(body)
}

func readsAll(t *testing.T, f *archive.Fetcher, o archive.Object, want []byte) {
	t.Helper()
	got, err := read(t, f, o)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d of %d bytes, equal: %v, error: %v", len(got), len(want), bytes.Equal(got, want), err)
	}
}

func TestFaultsThatPassLoseNoByte(t *testing.T) {
	unavailable := archivetest.Fault{Err: archivetest.ErrUnavailable}
	size := int64(len(content))
	for _, c := range []struct {
		name     string
		script   func(archivetest.Request) archivetest.Fault
		requests int
		from, to time.Duration // how long it takes
	}{
		{"none", nil, 1, 0, 0},
		{"refused", once(unavailable, unavailable, unavailable), 4, 350 * time.Millisecond, 700 * time.Millisecond},
		{"cut", once(archivetest.Fault{After: 10_001, Err: io.ErrUnexpectedEOF}), 2, 50 * time.Millisecond, 100 * time.Millisecond},
		{"ends early", once(archivetest.Fault{After: 10_001, Err: io.EOF}), 2, 50 * time.Millisecond, 100 * time.Millisecond},
		{"ends before its first byte", once(archivetest.Fault{Err: io.EOF}), 2, 50 * time.Millisecond, 100 * time.Millisecond},
		{"cut at its end", once(archivetest.Fault{After: size, Err: io.ErrUnexpectedEOF}), 2, 50 * time.Millisecond, 100 * time.Millisecond},
		{"stalls", once(archivetest.Fault{After: 10_001, Stall: true}), 2, 30 * time.Second, 31 * time.Second},
		{"stalls at its end", once(archivetest.Fault{After: size, Stall: true}), 2, 30 * time.Second, 31 * time.Second},
		{"request without an answer", once(archivetest.Fault{Stall: true}), 2, 30 * time.Second, 31 * time.Second},
		{
			"cut again after progress waits from the shortest",
			once(archivetest.Fault{After: 1000, Err: io.EOF}, archivetest.Fault{After: 1000, Err: io.EOF}, archivetest.Fault{After: 1000, Err: io.EOF}),
			4, 150 * time.Millisecond, 300 * time.Millisecond,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			fetching(t, c.script, func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
				began := time.Now()
				readsAll(t, f, s.Object(key), content)
				if took := time.Since(began); took < c.from || took > c.to {
					t.Errorf("took %s, want %s to %s", took, c.from, c.to)
				}
				if n := s.Requests(key); n != c.requests {
					t.Errorf("%d requests, want %d", n, c.requests)
				}
			})
		})
	}
}

func TestResumesAtTheByteWhereTheBodyBroke(t *testing.T) {
	var offsets []int64
	script := once(archivetest.Fault{After: 1, Err: io.EOF}, archivetest.Fault{After: 20_000, Err: io.ErrUnexpectedEOF})
	note := func(r archivetest.Request) archivetest.Fault {
		offsets = append(offsets, r.Offset)
		return script(r)
	}
	fetching(t, note, func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
		readsAll(t, f, s.Object(key), content)
	})
	if !slices.Equal(offsets, []int64{0, 1, 20_001}) {
		t.Errorf("asked from %v", offsets)
	}
}

func TestAnyWeatherGivesTheSameBytes(t *testing.T) {
	for seed := range uint64(200) {
		fetching(t, archivetest.Weather(seed, 2), func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
			var waiting int
			f.Waiting = count(&waiting)
			readsAll(t, f, s.Object(key), content)
			readsAll(t, f, s.Object("2026/11/01/03/none"), nil)
			if waiting != 0 || t.Failed() {
				t.Fatalf("seed %d: %d still waiting", seed, waiting)
			}
		})
	}
}

func TestStoreThatIsAwayForAMinuteLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := archivetest.NewFaulty(nil)
		for i := range 8 {
			s.Put(fmt.Sprint(i), append(content, byte(i)))
		}
		back := time.Now().Add(time.Minute)
		s.Script(func(r archivetest.Request) archivetest.Fault {
			if r.Number == 1 {
				return archivetest.Fault{After: 1000, Err: io.ErrUnexpectedEOF}
			}
			if time.Now().Before(back) {
				return archivetest.Fault{Err: archivetest.ErrUnavailable}
			}
			return archivetest.Fault{}
		})
		f := &archive.Fetcher{Store: s}
		var readers sync.WaitGroup
		for i := range 8 {
			readers.Go(func() { readsAll(t, f, s.Object(fmt.Sprint(i)), append(slices.Clone(content), byte(i))) })
		}
		readers.Wait()
		if late := time.Since(back); late < 0 || late > 5*time.Second {
			t.Errorf("ended %s after the store came back", late)
		}
		for i := range 8 {
			if n := s.Requests(fmt.Sprint(i)); n > 30 {
				t.Errorf("asked %d times in a minute", n)
			}
		}
	})
}

func TestWhatNoRetryCuresEndsAtOnce(t *testing.T) {
	denied := &archive.Permanent{Err: errors.New("AccessDenied"), Cure: "ask for s3:GetObject"}
	for name, c := range map[string]struct {
		script func(archivetest.Request) archivetest.Fault
		change func(s *archivetest.Faulty)
		want   error
	}{
		"denied":              {script: always(archivetest.Fault{Err: denied}), want: denied},
		"denied in the body":  {script: always(archivetest.Fault{After: 100, Err: denied}), want: denied},
		"vanished":            {change: func(s *archivetest.Faulty) { s.Remove(key) }, want: fs.ErrNotExist},
		"changed":             {change: func(s *archivetest.Faulty) { s.Put(key, []byte("other")) }, want: archive.ErrChanged},
		"same size, new time": {change: func(s *archivetest.Faulty) { s.Put(key, content) }, want: archive.ErrChanged},
	} {
		t.Run(name, func(t *testing.T) {
			fetching(t, c.script, func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
				o, began := s.Object(key), time.Now()
				if c.change != nil {
					c.change(s)
				}
				_, err := read(t, f, o)
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), key) {
					t.Errorf("%v, want %v of %s", err, c.want, key)
				}
				if time.Since(began) != 0 || s.Requests(key) != 1 {
					t.Errorf("took %s and %d requests", time.Since(began), s.Requests(key))
				}
			})
		})
	}
}

func TestObjectThatChangesBetweenTwoRequestsIsChanged(t *testing.T) {
	script := once(archivetest.Fault{After: 1234, Err: io.ErrUnexpectedEOF})
	fetching(t, script, func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
		o := s.Object(key)
		body := f.Open(t.Context(), o)
		defer body.Close()
		if _, err := io.ReadFull(body, make([]byte, 1234)); err != nil {
			t.Fatal(err)
		}
		s.Put(key, bytes.ToUpper(content))
		n, err := body.Read(make([]byte, 100))
		if n != 0 || !errors.Is(err, archive.ErrChanged) || !strings.Contains(err.Error(), "byte 1234") {
			t.Errorf("%d bytes, %v", n, err)
		}
		if _, again := body.Read(make([]byte, 100)); !errors.Is(again, err) {
			t.Errorf("then %v", again)
		}
	})
}

// sized lies about the size of its objects.
type sized struct {
	*archivetest.Faulty
	by int64
}

func (s sized) Open(ctx context.Context, o archive.Object, offset int64) (io.ReadCloser, error) {
	o.Size += s.by
	return s.Faulty.Open(ctx, o, offset)
}

func TestBodyLongerThanListedIsChangedAndNoByteMoreIsGiven(t *testing.T) {
	fetching(t, nil, func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
		f.Store = sized{s, +10}
		o := s.Object(key)
		o.Size -= 10
		got, err := read(t, f, o)
		if !errors.Is(err, archive.ErrChanged) || int64(len(got)) != o.Size {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

func TestBodyShorterThanListedIsAskedForUntilPatienceEnds(t *testing.T) {
	fetching(t, nil, func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
		s.Put(key, content[:100])
		f.Store, f.GiveUp = sized{s, -10}, time.Minute
		o := s.Object(key)
		o.Size += 10
		got, err := read(t, f, o)
		if err == nil || !strings.Contains(err.Error(), "ended at byte 100 of 110") || len(got) != 100 {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

func TestGivesUpWithTheLastCauseAfterTimeWithoutProgress(t *testing.T) {
	script := func(r archivetest.Request) archivetest.Fault {
		return archivetest.Fault{Err: fmt.Errorf("cause %d", r.Number)}
	}
	fetching(t, script, func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
		began := time.Now()
		_, err := read(t, f, s.Object(key))
		if took := time.Since(began); took != time.Hour {
			t.Errorf("gave up after %s", took)
		}
		want := fmt.Sprintf("read %s at byte 0: gave up after %d tries in 1h0m0s: cause %[2]d", key, s.Requests(key))
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	})
}

func TestProgressResetsTheGiveUpClock(t *testing.T) {
	var since time.Time // a byte came
	script := func(archivetest.Request) archivetest.Fault {
		if since.IsZero() || time.Since(since) > 50*time.Second {
			since = time.Now()
			return archivetest.Fault{After: 10_000, Err: io.ErrUnexpectedEOF}
		}
		return archivetest.Fault{Err: archivetest.ErrUnavailable}
	}
	fetching(t, script, func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
		f.GiveUp = time.Minute
		began := time.Now()
		readsAll(t, f, s.Object(key), content)
		if took := time.Since(began); took < 4*50*time.Second {
			t.Errorf("took %s: the store was not away", took)
		}
	})
}

func TestEndOfTheContextEndsAtOnce(t *testing.T) {
	for name, script := range map[string]func(archivetest.Request) archivetest.Fault{
		"while waiting to retry": always(archivetest.Fault{Err: archivetest.ErrUnavailable}),
		"in a request":           always(archivetest.Fault{Stall: true}),
		"in a body":              always(archivetest.Fault{After: 5, Stall: true}),
	} {
		t.Run(name, func(t *testing.T) {
			fetching(t, script, func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
				ctx, cancel := context.WithTimeout(t.Context(), 12345*time.Millisecond)
				defer cancel()
				began, told := time.Now(), 0
				f.Waiting = func(error) { told++ }
				body := f.Open(ctx, s.Object(key))
				_, err := io.ReadAll(body)
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 12345*time.Millisecond {
					t.Errorf("%v after %s", err, time.Since(began))
				}
				if told%2 != 0 || told > 0 && !strings.HasPrefix(name, "while waiting") {
					t.Errorf("told %d times of waiting", told)
				}
				for _, err := range f.List(ctx, "") {
					if !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("list: %v", err)
					}
				}
				// fetching fails if a body is left open, though nobody closed this one
			})
		})
	}
}

func TestSlowReaderIsNoStall(t *testing.T) {
	fetching(t, nil, func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
		body := f.Open(t.Context(), s.Object(key))
		defer body.Close()
		for piece := make([]byte, 10_000); ; time.Sleep(time.Hour) {
			if _, err := io.ReadFull(body, piece); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		for _, err := range f.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
		if s.Requests(key) != 1 || s.Requests("") != 1 {
			t.Errorf("%d and %d requests", s.Requests(key), s.Requests(""))
		}
	})
}

func TestClosedBodyLeavesNothingBehind(t *testing.T) {
	script := once(archivetest.Fault{After: 10, Err: io.ErrUnexpectedEOF}, archivetest.Fault{Err: archivetest.ErrUnavailable})
	fetching(t, script, func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
		waiting := 0
		f.Waiting = count(&waiting)
		unread := f.Open(t.Context(), s.Object(key))
		if err := unread.Close(); err != nil || s.Requests(key) != 0 {
			t.Errorf("unread: %v, %d requests", err, s.Requests(key))
		}
		for _, bytes := range []int{5, 10, 11} { // open, broken, resumed
			body := f.Open(t.Context(), s.Object(key))
			if _, err := io.ReadFull(body, make([]byte, bytes)); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := body.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}
			if n, err := body.Read(make([]byte, 1)); n != 0 || !errors.Is(err, fs.ErrClosed) {
				t.Errorf("read after Close: %d, %v", n, err)
			}
		}
		if waiting != 0 {
			t.Errorf("%d waiting", waiting)
		}
	})
}

func TestWaitingIsToldOncePerOutageAndWhenItEnds(t *testing.T) {
	unavailable := archivetest.Fault{Err: archivetest.ErrUnavailable}
	script := once(archivetest.Fault{After: 10, Err: io.ErrUnexpectedEOF}, unavailable, unavailable, archivetest.Fault{After: 10, Err: io.ErrClosedPipe})
	fetching(t, script, func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
		var told []string
		f.Waiting = func(err error) { told = append(told, fmt.Sprint(err)) }
		readsAll(t, f, s.Object(key), content)
		want := []string{"unexpected EOF", "<nil>", "io: read/write on closed pipe", "<nil>"}
		if !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}

func TestListingGoesOnBehindTheLastKey(t *testing.T) {
	files := map[string][]byte{}
	for i := range 3000 {
		files[fmt.Sprintf("hour/%04d", i)] = []byte("x")
	}
	synctest.Test(t, func(t *testing.T) {
		s := archivetest.NewFaulty(files)
		s.Script(once(
			archivetest.Fault{Err: archivetest.ErrUnavailable},
			archivetest.Fault{After: 1500, Err: io.ErrUnexpectedEOF},
			archivetest.Fault{Stall: true},
			archivetest.Fault{After: 1000, Stall: true},
			archivetest.Fault{After: 2999, Stall: true},
			archivetest.Fault{After: 2999, Err: archivetest.ErrUnavailable},
		))
		waiting := 0
		f := &archive.Fetcher{Store: s, Waiting: count(&waiting)}
		var keys []string
		for o, err := range f.List(t.Context(), "hour/") {
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, o.Key)
		}
		if len(keys) != len(files) || !slices.IsSorted(keys) || len(slices.Compact(keys)) != len(files) {
			t.Errorf("listed %d of %d", len(keys), len(files))
		}
		if waiting != 0 || s.Requests("hour/") != 7 {
			t.Errorf("%d waiting, %d requests", waiting, s.Requests("hour/"))
		}
	})
}

func TestListingStopsWhenNoMoreIsWanted(t *testing.T) {
	fetching(t, nil, func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
		for o, err := range f.List(t.Context(), "") {
			if err != nil || o.Key != "2026/11/01/03/none" {
				t.Errorf("%v, %v", o, err)
			}
			break
		}
	})
}

func TestListingEndsWithWhatNoRetryCuresAndGivesUp(t *testing.T) {
	denied := &archive.Permanent{Err: errors.New("AccessDenied")}
	for _, c := range []struct {
		fault  error
		took   time.Duration
		expect string
	}{
		{denied, 0, `list keys that begin with "2026/": AccessDenied`},
		{archivetest.ErrUnavailable, time.Hour, "gave up after"},
	} {
		fetching(t, always(archivetest.Fault{After: 1, Err: c.fault}), func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
			began, waiting := time.Now(), 0
			f.Waiting = count(&waiting)
			objects, err := collect(f.List(t.Context(), "2026/"))
			if waiting != 0 {
				t.Error("still said to be waiting")
			}
			if len(objects) != 1 || !errors.Is(err, c.fault) || !strings.Contains(err.Error(), c.expect) || time.Since(began) != c.took {
				t.Errorf("%d objects, %v after %s", len(objects), err, time.Since(began))
			}
		})
	}
}

// shuffled is a store that does not list in order, as S3's directory buckets do not.
type shuffled struct{ *archivetest.Faulty }

func (s shuffled) List(context.Context, string) iter.Seq2[archive.Object, error] {
	return func(yield func(archive.Object, error) bool) {
		_ = yield(archive.Object{Key: "b"}, nil) && yield(archive.Object{Key: "c"}, nil) && yield(archive.Object{Key: "a"}, nil)
	}
}

func TestListingOutOfOrderIsRefused(t *testing.T) {
	f := &archive.Fetcher{Store: shuffled{archivetest.NewFaulty(nil)}}
	objects, err := collect(f.List(t.Context(), ""))
	var permanent *archive.Permanent
	if len(objects) != 2 || !errors.As(err, &permanent) || permanent.Cure == "" {
		t.Errorf("%v, %v", objects, err)
	}
}

// collect is the listing up to its error.
func collect(list iter.Seq2[archive.Object, error]) (objects []archive.Object, err error) {
	for o, err := range list {
		if err != nil {
			return objects, err
		}
		objects = append(objects, o)
	}
	return objects, nil
}

// count keeps the number of those that wait in n.
func count(n *int) func(error) {
	return func(err error) {
		if err != nil {
			*n++
		} else {
			*n--
		}
	}
}
