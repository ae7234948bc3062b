package api

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// TestWhoNeverHadTheKeysIsNotReady asks an issuer that is away, has something else answer for it, or is another than is configured. Once
// it has told its keys it may go.
func TestWhoNeverHadTheKeysIsNotReady(t *testing.T) {
	key := rsaKey(t)
	synctest.Test(t, func(t *testing.T) {
		discovered, named := OIDCOptions{Issuer: issuerURL, Audience: "replayd"}, OIDCOptions{Issuer: issuerURL, Audience: "replayd", KeysURL: issuerURL + "/keys"}
		for _, c := range []struct {
			what    string
			options OIDCOptions
			trouble func(p *provider, is bool)
			says    string
		}{
			{"away", discovered, func(p *provider, is bool) { p.down = is }, "no route to host"},
			{"away, its keys", named, func(p *provider, is bool) { p.down = is }, "no route to host"},
			{"behind a page", discovered, func(p *provider, is bool) { p.page = is }, "is no JSON"},
			{"behind a page, its keys", named, func(p *provider, is bool) { p.page = is }, "is no JSON"},
			{"another", discovered, func(p *provider, is bool) { p.named = map[bool]string{true: "https://other.example"}[is] }, "other.example"},
		} {
			p := &provider{asked: map[string]int{}}
			p.add("k", &key.PublicKey)
			var log notes
			a, err := NewAuthenticator(AuthOptions{OIDC: &c.options}, zerolog.New(&log))
			if err != nil {
				t.Fatal(err)
			}
			a.issuer.fetch.transport = p
			p.set(func() { c.trouble(p, true) })
			for range 3 {
				want := "the keys of the identity provider login.example.com have not been fetched yet, so nobody can log in by its tokens; the daemon's log says why"
				if err := a.ready(t.Context()); err == nil || err.Error() != want {
					t.Errorf("%s: %v", c.what, err)
				}
			}
			if text := log.String(); !strings.Contains(text, c.says) || strings.Count(text, "\n") != 1 {
				t.Errorf("%s: the log says %s", c.what, text)
			}
			if n := p.count("/keys") + p.count("/.well-known/openid-configuration"); n != 1 {
				t.Errorf("%s: asked %d times", c.what, n)
			}
			p.set(func() { c.trouble(p, false) })
			time.Sleep(fetchEvery + time.Second)
			if err := a.ready(t.Context()); err != nil {
				t.Errorf("no longer %s: %v", c.what, err)
			}
			p.set(func() { c.trouble(p, true) })
			time.Sleep(fetchEvery + time.Second)
			if err := a.ready(t.Context()); err != nil {
				t.Errorf("%s again: %v", c.what, err)
			}
		}
	})
}

// TestWhereTheKeysAreIsToldWithoutItsSecrets to whoever asks, and in the log.
func TestWhereTheKeysAreIsToldWithoutItsSecrets(t *testing.T) {
	for what, trouble := range map[string]func(*provider){"away": func(p *provider) { p.down = true }, "a page": func(p *provider) { p.page = true }} {
		var log notes
		o := OIDCOptions{Issuer: issuerURL, Audience: "replayd", KeysURL: "https://keys.example.com/all?token=hunter2"}
		a, err := NewAuthenticator(AuthOptions{OIDC: &o}, zerolog.New(&log))
		if err != nil {
			t.Fatal(err)
		}
		p := &provider{asked: map[string]int{}}
		trouble(p)
		a.issuer.fetch.transport = p
		r := httptest.NewRequest(http.MethodGet, "/v1/replays", nil)
		r.Header.Set("Authorization", "Bearer a.b.c")
		_, denied := a.principal(r)
		ready := a.ready(t.Context())
		if ready == nil || denied == nil {
			t.Fatalf("%s: %v, %v", what, ready, denied)
		}
		if text := log.String(); !strings.Contains(text, `"https://keys.example.com/all"`) || strings.Contains(text, "hunter2") {
			t.Errorf("%s: the log says %s", what, text)
		}
		if told := ready.Error() + denied.Error(); strings.Contains(told, "hunter2") || strings.Contains(told, "keys.example.com") {
			t.Errorf("%s: who asks is told %s", what, told)
		}
	}
}

// notes are a log.
type notes struct {
	mu   sync.Mutex
	text strings.Builder
}

func (n *notes) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(b)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// TestOnlyOneWaitsForTheKeys of those that ask whether the daemon is ready, however many they are.
func TestOnlyOneWaitsForTheKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, err := NewAuthenticator(AuthOptions{OIDC: &OIDCOptions{Issuer: issuerURL, Audience: "replayd"}}, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		silence := make(chan struct{})
		a.issuer.fetch.transport = hanging(silence)
		var first sync.WaitGroup
		first.Go(func() { _ = a.ready(t.Context()) })
		synctest.Wait()
		began := time.Now()
		if err := a.ready(t.Context()); err == nil || time.Since(began) > 0 {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		close(silence)
		first.Wait()
	})
}

// TestWhoAsksWhetherADaemonIsReadyWaitsAsLongAsTheyLike for an issuer that does not answer, and what it says later counts.
func TestWhoAsksWhetherADaemonIsReadyWaitsAsLongAsTheyLike(t *testing.T) {
	key := rsaKey(t)
	synctest.Test(t, func(t *testing.T) {
		a, err := NewAuthenticator(AuthOptions{OIDC: &OIDCOptions{Issuer: issuerURL, Audience: "replayd", KeysURL: issuerURL + "/keys"}}, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		p := &provider{asked: map[string]int{}}
		p.add("k", &key.PublicKey)
		a.issuer.fetch.transport = slowly{p}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := a.ready(ctx); err == nil || time.Since(began) != time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		time.Sleep(5 * time.Second)
		if err := a.ready(ctx); err != nil || p.count("/keys") != 1 {
			t.Errorf("once it has answered: %v, asked %d times", err, p.count("/keys"))
		}
	})
}

// slowly answers after 5 s.
type slowly struct{ *provider }

func (s slowly) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(5 * time.Second)
	return s.provider.RoundTrip(r)
}

// hanging answers nothing until it is closed.
type hanging chan struct{}

func (h hanging) RoundTrip(*http.Request) (*http.Response, error) {
	<-h
	return nil, errors.New("no answer")
}

// TestTheKeysAreAskedForWhateverTheAlgorithm of tokens is.
func TestTheKeysAreAskedForWhateverTheAlgorithm(t *testing.T) {
	for algorithm := range algorithms {
		p := &provider{asked: map[string]int{}, down: true}
		a, err := NewAuthenticator(AuthOptions{OIDC: &OIDCOptions{Issuer: issuerURL, Audience: "replayd", KeysURL: issuerURL + "/keys", Algorithms: []string{algorithm}}}, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		a.issuer.fetch.transport = p
		if err := a.ready(t.Context()); err == nil || p.count("/keys") != 1 {
			t.Errorf("%s: asked %d times, %v", algorithm, p.count("/keys"), err)
		}
	}
}
