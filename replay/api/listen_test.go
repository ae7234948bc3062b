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

func TestAStreamByHTTP2Lasts(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.sign(t, t.TempDir(), "daemon", 2)
	client, err := NewClient(ClientOptions{URL: "https://127.0.0.1:8484", CAFile: a.file})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		config, err := TLSOptions{CertFile: cert, KeyFile: key}.config(zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		s, err := NewServer(quietService{}, ServerOptions{Listen: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		in, ended := make(line), make(chan error)
		go func() { ended <- s.Serve(ctx, tls.NewListener(in, config)) }()
		client.DialBy(func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			in <- theirs
			return ours, nil
		})
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
