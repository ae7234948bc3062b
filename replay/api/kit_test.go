package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

func server(t *testing.T, service api.Service, o api.ServerOptions) *api.Server {
	t.Helper()
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	s, err := api.NewServer(service, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve offers a service over HTTP on loopback, and returns where.
func serve(t *testing.T, service api.Service, o api.ServerOptions) *httptest.Server {
	t.Helper()
	l := httptest.NewServer(server(t, service, o))
	t.Cleanup(l.Close)
	return l
}

func client(t *testing.T, o api.ClientOptions) *api.Client {
	t.Helper()
	c, err := api.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// write makes a file and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// pipes is a network in memory, which works in the fake time of testing/synctest.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8484} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// served is a server on pipes, inside a bubble.
type served struct {
	*pipes

	server *api.Server
	http   *http.Client
	stop   func() // and wait
}

func serveInside(t *testing.T, service api.Service, o api.ServerOptions) *served {
	t.Helper()
	p, s := newPipes(), server(t, service, o)
	transport := &http.Transport{DialContext: p.dial}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, p) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("it ended with %v", err)
		}
		transport.CloseIdleConnections()
	})
	t.Cleanup(stop)
	return &served{p, s, &http.Client{Transport: transport}, stop}
}

const inside = "http://127.0.0.1:8484"

// answer reads the whole of one.
func answer(t *testing.T, r *http.Response, err error) (int, string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(text)
}

// send is a request with these headers: "Name: value".
func send(t *testing.T, c *http.Client, method, url, body string, headers ...string) (*http.Response, error) {
	t.Helper()
	var b io.Reader
	if body != "" {
		b = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, b)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
		}
		r.Header.Set(name, value)
	}
	return c.Do(r)
}

// problem is that of an answer of this status.
func problem(t *testing.T, want int, r *http.Response, err error) api.Problem {
	t.Helper()
	status, text := answer(t, r, err)
	var p api.Problem
	if status != want || r.Header.Get("Content-Type") != "application/problem+json" || json.Unmarshal([]byte(text), &p) != nil || p.Status != want {
		t.Fatalf("want a problem of %d: %d, %s: %s", want, status, r.Header.Get("Content-Type"), text)
	}
	return p
}

// diary is a log that is read while it is written.
type diary struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (d *diary) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(b)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

func (d *diary) log() zerolog.Logger { return zerolog.New(d) }

func TestServerAndClientAreOneService(t *testing.T) {
	apitest.Conform(t, func(t *testing.T) api.Service {
		s := serve(t, api.Guard(apitest.NewFake(), nil), api.ServerOptions{})
		return client(t, api.ClientOptions{URL: s.URL})
	})
}
