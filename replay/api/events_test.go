package api_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

// open begins a stream; its frames end with empty lines.
func open(t *testing.T, s *served, path string, headers ...string) (next func() string, done func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, inside+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	answer, err := s.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %s", answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	lines := bufio.NewReader(answer.Body)
	return func() string {
			t.Helper()
			var frame strings.Builder
			for {
				line, err := lines.ReadString('\n')
				if err != nil {
					return "end: " + err.Error()
				}
				if line == "\n" {
					return frame.String()
				}
				frame.WriteString(line)
			}
		}, func() {
			cancel()
			answer.Body.Close()
		}
}

func TestAStreamTellsHowAllStandsAndBeatsEachQuarterOfAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := withReplay(t)
		s := serveInside(t, api.Guard(fake, nil), api.ServerOptions{})
		next, done := open(t, s, "/v1/events")
		if got := next(); got != "retry: 2000\n" {
			t.Errorf("first %q", got)
		}
		if got := next(); !strings.HasPrefix(got, "id: 1\nevent: replay\ndata: {\"id\":\"a\"") {
			t.Errorf("then %q", got)
		}
		began := time.Now()
		for n := range 3 {
			if got, after := next(), time.Since(began); got != ": heartbeat\n" || after != time.Duration(n+1)*15*time.Second {
				t.Errorf("beat %d: %q after %s", n, got, after)
			}
		}
		if _, err := fake.Cancel(t.Context(), "a", api.Act{}); err != nil {
			t.Fatal(err)
		}
		if got := next(); !strings.Contains(got, "event: replay\n") || !strings.Contains(got, `"cancelled"`) {
			t.Errorf("changed %q", got)
		}
		if err := fake.Forget(t.Context(), "a", api.Act{}); err != nil {
			t.Fatal(err)
		}
		if got := next(); got != "id: 3\nevent: gone\ndata: {\"id\":\"a\"}\n" {
			t.Errorf("forgotten %q", got)
		}
		done()
		s.stop()
	})
}

func TestAStreamGoesOnBehindTheLastEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := withReplay(t)
		s := serveInside(t, api.Guard(fake, nil), api.ServerOptions{})
		if _, _, err := fake.Start(t.Context(), apitest.Payments("b")); err != nil {
			t.Fatal(err)
		}
		next, done := open(t, s, "/v1/events", "Last-Event-ID: 1")
		next()
		if got := next(); !strings.HasPrefix(got, "id: 2\n") || !strings.Contains(got, `"id":"b"`) {
			t.Errorf("%q", got)
		}
		done()
		s.stop()
	})
}

func TestAStreamThatCannotGoOnSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := withReplay(t)
		s := serveInside(t, api.Guard(fake, nil), api.ServerOptions{})
		next, done := open(t, s, "/v1/events")
		next()
		next()
		fake.Break(api.NewProblem(503, "Kafka is away"))
		fake.Change("a", func(*api.Replay) {})
		if got := next(); !strings.HasPrefix(got, "event: problem\n") || !strings.Contains(got, "Kafka is away") {
			t.Errorf("%q", got)
		}
		if got := next(); !strings.HasPrefix(got, "end: ") {
			t.Errorf("then %q", got)
		}
		done()
		s.stop()
	})
}

func TestAStreamOfWhatThereIsNotIsRefused(t *testing.T) {
	s := serve(t, api.Guard(apitest.NewFake(), nil), api.ServerOptions{})
	r, err := send(t, s.Client(), "GET", s.URL+"/v1/replays/none/events", "")
	problem(t, 404, r, err)
}

func TestTheHeadOfAStreamEnds(t *testing.T) {
	s := serve(t, api.Guard(apitest.NewFake(), nil), api.ServerOptions{})
	r, err := send(t, s.Client(), "HEAD", s.URL+"/v1/events", "")
	if status, _ := answer(t, r, err); status != 200 {
		t.Errorf("%d", status)
	}
}

// panicking panics while it is watched.
type panicking struct{ *apitest.Fake }

