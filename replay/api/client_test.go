package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

func TestADaemonThatIsNotThereIsToldWithItsAddress(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	address := s.URL
	s.Close()
	c := client(t, api.ClientOptions{URL: address + "/"})
	_, err := c.Replay(t.Context(), "a")
	var gone *api.Unreached
	if !errors.As(err, &gone) || gone.Address != address || !strings.Contains(err.Error(), "refused") {
		t.Errorf("%v", err)
	}
	if _, err := c.Ready(t.Context()); !errors.As(err, &gone) {
		t.Errorf("ready: %v", err)
	}
	for _, err := range c.Events(t.Context(), "", "") {
		if !errors.As(err, &gone) {
			t.Errorf("events: %v", err)
		}
	}
}

func TestSomethingElseThatAnswersIsNoDaemon(t *testing.T) {
	for name, handle := range map[string]http.HandlerFunc{
		"a proxy": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) },
		"a page":  func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"a login elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://login.example.com", http.StatusFound)
		},
		"an end in the middle": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"id":`)
		},
	} {
		s := httptest.NewServer(handle)
		_, err := client(t, api.ClientOptions{URL: s.URL}).Replay(t.Context(), "a")
		var gone *api.Unreached
		if !errors.As(err, &gone) {
			t.Errorf("%s: %v", name, err)
		}
		s.Close()
	}
}

func TestATokenIsSentToTheDaemonAlone(t *testing.T) {
	var elsewhere atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Store(true) }))
	defer other.Close()
	var sent atomic.Value
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent.Store(r.Header.Get("Authorization"))
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}))
	defer s.Close()
	token := write(t, "token", "rpd_secret\n")
	c := client(t, api.ClientOptions{URL: s.URL, TokenFile: token})
	_, err := c.Replay(t.Context(), "a")
	if err == nil || elsewhere.Load() || sent.Load() != "Bearer rpd_secret" || strings.Contains(err.Error(), "rpd_secret") {
		t.Errorf("sent %q, elsewhere %v: %v", sent.Load(), elsewhere.Load(), err)
	}
	if err := os.WriteFile(token, []byte("rpd_new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Replay(t.Context(), "a"); err == nil || sent.Load() != "Bearer rpd_new" {
		t.Errorf("the changed token is not sent: %q", sent.Load())
	}
	c = client(t, api.ClientOptions{URL: s.URL, Token: "rpd_itself\n", TokenFile: "/nowhere"})
	if _, err := c.Replay(t.Context(), "a"); err == nil || sent.Load() != "Bearer rpd_itself" || strings.Contains(err.Error(), "rpd_itself") {
		t.Errorf("of a token that is given itself %q is sent: %v", sent.Load(), err)
	}
	if _, err := client(t, api.ClientOptions{URL: s.URL, Token: "rpd secret"}).Replay(t.Context(), "a"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("what is none is sent, or told: %v", err)
	}
	for _, text := range []string{"", "two words", "a\nb"} {
		bad := client(t, api.ClientOptions{URL: s.URL, TokenFile: write(t, "token", text)})
		if _, err := bad.Replay(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "holds no token") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAddressesThatAreNoneAreRefused(t *testing.T) {
	for _, url := range []string{"", "localhost:8484", "ftp://localhost", "http://", "http://user:secret@localhost:8484", "ftp://user:secret@localhost", "http://user:secret@[", "unix:///run/replayd"} {
		if _, err := api.NewClient(api.ClientOptions{URL: url}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", url, err)
		}
	}
	for _, o := range []api.ClientOptions{{CAFile: "/nowhere"}, {CertFile: "/nowhere"}} {
		o.URL = "https://localhost"
		if _, err := api.NewClient(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

func TestANewerDaemonIsUnderstood(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/events") {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, "event: tomorrow\ndata: [1]\n\nid: 7\nweather: fine\nevent: replay\ndata: {\"id\":\"a\",\"mood\":\"good\"}\n\n")
			return
		}
		fmt.Fprint(w, `{"id":"a","state":"dreaming","mood":{"of":"tomorrow"}}`)
	}))
	defer s.Close()
	c := client(t, api.ClientOptions{URL: s.URL})
	if r, err := c.Replay(t.Context(), "a"); err != nil || r.ID != "a" || r.State != "dreaming" {
		t.Errorf("%+v, %v", r, err)
	}
	for e, err := range c.Events(t.Context(), "a", "") {
		if err != nil || e.ID != "7" || e.Replay.ID != "a" {
			t.Errorf("%+v, %v", e, err)
		}
		break
	}
}

func TestAnAnswerWithoutEndIsNotRead(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin, part, end := `{"id":"`, strings.Repeat("a", 1<<20), 64
		if strings.HasSuffix(r.URL.Path, "/events") {
			w.Header().Set("Content-Type", "text/event-stream")
			begin = "data: "
		}
		_, _ = io.WriteString(w, begin)
		for range end {
			if _, err := io.WriteString(w, part); err != nil {
				return
			}
		}
	}))
	defer s.Close()
	c := client(t, api.ClientOptions{URL: s.URL})
	if _, err := c.Replay(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("%.200v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	tried := client(t, api.ClientOptions{URL: s.URL, Again: func(err error, _ time.Time, _ time.Duration) {
		if !strings.Contains(err.Error(), "too long") {
			t.Errorf("%.200v", err)
		}
		cancel()
	}})
	for e, err := range tried.Events(ctx, "a", "") {
		t.Errorf("an event: %.200v, %v", e, err)
	}
}

