package api

import (
	"context"
	"maps"
	"net"
	"net/http"
	"slices"
)

// DialBy has the client reach the daemon by a network of the test's.
func (c *Client) DialBy(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	c.http.Transport.(*http.Transport).DialContext = dial
}

// WithBy is a context in which somebody asks, as the server makes one.
var WithBy = withBy

// Operations are the ids by which answers are told of: those of all routes, and that of none.
func Operations() []string {
	return append(slices.Collect(maps.Values(operations)), noOperation)
}

// FillStreams takes places of streams until what it returns is called.
func FillStreams(s *Server, n int) (leave func()) {
	var leaves []func()
	for range n {
		leave, none := s.streams.take("")
		if none != nil {
			panic(none)
		}
		leaves = append(leaves, leave)
	}
	return func() {
		for _, leave := range leaves {
			leave()
		}
	}
}

// Taken is how many places of a server are taken, and callers that it counts.
func Taken(s *Server) (n int) {
	for _, p := range []*places{s.bodies, s.requests, s.documents, s.streams} {
		n += p.now() + len(p.of)
	}
	return n
}
