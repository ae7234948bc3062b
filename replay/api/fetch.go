package api

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Limits of fetching an issuer's keys.
const (
	fetchTime  = 10 * time.Second
	fetchEvery = 30 * time.Second // for the same address: tokens with keys that nobody knows would have it asked each time
	fetchAgain = 5 * time.Second  // after one that failed
	maxFetched = 1 << 20          // bytes
)

// fetcher is the http.RoundTripper by which an issuer is asked, seldom and for little.
type fetcher struct {
	transport http.RoundTripper
	log       zerolog.Logger

	mu    sync.Mutex
	next  map[string]time.Time // address -> when it may be asked again; they are the issuer's own two
	fails map[string]bool      // addresses whose newest try did not succeed
}

var errTooSoon = errors.New("asked a moment ago")

func newFetcher(caFile string, log zerolog.Logger) (*fetcher, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		text, err := readFile(caFile)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s holds no certificate in PEM form", caFile)
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	return &fetcher{transport: transport, log: log, next: map[string]time.Time{}, fails: map[string]bool{}}, nil
}

// safe reports whether what comes from u cannot have been changed on its way.
func safe(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()))
}

// RoundTrip asks, or says that it may not yet.
func (f *fetcher) RoundTrip(r *http.Request) (*http.Response, error) {
	if !safe(r.URL) {
		return nil, fmt.Errorf("%s is no https address", r.URL.Host)
	}
	if !f.turn(r.URL.String()) {
		return nil, errTooSoon
	}
	answer, err := f.transport.RoundTrip(r)
	if err != nil {
		f.failed(r.URL, err.Error())
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxFetched+1))
	switch {
	case err != nil:
		f.failed(r.URL, "its answer breaks off: "+err.Error())
		return nil, err
	case answer.StatusCode != http.StatusOK:
		f.failed(r.URL, "HTTP "+answer.Status)
	case len(text) > maxFetched || !json.Valid(text): // of something that stands before it, perhaps
		f.failed(r.URL, fmt.Sprintf("it answers with what is no JSON of at most %d bytes", maxFetched))
	}
	answer.Body = io.NopCloser(bytes.NewReader(text[:min(len(text), maxFetched)]))
	return answer, nil
}

// turn takes the turn of an address.
func (f *fetcher) turn(address string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if now.Before(f.next[address]) {
		return false
	}
	f.next[address] = now.Add(fetchEvery)
	delete(f.fails, address)
	return true
}

// failed logs why u could not be asked. Its query may hold a key, so it is left out.
func (f *fetcher) failed(u *url.URL, why string) {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	f.log.Warn().Str("address", shown.String()).Msg("the issuer of tokens does not answer: " + why)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next[u.String()], f.fails[u.String()] = time.Now().Add(fetchAgain), true
}

// failing reports whether the newest try of some address did not succeed.
func (f *fetcher) failing() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.fails) > 0
}
