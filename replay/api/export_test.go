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

// Operations are the ids by which answers are told of: those of all routes, and NoOperation.
func Operations() []string {
	return append(slices.Collect(maps.Values(operations)), NoOperation)
}

// FillStreams takes places of streams until what it returns is called.
func FillStreams(s *Server, n int) (leave func()) {
	for range n {
		s.streams <- struct{}{}
	}
	return func() {
		for range n {
			<-s.streams
		}
	}
}
