package api

import (
	"context"
	"net"
	"net/http"
)

// DialBy has the client reach the daemon by a network of the test's.
func (c *Client) DialBy(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	c.http.Transport.(*http.Transport).DialContext = dial
}
