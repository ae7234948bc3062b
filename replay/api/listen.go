package api

import (
	"crypto/tls"
	"net"

	"github.com/rs/zerolog"
)

// Listen listens at address, encrypted unless o is nil.
func Listen(address string, o *TLSOptions, log zerolog.Logger) (net.Listener, error) {
	if o == nil {
		if !loopback(address) {
			log.Warn().Str("listen", address).Msg("tokens come unencrypted: set server.tls, unless something in front encrypts")
		}
		return net.Listen("tcp", address)
	}
	config, err := o.config(log)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(l, config), nil
}

// loopback reports whether only this machine reaches address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
