package api

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Limits of connections.
const (
	maxConnections   = 4_096           // above what streams and requests take
	connectionsOfOne = 2_048           // above what those of one caller take
	fullEvery        = 1 * time.Minute // between two lines of the log about that
)

// connections are those of a server. When there are as many as there may be, another is closed for a new one: the oldest of
// strangers, on which nobody has logged in, and when there are none, the one that has longest been idle. So nobody who keeps
// connections, however many, keeps others out, and a probe, whose connection is young, is answered. Only those on which somebody
// known is asking something now are never closed for others; when there are no others, the new one is. One caller has half of
// these at most: more of theirs are those of strangers.
type connections struct {
	known *places // that callers have who have logged in
	log   zerolog.Logger

	mu        sync.Mutex
	all       map[net.Conn]*connection
	strangers list.List // of *connection, the oldest first
	idle      list.List // of *connection that are no strangers, the longest idle first
	told      time.Time // when the log was told that they are full
}

// connection is one of them. It stands in one list, or in none: somebody known asks something.
type connection struct {
	of      *connections
	conn    net.Conn
	leave   func() // its place among the known; nil: nobody has logged in on it
	list    *list.List
	element *list.Element // of list
}

// newConnections are at most as many as there are places for known ones.
func newConnections(known *places, log zerolog.Logger) *connections {
	return &connections{known: known, log: log, all: map[net.Conn]*connection{}}
}

type connectionKey struct{}

// admit is the http.Server.ConnContext: a new connection, of which the context of its requests knows.
func (s *connections) admit(ctx context.Context, conn net.Conn) context.Context {
	c := &connection{of: s, conn: conn}
	if closed := s.add(c); closed != nil {
		cut(closed.conn)
	}
	return context.WithValue(ctx, connectionKey{}, c)
}

// add returns the one that is to be closed for it, which may be itself; nil: there was room.
func (s *connections) add(c *connection) (closed *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) >= s.known.most {
		if now := time.Now(); now.Sub(s.told) >= fullEvery {
			s.told = now
			s.log.Warn().Int("connections", s.known.most).Msg("there are no more connections than these: old ones that nobody has logged in on, or that are idle, are closed for new ones")
		}
		if closed = s.oldest(); closed == nil {
			return c
		}
		s.remove(closed)
	}
	s.all[c.conn] = c
	c.stand(&s.strangers)
	return closed
}

func (s *connections) oldest() *connection {
	for _, l := range []*list.List{&s.strangers, &s.idle} {
		if first := l.Front(); first != nil {
			return first.Value.(*connection)
		}
	}
	return nil
}

func (s *connections) remove(c *connection) {
	c.stand(nil)
	delete(s.all, c.conn)
	if c.leave != nil {
		c.leave()
	}
}

// changed is the http.Server.ConnState.
func (s *connections) changed(conn net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.all[conn]
	switch {
	case c == nil: // it was closed for another
	case state == http.StateClosed:
		s.remove(c)
	case c.leave != nil && state == http.StateIdle:
		c.stand(&s.idle)
	case c.leave != nil:
		c.stand(nil)
	}
}

// stand puts c behind all others of l, and takes it out of where it stood.
func (c *connection) stand(l *list.List) {
	if c.list != nil {
		c.list.Remove(c.element)
	}
	if c.list = l; l != nil {
		c.element = l.PushBack(c)
	}
}

// acquaint says that a caller who is known asks by the connection of ctx.
func acquaint(ctx context.Context, caller string) {
	c, _ := ctx.Value(connectionKey{}).(*connection)
	if c == nil {
		return
	}
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if c.leave != nil || c.of.all[c.conn] != c {
		return
	}
	if leave, none := c.of.known.take(caller); none == nil {
		c.leave = leave
		c.stand(nil)
	}
}

// strange reports whether nobody has logged in on the connection of ctx. Without one nothing is known of it, and it is not.
func strange(ctx context.Context) bool {
	c, _ := ctx.Value(connectionKey{}).(*connection)
	if c == nil {
		return false
	}
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	return c.leave == nil
}

// cut closes a connection at once: TLS would first say so, for seconds when the other side does not read.
func cut(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	_ = conn.Close() // its reader is told
}
