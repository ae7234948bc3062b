package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"replayd/integration/harness"
)

// authority signs the certificates of a test; its own is in the file.
type authority struct {
	*harness.Authority
	file string
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	a, err := harness.NewAuthority(name)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	rewrite(t, file, string(a.PEM()))
	return authority{a, file}
}

// shown is the configuration of a client that shows a certificate; without a file it shows none.
func (a authority) shown(t *testing.T, cert, key string) *tls.Config {
	t.Helper()
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	c.RootCAs.AppendCertsFromPEM(a.PEM())
	if cert == "" {
		return c
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	c.Certificates = []tls.Certificate{pair}
	return c
}

// denials are the records of the audit that hold all of words.
func (b *bench) denials(words ...string) (found []string) {
	b.t.Helper()
records:
	for _, record := range b.values("replayd.audit") {
		for _, w := range append(words, `"act":"denied"`) {
			if !strings.Contains(record, w) {
				continue records
			}
		}
		found = append(found, record)
	}
	return found
}

// TestADaemonKnowsClientsByTheirCertificates, and changes its own while it runs.
func TestADaemonKnowsClientsByTheirCertificates(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)))
	ours, others := newAuthority(t, "ours"), newAuthority(t, "others")
	cert, key := ours.Files(t, "daemon", "127.0.0.1")
	d := b.listening("https", targetX+fmt.Sprintf("server: {tls: {cert_file: '%s', key_file: '%s', client_ca_file: '%s'}, auth: {certificates: {"+
		"anna: {role: operator, archives: ['*'], topics: ['*']}, board: {role: viewer, archives: ['*'], topics: ['*']}}}}\n", cert, key, ours.file))
	annas, annasKey := ours.Files(t, "anna")
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: ours.shown(t, annas, annasKey)}}
	defer client.CloseIdleConnections()
	d.until("it can do its work", func() bool { return d.ready(client) == http.StatusOK })

	by := func(of authority, name, ca string, args ...string) *result {
		args = append(args, "--ca", ca)
		if name != "" {
			cert, key := of.Files(t, name)
			args = append(args, "--client-cert", cert, "--client-key", key)
		}
		return d.replayd(args...)
	}
	by(ours, "anna", ours.file, "list").want(exitOK)
	start := strings.Fields("start --archive a --from 2026-11-01 --for 24h --topic x --create-topic --id night --yes")
	by(ours, "anna", ours.file, start...).want(exitOK)
	by(ours, "board", ours.file, "watch", "night").want(exitOK)
	for _, c := range []struct {
		what, name, ca string
		of             authority
		code           int
		says           string
	}{
		{"an authority that has not signed the daemon's", "anna", others.file, ours, exitUnreached, "--ca"},
		{"no certificate", "", ours.file, ours, exitUnreached, "no daemon answers at https://"}, // the alert may be lost: see replay/api
		{"one of another authority", "anna", ours.file, others, exitUnreached, "no daemon answers at https://"},
		{"one of nobody that is known", "stranger", ours.file, ours, exitFailed, `the certificate of "stranger" gives no rights here`},
	} {
		t.Log(c.what)
		by(c.of, c.name, c.ca, "list").want(c.code, c.says)
	}
	by(ours, "board", ours.file, "pause", "night").want(exitFailed, "needs the role operator, and board is viewer")
	d.until("the audit to tell of it", func() bool { return len(b.denials(`"user":"board"`, `"id":"night"`)) == 1 })
	d.until("the audit to tell of the stranger", func() bool { return len(b.denials(`"user":"address 127.0.0.1"`, "stranger")) == 1 })

	serial := func() *big.Int {
		c, err := tls.Dial("tcp", strings.TrimPrefix(d.url, "https://"), ours.shown(t, annas, annasKey))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		return c.ConnectionState().PeerCertificates[0].SerialNumber
	}
	before := serial()
	newCert, newKey := ours.Files(t, "daemon", "127.0.0.1")
	for from, to := range map[string]string{newCert: cert, newKey: key} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		rewrite(t, to, string(text))
	}
	d.until("new connections are met with the new certificate", func() bool { return serial().Cmp(before) != 0 })
	if status := d.ready(client); status != http.StatusOK {
		t.Errorf("an open connection ends with the certificate that it began with: %d", status)
	}
	by(ours, "anna", ours.file, "list").want(exitOK)
}

// provider is an identity provider on loopback: its address of keys alone.
type provider struct {
	t      *testing.T
	server *httptest.Server

	mu   sync.Mutex
	down bool
	keys map[string]*ecdsa.PrivateKey // by their ids
}

func newProvider(t *testing.T) *provider {
	p := &provider{t: t, down: true, keys: map[string]*ecdsa.PrivateKey{}}
	p.server = httptest.NewServer(p)
	t.Cleanup(p.server.Close)
	return p
}

