package main

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"replayd/config"
	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

// loaded is a configuration as a file holds it.
func loaded(t *testing.T, text string, environ ...string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "replayd.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path, environ)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheIdentityProviderIsAsItIsConfigured(t *testing.T) {
	t.Parallel()
	c := loaded(t, `server:
  auth:
    oidc:
      issuer: https://login.example.com
      jwks_url: https://login.example.com/keys
      audience: replayd
      ca_file: ca.pem
      algorithms: [EdDSA]
      name_claim: email
      role_claim: groups
      archives_claim: archives
      topics_claim: topics
      roles: {operator: [oncall, sre], admin: [platform, sre]}
`, "REPLAYD_SERVER_AUTH_OIDC_ROLES_VIEWER=all,guests")
	want := api.OIDCOptions{
		Issuer: "https://login.example.com", KeysURL: "https://login.example.com/keys", Audience: "replayd", Algorithms: []string{"EdDSA"}, CAFile: "ca.pem",
		NameClaim: "email", RoleClaim: "groups", ArchivesClaim: "archives", TopicsClaim: "topics",
		Roles: map[string]api.Role{"all": api.Viewer, "guests": api.Viewer, "oncall": api.Operator, "sre": api.Admin, "platform": api.Admin},
	}
	if got := oidcOf(c.Server.Auth.OIDC); !reflect.DeepEqual(*got, want) {
		t.Errorf("it is\n%+v, want\n%+v", *got, want)
	}
	if roles := oidcOf(config.Default().Server.Auth.OIDC).Roles; roles != nil {
		t.Errorf("with no roles named, %v are", roles)
	}
}

func TestAlgorithmsThatMayBeConfiguredAreTaken(t *testing.T) {
	t.Parallel()
	o := api.OIDCOptions{Issuer: "https://login.example.com", Audience: "replayd", Algorithms: config.Algorithms}
	if _, err := api.NewAuthenticator(api.AuthOptions{OIDC: &o}, zerolog.Nop()); err != nil {
		t.Error(err)
	}
}

// TestFilesOfTheDaemonAreLookedAtBeforeItWaitsForBrokers, of which there are none: who sets it up is told at once.
func TestFilesOfTheDaemonAreLookedAtBeforeItWaitsForBrokers(t *testing.T) {
	t.Parallel()
	b := nowhere(t)
	for server, says := range map[string]string{
		"tls: {cert_file: /gone/tls.crt, key_file: /gone/tls.key}":                        "server.tls: open /gone/tls.crt",
		"auth: {tokens_file: /gone/tokens.yaml}":                                          "server.auth.tokens_file: /gone/tokens.yaml",
		"auth: {oidc: {issuer: 'https://i.example', audience: a, ca_file: /gone/ca.pem}}": "/gone/ca.pem",
	} {
		path := b.config("server: {listen: '127.0.0.1:0', " + server + "}\n")
		b.replayd("serve", "--brokers", "127.0.0.1:1", "--config", path).want(exitBadConfig, says)
	}
}

// TestADaemonThatCanStartNothingSaysSo when it begins, and not only to each who asks it to.
func TestADaemonThatCanStartNothingSaysSo(t *testing.T) {
	t.Parallel()
	for more, warns := range map[string]bool{"": true, targetX: false} {
		d := newBench(t).serve(more)
		if told := d.err.String(); strings.Contains(told, "the configuration names no targets") != warns {
			t.Errorf("with targets %q it logs\n%s", more, told)
		}
	}
}

// TestAnAddressThatIsTakenIsToldWithWhatToDo about it.
func TestAnAddressThatIsTakenIsToldWithWhatToDo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	b.replayd("serve", "--brokers", b.address(), "--config", b.config(""), "--listen", taken.Addr().String()).want(exitFailed, "address already in use", "--listen or server.listen names another address")
}

// TestClientsAreKnownByTheirCertificates as TLS has verified them.
func TestClientsAreKnownByTheirCertificates(t *testing.T) {
	t.Parallel()
	c := loaded(t, `server:
  tls: {cert_file: c, key_file: k, client_ca_file: a}
  auth:
    certificates:
      ci.example.com: {role: operator, archives: [payments], topics: ["replay.*"]}
      board: {role: viewer}
`)
	auth, err := (&app{log: zerolog.Nop()}).authenticator(c.Server.Auth)
	if err != nil {
		t.Fatal(err)
	}
	server, err := api.NewServer(api.Guard(apitest.NewFake(), nil), api.ServerOptions{Listen: "0.0.0.0:0", Auth: auth, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, path, name string) int {
		r := httptest.NewRequest(method, "http://127.0.0.1"+path, http.NoBody)
		r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}}}}}
		answer := httptest.NewRecorder()
		server.ServeHTTP(answer, r)
		return answer.Code
	}
	const hours = "/hours?from=2026-11-01T00:00:00Z&to=2026-11-01T01:00:00Z"
	for _, step := range []struct {
		method, path, name string
		status             int
	}{
		{http.MethodGet, "/v1/replays", "board", http.StatusOK},
		{http.MethodGet, "/v1/archives/orders" + hours, "board", http.StatusOK},
		{http.MethodPost, "/v1/replays/x/pause", "board", http.StatusForbidden},
		{http.MethodPost, "/v1/replays/x/pause", "ci.example.com", http.StatusNotFound},
		{http.MethodGet, "/v1/archives/payments" + hours, "ci.example.com", http.StatusOK},
		{http.MethodGet, "/v1/archives/orders" + hours, "ci.example.com", http.StatusNotFound},
		{http.MethodGet, "/v1/replays", "stranger", http.StatusUnauthorized},
	} {
		if got := ask(step.method, step.path, step.name); got != step.status {
			t.Errorf("%s: %s %s answers %d, want %d", step.name, step.method, step.path, got, step.status)
		}
	}
}