// watching is a client inside a bubble, and why it has begun again.
func watching(t *testing.T, s *served) (c *api.Client, again func() []string) {
	t.Helper()
	var log diary
	c, err := api.NewClient(api.ClientOptions{URL: inside, Again: func(why error, _ time.Time, after time.Duration) {
		fmt.Fprintf(&log, "%v|%s\n", why, after)
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.DialBy(s.dial)
	return c, func() []string { return strings.Split(strings.TrimSpace(log.String()), "\n") }
}

func TestAWatcherFindsItsDaemonAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := withReplay(t)
		first := serveInside(t, fake, api.ServerOptions{})
		var now atomic.Pointer[served]
		now.Store(first)
		c, again := watching(t, first)
		c.DialBy(func(ctx context.Context, network, address string) (net.Conn, error) {
			return now.Load().dial(ctx, network, address)
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		seen := make(chan api.Event)
		go func() {
			defer close(seen)
			for e, err := range c.Events(ctx, "", "") {
				if err != nil {
					t.Error(err)
				}
				seen <- e
			}
		}()
		if e := <-seen; e.Replay.ID != "a" {
			t.Fatalf("%+v", e)
		}
		first.stop()
		time.Sleep(20 * time.Second) // the daemon is away
		if _, _, err := fake.Start(ctx, apitest.Payments("b")); err != nil {
			t.Fatal(err)
		}
		second := serveInside(t, fake, api.ServerOptions{})
		now.Store(second)
		if e := <-seen; e.Replay.ID != "b" { // and a is not told again
			t.Errorf("%+v", e)
		}
		if tries := again(); len(tries) < 3 || len(tries) > 10 {
			t.Errorf("tried again %q", tries)
		}
		cancel()
		for range seen {
		}
		c.Close()
		second.stop()
	})
}

// TestAWatcherWithoutPatienceLeavesADaemonThatIsGone, by the first answer that it had not, and not one that says to come again.
func TestAWatcherWithoutPatienceLeavesADaemonThatIsGone(t *testing.T) {
	for what, c := range map[string]struct {
		away     time.Duration // after which a daemon answers again
		busy     int           // the status of a problem that goes by; 0: there is none
		patience time.Duration
		left     time.Duration // after which nobody watches; 0: it is watched on
	}{
		"gone":                   {away: time.Hour, patience: 5 * time.Minute, left: 5 * time.Minute},
		"gone, with patience":    {away: time.Hour},
		"gone, then back":        {away: 4 * time.Minute, patience: 5 * time.Minute},
		"it answers, and cannot": {busy: 503, patience: 5 * time.Minute},
		"the places of one":      {busy: 429, patience: 5 * time.Minute}, // as streams that broke off have until the daemon knows
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPipes()
				var broke time.Time // when the newest stream broke off
				var since []time.Time
				h := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					if c.busy != 0 && !broke.IsZero() {
						full := api.NewProblem(c.busy, "come again")
						w.Header().Set("Content-Type", full.ContentType(""))
						w.WriteHeader(full.Status)
						_ = json.NewEncoder(w).Encode(full)
						return
					}
					w.Header().Set("Content-Type", "text/event-stream")
					w.Header().Set("Connection", "close")
					fmt.Fprint(w, "event: replay\ndata: {\"id\":\"a\"}\n\n")
					broke = time.Now()
				})}
				go func() { _ = h.Serve(p) }()
				watcher, err := api.NewClient(api.ClientOptions{URL: inside, Patience: c.patience, Again: func(_ error, at time.Time, _ time.Duration) {
					since = append(since, at)
				}})
				if err != nil {
					t.Fatal(err)
				}
				watcher.DialBy(func(ctx context.Context, network, address string) (net.Conn, error) {
					if !broke.IsZero() && time.Since(broke) < c.away {
						return nil, errors.New("connection refused")
					}
					return p.dial(ctx, network, address)
				})
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
				defer cancel()
				var got error
				for _, err := range watcher.Events(ctx, "", "") {
					got = err
				}
				took := time.Since(began)
				if c.left != 0 && (took != c.left || !errors.As(got, new(*api.Unreached))) {
					t.Errorf("left after %s: %v", took, got)
				}
				if c.left == 0 && (took != 30*time.Minute || got != nil) {
					t.Errorf("left after %s: %v", took, got)
				}
				if last := since[len(since)-1]; last.IsZero() != (c.busy != 0) || c.away == time.Hour && !last.Equal(broke) {
					t.Errorf("gone since %s, and broke off at %s", last, broke)
				}
				watcher.Close()
				_ = h.Close()
			})
		})
	}
}