func (p *provider) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		http.Error(w, "gone to lunch", http.StatusServiceUnavailable)
		return
	}
	keys := []map[string]string{}
	for id, key := range p.keys {
		point, err := key.PublicKey.Bytes() // 4, x, y
		if err != nil {
			p.t.Error(err)
			return
		}
		text := base64.RawURLEncoding.EncodeToString
		keys = append(keys, map[string]string{"kty": "EC", "crv": "P-256", "use": "sig", "kid": id, "x": text(point[1:33]), "y": text(point[33:])})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": keys})
}

// has makes it have this one key, or be away.
func (p *provider) has(id string, down bool) {
	p.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down = down; id != "" {
		p.keys = map[string]*ecdsa.PrivateKey{id: key}
	}
}

// token is a file with a token of the provider's newest key, whose claims are those of an operator but for others.
func (p *provider) token(others map[string]any) (file string) {
	p.t.Helper()
	claims := map[string]any{
		"iss": p.server.URL, "aud": "replayd", "sub": "anna", "replayd_role": "operator", "exp": time.Now().Add(time.Hour).Unix(),
	}
	maps.Copy(claims, others)
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, key := range p.keys {
		input := part(p.t, map[string]string{"alg": "ES256", "kid": id}) + "." + part(p.t, claims)
		sum := sha256.Sum256([]byte(input))
		r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
		if err != nil {
			p.t.Fatal(err)
		}
		file = filepath.Join(p.t.TempDir(), "token")
		rewrite(p.t, file, input+"."+base64.RawURLEncoding.EncodeToString(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)))
	}
	return file
}

func part(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// TestADaemonKnowsPeopleByTheirProvider, which is away when the daemon starts, comes back, changes its key, and is away again. A key
// is looked for once in 30 s at most, which the test waits for.
func TestADaemonKnowsPeopleByTheirProvider(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)))
	p := newProvider(t)
	p.has("1", true)
	tokens := filepath.Join(t.TempDir(), "tokens.yaml")
	ben, bens := b.person(tokens, "ben", "admin")
	d := b.listening("http", targetX+fmt.Sprintf("server: {auth: {tokens_file: '%s', oidc: {issuer: '%s', jwks_url: '%s/keys', audience: replayd}}}\n",
		tokens, p.server.URL, p.server.URL))
	list := func(token string) *result { return d.replayd("list", "--token-file", token) }
	d.until("all but the keys to be there", func() bool {
		told := d.get("/readyz", "")
		return strings.Contains(told, "the keys of the identity provider "+strings.TrimPrefix(p.server.URL, "http://")) && strings.Count(told, `","`) == 0
	})
	list(p.token(nil)).want(exitFailed, "the keys of the identity provider "+strings.TrimPrefix(p.server.URL, "http://")+" could not be fetched")
	list(ben).want(exitOK)
	p.has("", false)
	d.until("it is ready", func() bool { return d.ready(http.DefaultClient) == http.StatusOK })

	first := p.token(nil)
	list(first).want(exitOK)
	start := strings.Fields("start --archive a --from 2026-11-01 --for 24h --topic x --create-topic --id night --yes --token-file")
	d.replayd(append(start, first)...).want(exitOK)
	d.replayd("watch", "night", "--token-file", first).want(exitOK)
	ended := time.Now().Add(-time.Hour)
	list(p.token(map[string]any{"exp": ended.Unix()})).want(exitFailed, "the token has expired, at "+ended.UTC().Format(time.RFC3339))
	d.until("the audit to tell of it", func() bool { return len(b.denials(`"user":"address 127.0.0.1"`, "has expired")) == 1 })
	for what, claims := range map[string]map[string]any{
		"another audience": {"aud": "grafana"}, "another issuer": {"iss": "https://evil.example"},
	} {
		t.Log(what)
		list(p.token(claims)).want(exitFailed, "not one of the issuer's for this daemon")
	}
	list(p.token(map[string]any{"replayd_role": "guest"})).want(exitFailed, "its claim replayd_role no role")
	viewer := p.token(map[string]any{"sub": "vic", "replayd_role": "viewer"})
	list(viewer).want(exitOK)
	d.replayd("cancel", "night", "--token-file", viewer).want(exitFailed, "cancel needs the role operator, and vic is viewer")
	d.until("the audit to tell of it", func() bool { return len(b.denials(`"user":"vic"`, `"id":"night"`)) == 1 })
	if audit := d.get("/v1/audit", bens); !strings.Contains(audit, `"user":"anna"`) || !strings.Contains(audit, `"user":"vic"`) {
		t.Errorf("the audit tells %s", audit)
	}

	p.has("2", false)
	second := p.token(nil)
	text, err := os.ReadFile(second)
	if err != nil {
		t.Fatal(err)
	}
	list(first).want(exitOK) // by the key that is known
	d.within(time.Minute, "the new key to be known", func() bool { return strings.Contains(d.get("/version", string(text)), `"version"`) })
	list(first).want(exitFailed, "not one of the issuer's for this daemon") // its key is no longer the provider's
	p.has("", true)
	list(second).want(exitOK)
	if status := d.ready(http.DefaultClient); status != http.StatusOK {
		t.Errorf("with keys that it knows it is not ready: %d", status)
	}
}
