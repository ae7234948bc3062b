package api

import (
	"context"
	"crypto/tls"
	"io"
	"iter"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// line is a listener in memory.
type line chan net.Conn

func (l line) Accept() (net.Conn, error) {
	c, ok := <-l
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (l line) Close() error {
	close(l)
	return nil
}

func (l line) Addr() net.Addr { return &net.TCPAddr{} }

// quietService says nothing of replays; what else it is asked for panics.
type quietService struct{ Service }

func (quietService) Events(ctx context.Context, _, _ string) iter.Seq2[Event, error] {
	return func(func(Event, error) bool) { <-ctx.Done() }
}

// dial returns the other end of a connection that is accepted.
func (l line) dial() net.Conn {
	ours, theirs := net.Pipe()
	l <- theirs
	return ours
}

// overTLS serves in memory until ctx ends, and ended tells how; client comes there.
func overTLS(ctx context.Context, t *testing.T, client *Client, o TLSOptions) (s *Server, in line, ended <-chan error) {
	t.Helper()
	config, err := o.config(zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	if s, err = NewServer(quietService{}, ServerOptions{Listen: "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	in = make(line)
	served := make(chan error)
	go func() { served <- s.Serve(ctx, tls.NewListener(in, config)) }()
	client.DialBy(func(context.Context, string, string) (net.Conn, error) { return in.dial(), nil })
	return s, in, served
}

func TestAStreamByHTTP2Lasts(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.sign(t, t.TempDir(), "daemon", 2)
	client, err := NewClient(ClientOptions{URL: "https://127.0.0.1:8484", CAFile: a.file})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		_, _, ended := overTLS(ctx, t, client, TLSOptions{CertFile: cert, KeyFile: key})
		answer, err := client.send(ctx, call{route: routeEvents})
		if err != nil {
			t.Fatal(err)
		}
		if answer.ProtoMajor != 2 {
			t.Errorf("by %s", answer.Proto)
		}
		began := time.Now()
		text := make([]byte, 4_096)
		for beats := 0; beats < 4; {
			n, err := answer.Body.Read(text)
			if err != nil {
				t.Fatalf("after %s: %v", time.Since(began), err)
			}
			beats += strings.Count(string(text[:n]), "heartbeat")
		}
		cancel()
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		client.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
