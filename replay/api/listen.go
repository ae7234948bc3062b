package api

import (
	"log"
	"net"
	"strings"
	"sync"

	"github.com/rs/zerolog"
)

// limited accepts no more connections than it has places, until others are closed.
type limited struct {
	net.Listener

	places chan struct{}
	done   chan struct{}
	close  func() error
}

func newLimited(l net.Listener, most int) *limited {
	done := make(chan struct{})
	return &limited{l, make(chan struct{}, most), done, sync.OnceValue(func() error {
		close(done)
		return l.Close()
	})}
}

func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &placed{c, sync.OnceFunc(func() { <-l.places })}, nil
}

func (l *limited) Close() error { return l.close() }

// placed is a connection that has a place.
type placed struct {
	net.Conn

	leave func()
}

func (p *placed) Close() error {
	defer p.leave()
	return p.Conn.Close()
}

// quiet passes on what net/http has to say of connections, which is seldom of use: at the level of debugging.
func quiet(to zerolog.Logger) *log.Logger { return log.New(lines{to}, "", 0) }

type lines struct{ log zerolog.Logger }

func (l lines) Write(b []byte) (int, error) {
	l.log.Debug().Msg(strings.TrimSpace(string(b)))
	return len(b), nil
}