func TestADaemonThatFallsSilentIsLeft(t *testing.T) {
	for _, before := range []string{"", ": hello\n\n"} {
		synctest.Test(t, func(t *testing.T) { silent(t, before) })
	}
}

// silent watches a daemon that says no more than this.
func silent(t *testing.T, before string) {
	p := newPipes()
	h := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, before)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})}
	go func() { _ = h.Serve(p) }()
	began := time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	var after time.Duration
	c, err := api.NewClient(api.ClientOptions{URL: inside, Again: func(why error, _ time.Time, _ time.Duration) {
		if !strings.Contains(why.Error(), "nothing came for 45s") {
			t.Error(why)
		}
		after = time.Since(began)
		cancel()
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.DialBy(p.dial)
	for e, err := range c.Events(ctx, "", "") {
		t.Errorf("%+v, %v", e, err)
	}
	if after != 45*time.Second {
		t.Errorf("left after %s", after)
	}
	c.Close()
	_ = h.Close()
}

func TestADaemonThatOnlyTakesTheConnectionIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		var conns []net.Conn
		go func() {
			for {
				c, err := p.Accept()
				if err != nil {
					return
				}
				conns = append(conns, c)
				go func() { _, _ = io.Copy(io.Discard, c) }()
			}
		}()
		c, err := api.NewClient(api.ClientOptions{URL: inside})
		if err != nil {
			t.Fatal(err)
		}
		c.DialBy(p.dial)
		began := time.Now()
		var got error
		for _, err := range c.Events(t.Context(), "", "") {
			got = err
		}
		var gone *api.Unreached
		if took := time.Since(began); !errors.As(got, &gone) || took != 45*time.Second {
			t.Errorf("after %s: %v", took, got)
		}
		c.Close()
		_ = p.Close()
		synctest.Wait()
		for _, c := range conns {
			c.Close()
		}
	})
}

func TestAStreamThatMayNotBeOpenedAgainEndsWithWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		asked := 0
		h := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if asked++; asked > 1 {
				w.Header().Set("Content-Type", "application/problem+json")
				w.WriteHeader(http.StatusUnauthorized)
				fmt.Fprint(w, `{"title":"Unauthorized","status":401,"detail":"the token has expired"}`)
				return
			}
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, "event: replay\ndata: {\"id\":\"a\"}\n\n")
		})}
		go func() { _ = h.Serve(p) }()
		c, err := api.NewClient(api.ClientOptions{URL: inside, Again: func(why error, since time.Time, _ time.Duration) {
			t.Errorf("a daemon that answers is told to be away since %s: %v", since, why)
		}})
		if err != nil {
			t.Fatal(err)
		}
		c.DialBy(p.dial)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var got error
		for _, err := range c.Events(ctx, "", "") {
			got = err
		}
		apitest.Refused(t, got, http.StatusUnauthorized)
		if asked != 2 {
			t.Errorf("asked %d times", asked)
		}
		c.Close()
		_ = h.Close()
	})
}

