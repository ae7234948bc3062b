package archive_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"testing"
	"time"

	"replayd/archive"
	"replayd/archive/archivetest"
)

// readAhead reads o, of which it has the first bytes fetched an hour before.
func readAhead(t *testing.T, f *archive.Fetcher, o archive.Object, first int) ([]byte, error) {
	t.Helper()
	body := f.OpenAhead(t.Context(), o)
	defer func() { _ = body.Close() }()
	body.Fetch(make([]byte, first))
	time.Sleep(time.Hour)
	return io.ReadAll(body)
}

// firsts are how many bytes of content may be fetched ahead.
var firsts = []int{0, 1, 20_000, len(content), len(content) + 1000}

func TestBodiesOpenedAheadGiveTheSameBytesInAnyWeather(t *testing.T) {
	for seed := range uint64(100) {
		fetching(t, archivetest.Weather(seed, 2), func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
			var waiting int
			f.Waiting = count(&waiting)
			for _, first := range firsts {
				fetched := 0
				f.Fetched = func(n int) { fetched += n }
				got, err := readAhead(t, f, s.Object(key), first)
				if fetched != len(content) {
					t.Errorf("%d bytes fetched ahead: %d were told of", first, fetched)
				}
				if err != nil || !bytes.Equal(got, content) {
					t.Errorf("%d bytes fetched ahead: read %d of %d, %v", first, len(got), len(content), err)
				}
			}
			if got, err := readAhead(t, f, s.Object("2026/11/01/03/none"), 10); err != nil || len(got) != 0 {
				t.Errorf("of an empty object: %d bytes, %v", len(got), err)
			}
			if waiting != 0 || t.Failed() {
				t.Fatalf("seed %d: %d still waiting", seed, waiting)
			}
		})
	}
}

func TestABodyThatNobodyReadsIsNoStalledStore(t *testing.T) {
	for _, first := range firsts {
		fetching(t, nil, func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
			if got, err := readAhead(t, f, s.Object(key), first); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d bytes ahead: %d, %v", first, len(got), err)
			}
			if n := s.Requests(key); n != 1 {
				t.Errorf("%d bytes ahead: asked %d times", first, n)
			}
		})
	}
}

func TestAnObjectFetchedToItsEndHoldsNoConnection(t *testing.T) {
	fetching(t, nil, func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
		for _, c := range []struct{ first, open int }{{len(content), 0}, {len(content) - 1, 1}} {
			body := f.OpenAhead(t.Context(), s.Object(key))
			body.Fetch(make([]byte, c.first))
			if n := s.Unclosed(); n != c.open {
				t.Errorf("%d of %d bytes fetched: %d bodies of the store are open, want %d", c.first, len(content), n, c.open)
			}
			_ = body.Close()
		}
	})
}

func TestFetchingAheadWaitsForNoRetry(t *testing.T) {
	down := always(archivetest.Fault{Err: archivetest.ErrUnavailable})
	fetching(t, down, func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
		told := 0
		f.Waiting = func(error) { told++ }
		body := f.OpenAhead(t.Context(), s.Object(key))
		defer func() { _ = body.Close() }()
		began := time.Now()
		body.Fetch(make([]byte, 100))
		if took := time.Since(began); took != 0 || told != 0 || s.Requests(key) != 1 {
			t.Errorf("took %s, %d requests, %d waits were told of", took, s.Requests(key), told)
		}
		s.Script(nil) // long after it would have given up
		time.Sleep(2 * time.Hour)
		if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, content) || told != 2 {
			t.Errorf("%d bytes, %v, told %d times", len(got), err, told)
		}
	})
}

func TestErrorsMetAheadAreReadBehindTheBytesBeforeThem(t *testing.T) {
	denied := &archive.Permanent{Err: errors.New("AccessDenied")}
	for name, c := range map[string]struct {
		script func(archivetest.Request) archivetest.Fault
		change func(s *archivetest.Faulty)
		bytes  int
		want   error
	}{
		"denied":             {script: always(archivetest.Fault{Err: denied}), want: denied},
		"denied in the body": {script: always(archivetest.Fault{After: 100, Err: denied}), bytes: 100, want: denied},
		"vanished":           {change: func(s *archivetest.Faulty) { s.Remove(key) }, want: fs.ErrNotExist},
		"changed":            {change: func(s *archivetest.Faulty) { s.Put(key, []byte("other")) }, want: archive.ErrChanged},
	} {
		t.Run(name, func(t *testing.T) {
			fetching(t, c.script, func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
				o := s.Object(key)
				if c.change != nil {
					c.change(s)
				}
				got, err := readAhead(t, f, o, 1000)
				if len(got) != c.bytes || !errors.Is(err, c.want) || s.Requests(key) != 1 {
					t.Errorf("%d bytes, %v, %d requests", len(got), err, s.Requests(key))
				}
			})
		})
	}
}

func TestEndOfTheContextEndsFetchingAhead(t *testing.T) {
	fetching(t, always(archivetest.Fault{After: 5, Stall: true}), func(t *testing.T, f *archive.Fetcher, s *archivetest.Faulty) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		body := f.OpenAhead(ctx, s.Object(key))
		defer func() { _ = body.Close() }()
		began := time.Now()
		body.Fetch(make([]byte, 100))
		got, err := io.ReadAll(body)
		if len(got) != 5 || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("%d bytes, %v after %s", len(got), err, time.Since(began))
		}
	})
}