func (p panicking) Events(context.Context, string, string) iter.Seq2[api.Event, error] {
	return func(func(api.Event, error) bool) { panic("secret of the house") }
}

func TestAPanicInAStreamEndsTheStreamAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log diary
		s := serveInside(t, panicking{apitest.NewFake()}, api.ServerOptions{Log: log.log()})
		next, done := open(t, s, "/v1/events")
		next()
		if got := next(); !strings.HasPrefix(got, "event: problem\n") || strings.Contains(got, "secret") || !strings.Contains(log.String(), "secret of the house") {
			t.Errorf("%q; log %s", got, log.String())
		}
		done()
		s.stop()
	})
}

func TestAThousandWatchersSeeTheNewestAndTheOneThatNeverReadsIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := withReplay(t)
		var streams atomic.Int64
		s := serveInside(t, counting{fake, &streams}, api.ServerOptions{})
		lazy := rawStream(t, s)
		var watchers sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		var seen atomic.Int64
		for range 999 {
			watchers.Go(func() {
				c, err := api.NewClient(api.ClientOptions{URL: inside})
				if err != nil {
					t.Error(err)
					return
				}
				c.DialBy(s.dial)
				defer c.Close()
				for e, err := range c.Events(ctx, "", "") {
					if err != nil || e.Replay.State == replay.Cancelled {
						seen.Add(1)
						return
					}
				}
			})
		}
		synctest.Wait()
		if n := streams.Load(); n != 1000 {
			t.Fatalf("%d streams", n)
		}
		for range 100 { // who reads slowly has all of them but the newest left out
			fake.Change("a", func(r *api.Replay) { r.Sessions++ })
		}
		began := time.Now()
		if _, err := fake.Cancel(t.Context(), "a", api.Act{}); err != nil {
			t.Fatal(err)
		}
		watchers.Wait()
		if took := time.Since(began); seen.Load() != 999 || took > time.Second {
			t.Errorf("%d have seen it, after %s", seen.Load(), took)
		}
		cancel()
		synctest.Wait()
		if n := streams.Load(); n != 1 {
			t.Errorf("%d streams are left", n)
		}
		time.Sleep(11 * time.Second) // for one event to leave
		synctest.Wait()
		if n := streams.Load(); n != 0 {
			t.Errorf("the one that never reads is still served")
		}
		lazy.Close()
		s.stop()
	})
}

// rawStream asks for events and reads the first of them alone.
func rawStream(t *testing.T, s *served) net.Conn {
	t.Helper()
	c, err := s.dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(c, "GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(c)
	for line := ""; !strings.HasPrefix(line, "data: "); { // how all stands; nothing behind it
		if line, err = lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// counting counts those who watch.
type counting struct {
	*apitest.Fake

	n *atomic.Int64
}

func (c counting) Events(ctx context.Context, id, after string) iter.Seq2[api.Event, error] {
	return func(yield func(api.Event, error) bool) {
		c.n.Add(1)
		defer c.n.Add(-1)
		c.Fake.Events(ctx, id, after)(yield)
	}
}

func TestMoreStreamsThanThereArePlacesAreSentAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveInside(t, withReplay(t), api.ServerOptions{})
		ctx, cancel := context.WithCancel(t.Context())
		var bodies []io.Closer
		for range 2_000 {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, inside+"/v1/events", nil)
			if err != nil {
				t.Fatal(err)
			}
			a, err := s.http.Do(r)
			if err != nil || a.StatusCode != 200 {
				t.Fatal(a, err)
			}
			bodies = append(bodies, a.Body)
		}
		r, err := send(t, s.http, "GET", inside+"/v1/events", "")
		problem(t, 503, r, err)
		if r.Header.Get("Retry-After") == "" {
			t.Error("not told when to come again")
		}
		cancel()
		for _, b := range bodies {
			b.Close()
		}
		synctest.Wait()
		next, done := open(t, s, "/v1/events") // they gave their places back
		next()
		done()
		s.stop()
	})
}