func TestAStreamEndsWithAProblemThatStays(t *testing.T) {
	s := serve(t, api.Guard(apitest.NewFake(), nil), api.ServerOptions{})
	var got error
	for _, err := range client(t, api.ClientOptions{URL: s.URL}).Events(t.Context(), "none", "") {
		got = err
	}
	apitest.Refused(t, got, http.StatusNotFound)
}

func TestAnEventTellsOfTheWholeReplay(t *testing.T) {
	f := apitest.NewFake()
	s := serve(t, f, api.ServerOptions{})
	if _, _, err := f.Start(t.Context(), apitest.Payments("a")); err != nil {
		t.Fatal(err)
	}
	f.Change("a", func(r *api.Replay) {
		r.Progress = &replay.Report{Type: "progress", Version: 1, ID: "a", Percent: 12.5, Warnings: []string{"slack"}}
	})
	want, err := f.Replay(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range client(t, api.ClientOptions{URL: s.URL}).Events(t.Context(), "a", "") {
		if err != nil || fmt.Sprintf("%+v", *e.Replay.Progress) != fmt.Sprintf("%+v", *want.Progress) || e.Replay.StartedAt != want.StartedAt {
			t.Errorf("%+v, %v", e, err)
		}
		return
	}
}

// frozen is a daemon that takes requests and does not answer.
type frozen struct{ *apitest.Fake }

func (frozen) Replays(ctx context.Context, _ api.Query) (api.Page[api.Replay], error) {
	<-ctx.Done()
	return api.Page[api.Replay]{}, ctx.Err()
}

func (f frozen) Plan(ctx context.Context, s api.Start) (api.Plan, error) {
	time.Sleep(time.Minute) // it reads an archive
	return f.Fake.Plan(ctx, s)
}

// TestWhoWaitsForADaemonIsToldSo once, and soon, whatever is asked; and who is answered soon is not.
func TestWhoWaitsForADaemonIsToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveInside(t, frozen{apitest.NewFake()}, api.ServerOptions{})
		told := make(chan time.Duration, 10)
		c := client(t, api.ClientOptions{URL: inside, Slow: func(after time.Duration) { told <- after }})
		c.DialBy(s.dial)
		if _, err := c.Archives(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if len(told) != 0 {
			t.Errorf("told behind %s of an answer that has come", <-told)
		}
		began := time.Now()
		go func() {
			if after := <-told; after != time.Since(began) || after > 5*time.Second {
				t.Errorf("told behind %s that there is no answer for %s", time.Since(began), after)
			}
		}()
		if _, err := c.Plan(t.Context(), apitest.Payments("")); err != nil {
			t.Error(err)
		}
		if _, err := c.Plan(t.Context(), apitest.Payments("")); err != nil || len(told) != 0 {
			t.Errorf("told %d times more; %v", len(told), err)
		}
		c.Close()
	})
}

func TestADaemonThatIsFrozenIsToldSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveInside(t, frozen{apitest.NewFake()}, api.ServerOptions{})
		c := client(t, api.ClientOptions{URL: inside})
		c.DialBy(s.dial)
		began := time.Now()
		_, err := c.Replays(t.Context(), api.Query{})
		var none *api.Unreached
		if !errors.As(err, &none) || !strings.Contains(err.Error(), "does not answer within 20s") || time.Since(began) != 20*time.Second {
			t.Errorf("told %v behind %s", err, time.Since(began))
		}
		if _, err := c.Plan(t.Context(), apitest.Payments("")); err != nil {
			t.Errorf("what takes its time is not waited for: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Replays(ctx, api.Query{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who waits for a second is told %v", err)
		}
		c.Close()
	})
}
