package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
)

// maxRunning is far more than the memory of one machine is divided among with profit.
const maxRunning = 64

func (k *checker) server(s Server) {
	k.listen(s)
	if (s.TLS.CertFile == "") != (s.TLS.KeyFile == "") {
		k.add("server.tls", "a certificate takes both cert_file and key_file")
	}
	if s.TLS.ClientCAFile != "" && !s.TLS.On() {
		k.add("server.tls.client_ca_file", "asks clients for certificates, but without cert_file and key_file nothing is encrypted")
	}
	k.oidc(s.Auth.OIDC)
	if s.Running < 1 || s.Running > maxRunning {
		k.add("server.max_running", "%d is not within 1 and %d", s.Running, maxRunning)
	}
	if len(s.Pace.Paces()) == 0 && !s.Pace.IsZero() {
		k.add("server.pace", "unlimited is what holds when it is left out")
	}
}

// listen refuses what others than this machine could reach without saying who they are.
func (k *checker) listen(s Server) {
	host, port, err := net.SplitHostPort(s.Listen)
	if n, e := strconv.Atoi(port); err != nil || e != nil || n < 0 || n > 65535 {
		k.add("server.listen", "%q is not host:port, as in 127.0.0.1:8484", s.Listen)
		return
	}
	if !loopback(host) && !s.Auth.On() {
		k.add("server.listen", "%s can be reached from other machines: that takes server.auth (tokens_file or oidc), or listen to 127.0.0.1", s.Listen)
	}
}

func (k *checker) oidc(o OIDC) {
	if !o.On() {
		if o.JWKSURL != "" || o.Audience != "" {
			k.add("server.auth.oidc", "want the issuer, too")
		}
		return
	}
	if o.Audience == "" {
		k.add("server.auth.oidc.audience", "want the audience that tokens for this daemon have: without it any token of the issuer would do")
	}
	for _, said := range []struct{ name, value string }{{"issuer", o.Issuer}, {"jwks_url", o.JWKSURL}} {
		if u, err := url.Parse(said.value); said.value != "" && (err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname()))) {
			k.add("server.auth.oidc."+said.name, "%q is not an address that begins with https://", said.value)
		}
	}
	for _, said := range []struct{ name, value string }{{"name_claim", o.Name}, {"role_claim", o.Role}} {
		if said.value == "" {
			k.add("server.auth.oidc."+said.name, "want the name of a claim")
		}
	}
}

// loopback reports whether a host is this machine: nobody else hears what is said to it.
func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}
