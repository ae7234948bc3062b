package api

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

const issuerURL = "https://login.example.com"

// provider is an issuer in memory.
type provider struct {
	mu    sync.Mutex
	keys  []map[string]any // as JSON Web Keys
	asked map[string]int   // paths
	down  bool
	large bool
	page  bool   // something in between answers for it
	named string // as the answer says; empty: as it is
}

func (p *provider) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked[r.URL.Path]++
	if p.down {
		return nil, errors.New("no route to host")
	}
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case p.page:
		_, _ = w.WriteString("<p>log in to the network first</p>")
	case r.URL.Path == "/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": or(p.named, issuerURL), "jwks_uri": issuerURL + "/keys", "authorization_endpoint": issuerURL, "token_endpoint": issuerURL})
	case r.URL.Path == "/keys":
		padding := ""
		if p.large {
			padding = strings.Repeat("x", 2<<20)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"a": padding, "keys": p.keys})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
	return w.Result(), nil
}

func (p *provider) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func (p *provider) count(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

func number(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

func (p *provider) add(kid string, key *rsa.PublicKey) {
	p.keys = append(p.keys, map[string]any{"kty": "RSA", "use": "sig", "kid": kid, "n": number(key.N), "e": number(big.NewInt(int64(key.E)))})
}

// sign makes a token; how is the algorithm of its header, by is what signs.
func sign(t *testing.T, how, kid string, claims map[string]any, by func(input []byte) ([]byte, error)) string {
	t.Helper()
	encode := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	input := encode(map[string]any{"alg": how, "kid": kid, "typ": "JWT"}) + "." + encode(claims)
	signature, err := by([]byte(input))
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func byRSA(key *rsa.PrivateKey) func([]byte) ([]byte, error) {
	return func(input []byte) ([]byte, error) {
		sum := sha256.Sum256(input)
		return rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	}
}

func byRSA512(key *rsa.PrivateKey) func([]byte) ([]byte, error) {
	return func(input []byte) ([]byte, error) {
		sum := sha512.Sum512(input)
		return rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA512, sum[:])
	}
}

func bySecret(secret []byte) func([]byte) ([]byte, error) {
	return func(input []byte) ([]byte, error) {
		h := hmac.New(sha256.New, secret)
		h.Write(input)
		return h.Sum(nil), nil
	}
}

func byCurve(key *ecdsa.PrivateKey) func([]byte) ([]byte, error) {
	return func(input []byte) ([]byte, error) {
		sum := sha256.Sum256(input)
		r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
		if err != nil {
			return nil, err
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), nil
	}
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// claimed are claims that are taken, but for those that are named.
func claimed(now time.Time, other map[string]any) map[string]any {
	c := map[string]any{
		"iss": issuerURL, "aud": "replayd", "sub": "alice", "exp": now.Add(time.Hour).Unix(), "nbf": now.Add(-time.Minute).Unix(),
		"replayd_role": "operator", "replay_archives": []string{"payments"}, "replay_topics": "replay.*",
	}
	maps.Copy(c, other)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func login(t *testing.T, p *provider, o OIDCOptions) func(token string) (Principal, error) {
	t.Helper()
	if o.Issuer == "" {
		o.Issuer, o.Audience = issuerURL, "replayd"
	}
	a, err := NewAuthenticator(AuthOptions{OIDC: &o}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	a.issuer.fetch.transport = p
	return func(token string) (Principal, error) {
		r := httptest.NewRequest(http.MethodGet, "/v1/replays", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		return a.principal(r)
	}
}

func code(err error) int {
	var p *Problem
	if errors.As(err, &p) {
		return p.Status
	}
	return 0
}

func TestAJSONWebTokenIsTakenWhenAllOfItIsRight(t *testing.T) {
	key, other := rsaKey(t), rsaKey(t)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := curve.PublicKey.Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{asked: map[string]int{}}
	p.add("k", &key.PublicKey)
	p.keys = append(p.keys, map[string]any{
		"kty": "EC", "crv": "P-256", "kid": "c", "x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:]),
	}, map[string]any{"kty": "of tomorrow", "kid": "t"})
	ask := login(t, p, OIDCOptions{ArchivesClaim: "replay_archives", TopicsClaim: "replay_topics"})
	now := time.Now()
	pem := x509.MarshalPKCS1PublicKey(&key.PublicKey)
	valid := sign(t, "RS256", "k", claimed(now, nil), byRSA(key))
	signature, changed := strings.LastIndexByte(valid, '.')+1, "A"
	if valid[signature] == 'A' {
		changed = "B"
	}
	for _, c := range []struct {
		name, token string
		taken       bool
	}{
		{"right", valid, true},
		{"right, by a curve", sign(t, "ES256", "c", claimed(now, nil), byCurve(curve)), true},
		{"right, for several", sign(t, "RS256", "k", claimed(now, map[string]any{"aud": []string{"other", "replayd"}}), byRSA(key)), true},
		{"ended within the leeway", sign(t, "RS256", "k", claimed(now, map[string]any{"exp": now.Add(-30 * time.Second).Unix()}), byRSA(key)), true},
		{"expired", sign(t, "RS256", "k", claimed(now, map[string]any{"exp": now.Add(-2 * time.Minute).Unix()}), byRSA(key)), false},
		{"without an end", sign(t, "RS256", "k", claimed(now, map[string]any{"exp": nil}), byRSA(key)), false},
		{"not yet valid", sign(t, "RS256", "k", claimed(now, map[string]any{"nbf": now.Add(10 * time.Minute).Unix()}), byRSA(key)), false},
		{"for another", sign(t, "RS256", "k", claimed(now, map[string]any{"aud": "other"}), byRSA(key)), false},
		{"for nobody", sign(t, "RS256", "k", claimed(now, map[string]any{"aud": nil}), byRSA(key)), false},
		{"of another issuer", sign(t, "RS256", "k", claimed(now, map[string]any{"iss": "https://evil.example"}), byRSA(key)), false},
		{"signed by another key", sign(t, "RS256", "k", claimed(now, nil), byRSA(other)), false},
		{"with an unknown key", sign(t, "RS256", "z", claimed(now, nil), byRSA(other)), false},
		{"not signed", sign(t, "none", "k", claimed(now, nil), func([]byte) ([]byte, error) { return nil, nil }), false},
		{"signed with the public key as a secret", sign(t, "HS256", "k", claimed(now, nil), bySecret(pem)), false},
		{"by an algorithm that is not asked for", sign(t, "RS512", "k", claimed(now, nil), byRSA512(key)), false},
		{"changed", valid[:signature] + changed + valid[signature+1:], false},
		{"nonsense", "a.b.c", false},
		{"no token", "nonsense", false},
		{"without a role", sign(t, "RS256", "k", claimed(now, map[string]any{"replayd_role": nil}), byRSA(key)), false},
		{"with an unknown role", sign(t, "RS256", "k", claimed(now, map[string]any{"replayd_role": "root"}), byRSA(key)), false},
		{"without a name", sign(t, "RS256", "k", claimed(now, map[string]any{"sub": ""}), byRSA(key)), false},
	} {
		by, err := ask(c.token)
		if c.taken != (err == nil) || !c.taken && code(err) != http.StatusUnauthorized {
			t.Errorf("%s: %+v, %v", c.name, by, err)
		}
		if c.taken && (by.Name != "alice" || by.Role != Operator || !slices.Equal(by.Archives, Names{"payments"}) || !slices.Equal(by.Topics, Names{"replay.*"})) {
			t.Errorf("%s: %+v", c.name, by)
		}
		if err != nil && strings.Contains(err.Error(), c.token) {
			t.Errorf("%s: the token is told: %v", c.name, err)
		}
	}
}

func TestClaimsAreTakenAsTheyAreNamed(t *testing.T) {
	o := OIDCOptions{NameClaim: "email", RoleClaim: "groups", Roles: map[string]Role{"oncall": Operator, "platform": Admin, "all": Viewer}}
	by, err := o.principal(map[string]any{"email": "alice@example.com", "sub": "17", "groups": []any{"all", "oncall", 5.0, "admin"}})
	if err != nil || by.Name != "alice@example.com" || by.Role != Operator || !by.Archives.All() || !by.Topics.All() {
		t.Errorf("%+v, %v", by, err)
	}
	if by, err := o.principal(map[string]any{"email": "alice@example.com", "groups": "admin"}); err == nil {
		t.Errorf("a role by its own name: %+v", by)
	}
	for _, name := range []string{"", "alice\n", "alice\x1b[2J", "alice\u009b2J", "alice\u202e", "alice\xff", strings.Repeat("a", maxName+1)} {
		if by, err := o.principal(map[string]any{"email": name, "groups": "platform"}); err == nil {
			t.Errorf("the name %q is one: %+v", name, by)
		}
	}
	o = OIDCOptions{ArchivesClaim: "a", TopicsClaim: "t"}
	if by, err := o.principal(map[string]any{"sub": "alice", "replayd_role": "admin"}); err != nil || by.Archives.Has("payments") || by.Topics.Has("replay.payments") {
		t.Errorf("without the claims: %+v, %v", by, err)
	}
}

func TestAnIssuerIsAskedSeldom(t *testing.T) {
	key, second := rsaKey(t), rsaKey(t)
	synctest.Test(t, func(t *testing.T) {
		p := &provider{asked: map[string]int{}}
		p.add("k", &key.PublicKey)
		ask := login(t, p, OIDCOptions{})
		if _, err := ask(sign(t, "RS256", "k", claimed(time.Now(), nil), byRSA(key))); err != nil {
			t.Fatal(err)
		}
		for n := range 100 { // with keys that nobody knows
			if _, err := ask(sign(t, "RS256", fmt.Sprint(n), claimed(time.Now(), nil), byRSA(second))); code(err) != http.StatusUnauthorized {
				t.Fatal(err)
			}
		}
		if n := p.count("/keys"); n != 1 {
			t.Errorf("asked %d times", n)
		}
		p.set(func() { p.add("k2", &second.PublicKey) })
		token := sign(t, "RS256", "k2", claimed(time.Now(), nil), byRSA(second))
		time.Sleep(31 * time.Second)
		if _, err := ask(token); err != nil {
			t.Errorf("a new key is not found: %v", err)
		}
		if n := p.count("/keys"); n != 2 || p.count("/.well-known/openid-configuration") != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestAnIssuerThatIsAwayIsNoBadToken(t *testing.T) {
	key := rsaKey(t)
	synctest.Test(t, func(t *testing.T) {
		for _, o := range []OIDCOptions{{}, {Issuer: issuerURL, Audience: "replayd", KeysURL: issuerURL + "/keys"}} {
			p := &provider{asked: map[string]int{}, down: true}
			p.add("k", &key.PublicKey)
			ask := login(t, p, o)
			token := sign(t, "RS256", "k", claimed(time.Now(), nil), byRSA(key))
			for range 10 {
				if _, err := ask(token); code(err) != http.StatusServiceUnavailable || !strings.Contains(err.Error(), "provider login.example.com could not") {
					t.Errorf("%v", err)
				}
			}
			if n := p.count("/keys") + p.count("/.well-known/openid-configuration"); n != 1 {
				t.Errorf("asked %d times", n)
			}
			p.set(func() { p.down = false })
			time.Sleep(6 * time.Second)
			if _, err := ask(token); err != nil {
				t.Errorf("it is back: %v", err)
			}
			p.set(func() { p.down = true })
			if _, err := ask(token); err != nil { // by the keys that are known
				t.Errorf("it is away again: %v", err)
			}
		}
	})
}

func TestAnIssuersAnswerIsReadUpToALimit(t *testing.T) {
	key := rsaKey(t)
	p := &provider{asked: map[string]int{}, large: true}
	p.add("k", &key.PublicKey)
	if _, err := login(t, p, OIDCOptions{})(sign(t, "RS256", "k", claimed(time.Now(), nil), byRSA(key))); err == nil {
		t.Error("two megabytes of keys were read")
	}
}

func TestAnIssuerIsConfiguredWhole(t *testing.T) {
	whole := OIDCOptions{Issuer: issuerURL, Audience: "replayd"}
	for name, change := range map[string]func(*OIDCOptions){
		"no issuer":                       func(o *OIDCOptions) { o.Issuer = "" },
		"no audience":                     func(o *OIDCOptions) { o.Audience = "" },
		"plain http":                      func(o *OIDCOptions) { o.KeysURL = "http://login.example.com/keys" },
		"a shared secret":                 func(o *OIDCOptions) { o.Algorithms = []string{"HS256"} },
		"no signature":                    func(o *OIDCOptions) { o.Algorithms = []string{"none"} },
		"an unknown role":                 func(o *OIDCOptions) { o.Roles = map[string]Role{"oncall": "root"} },
		"authorities that are not there":  func(o *OIDCOptions) { o.CAFile = "/nowhere" },
		"keys at an address that is none": func(o *OIDCOptions) { o.KeysURL = "hunter2" },
		"keys behind a login":             func(o *OIDCOptions) { o.KeysURL = "https://svc:hunter2@login.example.com/keys" },
		"an issuer behind a login":        func(o *OIDCOptions) { o.Issuer = "https://svc:hunter2@login.example.com" },
	} {
		o := whole
		change(&o)
		if _, err := NewAuthenticator(AuthOptions{OIDC: &o}, zerolog.Nop()); err == nil || !strings.Contains(err.Error(), "server.auth.oidc") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTheIssuerIsBelievedByItsAuthority asks one whose certificate no authority of the system has signed.
func TestTheIssuerIsBelievedByItsAuthority(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, believed := range map[string]bool{ca: true, "": false} {
		f, err := newFetcher(file, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		answer, err := (&http.Client{Transport: f}).Get(s.URL)
		if err == nil {
			_ = answer.Body.Close()
		}
		if (err == nil) != believed {
			t.Errorf("with the authorities of %q: %v", file, err)
		}
		f.transport.(*http.Transport).CloseIdleConnections()
	}
}
