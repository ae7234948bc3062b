package config

import (
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"replayd/archive"
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
	k.certificates(s)
	if s.Member != "" && !topicName.MatchString(s.Member) {
		k.add("server.member", "%q is no name of a member: want up to 249 of a-z A-Z 0-9 . _ -", s.Member)
	}
	if s.SecondPerson > 0 && !s.Auth.On() {
		k.add("server.second_person_above", "takes server.auth: without, the second person cannot be told from the first, and nothing could be approved")
	}
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
		k.add("server.listen", "%s can be reached from other machines: that takes server.auth (tokens_file, oidc or certificates), or listen to 127.0.0.1", s.Listen)
	}
}

func (k *checker) oidc(o OIDC) {
	if !o.On() {
		if o.JWKSURL != "" || o.Audience != "" || o.CAFile != "" || o.Roles.Named() != nil {
			k.add("server.auth.oidc", "want the issuer, too")
		}
		return
	}
	if o.Audience == "" {
		k.add("server.auth.oidc.audience", "want the audience that tokens for this daemon have: without it any token of the issuer would do")
	}
	k.place("server.auth.oidc.issuer", o.Issuer)
	k.place("server.auth.oidc.jwks_url", o.JWKSURL.Reveal())
	if strings.ContainsAny(o.Issuer, "?#") {
		k.add("server.auth.oidc.issuer", "the address of an issuer ends with its path: leave out what begins with ? or #")
	}
	for i, a := range o.Algorithms {
		if !slices.Contains(Algorithms, a) {
			k.add(k.element("server.auth.oidc.algorithms", i), "%q is not one of %s: with a shared secret whoever verifies could sign, too", a, strings.Join(Algorithms, ", "))
		}
	}
	if len(o.Algorithms) == 0 {
		k.add("server.auth.oidc.algorithms", "want at least one, such as RS256")
	}
	for _, said := range []struct{ name, value string }{{"name_claim", o.Name}, {"role_claim", o.Role}} {
		if said.value == "" {
			k.add("server.auth.oidc."+said.name, "want the name of a claim")
		}
	}
}

// place is an address of the identity provider. What is wrong is not repeated: it may hold a login, or one in its query.
func (k *checker) place(path, address string) {
	u, err := url.Parse(address)
	switch {
	case address == "":
	case archive.HasLogin(address):
		k.add(path, "the address holds a login in front of the host, which is not taken: leave out all up to the @")
	case err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())):
		k.add(path, "want an address that begins with https://")
	}
}

// Algorithms are those of signatures that tokens of an identity provider may have: those with a public key.
var Algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// certificates are shown by clients only when they are asked for.
func (k *checker) certificates(s Server) {
	const path = "server.auth.certificates"
	if len(s.Auth.Certificates) > 0 && s.TLS.ClientCAFile == "" {
		k.add(path, "nobody is asked for a certificate: set server.tls.client_ca_file, too")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Auth.Certificates)) {
		c := s.Auth.Certificates[name]
		if !slices.Contains(roles, c.Role) {
			k.add(join(join(path, name), "role"), "%q is no role: want viewer, operator or admin", c.Role)
		}
		k.patterns(join(join(path, name), "archives"), c.Archives)
		k.patterns(join(join(path, name), "topics"), c.Topics)
	}
}

var roles = []string{"viewer", "operator", "admin"}

// patterns are names, and beginnings of names with a star.
func (k *checker) patterns(path string, list []string) {
	if len(list) == 0 {
		k.add(path, "name them, a beginning and a star, or a star for all")
	}
	for i, p := range list {
		if p == "" || strings.ContainsAny(strings.TrimSuffix(p, everything), "*?[") {
			k.add(k.element(path, i), "%q is no name and no beginning of one with a star", p)
		}
	}
}

// loopback reports whether a host is this machine: nobody else hears what is said to it.
func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}
