package api

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/rs/zerolog"
)

// OIDCOptions say which JSON Web Tokens are taken, and what they say of their holders.
type OIDCOptions struct {
	Issuer     string   // as tokens name it; its keys are found by discovery
	KeysURL    string   // where its keys are instead
	Audience   string   // that tokens must be for
	Algorithms []string // empty: RS256 and ES256
	CAFile     string   // authorities of the issuer's certificate; empty: the system's

	NameClaim     string          // empty: sub
	RoleClaim     string          // a text or a list of them; empty: replayd_role
	Roles         map[string]Role // what values of RoleClaim mean; nil: roles by their names
	ArchivesClaim string          // empty: every archive
	TopicsClaim   string          // empty: every topic
}

const defaultRole = "replayd_role"

// leeway is by how much the clocks of issuer and daemon may differ. Beginnings (nbf) have four minutes of the library's own.
const leeway = time.Minute

// algorithms that may be asked for: those with a public key. A shared secret would let who verifies also sign.
var algorithms = map[string]bool{
	oidc.RS256: true, oidc.RS384: true, oidc.RS512: true, oidc.PS256: true, oidc.PS384: true, oidc.PS512: true,
	oidc.ES256: true, oidc.ES384: true, oidc.ES512: true, oidc.EdDSA: true,
}

// issuer takes the tokens of one.
type issuer struct {
	options OIDCOptions
	config  *oidc.Config
	fetch   *fetcher

	unsigned string      // a token that nobody has signed
	had      atomic.Bool // its keys were fetched: what they have signed is known from then on, also while the issuer is away
	asking   atomic.Bool // somebody waits for that

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier // nil until the issuer was asked where its keys are
}

func newIssuer(o OIDCOptions, log zerolog.Logger) (*issuer, error) {
	var errs []error
	if o.Issuer == "" || o.Audience == "" {
		errs = append(errs, errors.New("issuer and audience are needed: others' tokens would be taken without"))
	}
	for _, address := range []string{o.Issuer, o.KeysURL} { // which may hold a secret, so it is not repeated
		u, err := url.Parse(address)
		switch {
		case address == "":
		case err != nil || !safe(u):
			errs = append(errs, errors.New("issuer and jwks_url are https addresses"))
		case u.User != nil:
			errs = append(errs, errors.New("issuer and jwks_url hold no login in front of the host"))
		}
	}
	if len(o.Algorithms) == 0 {
		o.Algorithms = []string{oidc.RS256, oidc.ES256}
	}
	for _, a := range o.Algorithms {
		if !algorithms[a] {
			errs = append(errs, fmt.Errorf("algorithm %q is not taken: RS256, ES256 and others that have a public key", a))
		}
	}
	for value, role := range o.Roles {
		if ranks[role] == 0 {
			errs = append(errs, fmt.Errorf("roles: %s: %q is no role", value, role))
		}
	}
	fetch, err := newFetcher(o.CAFile, log)
	errs = append(errs, err)
	i := &issuer{options: o, fetch: fetch, config: &oidc.Config{
		ClientID: o.Audience, SupportedSigningAlgs: o.Algorithms, Now: func() time.Time { return time.Now().Add(-leeway) },
	}}
	i.unsigned = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":%q}`, o.Algorithms[0])) + ".e30.AA"
	if o.KeysURL != "" && fetch != nil {
		i.verifier = oidc.NewVerifier(o.Issuer, oidc.NewRemoteKeySet(i.client(context.Background()), o.KeysURL), i.config)
	}
	return i, errors.Join(errs...)
}

// client is a context in which the library fetches as it may.
func (i *issuer) client(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, &http.Client{Transport: i.fetch, Timeout: fetchTime})
}

// principal is the holder of a token.
func (i *issuer) principal(ctx context.Context, token string) (Principal, error) {
	verifier, err := i.ready(ctx)
	if err != nil {
		return Principal{}, i.unreached()
	}
	verified, err := verifier.Verify(ctx, token)
	var expired *oidc.TokenExpiredError
	switch {
	case errors.As(err, &expired):
		return Principal{}, unauthorized("the token has expired, at %s", expired.Expiry.UTC().Format(time.RFC3339))
	case err != nil && i.fetch.failing():
		return Principal{}, i.unreached() // perhaps it is signed with a key that could not be fetched
	case err != nil:
		return Principal{}, unauthorized("the token is not one of the issuer's for this daemon, or not valid now")
	}
	claims := map[string]any{}
	if err := verified.Claims(&claims); err != nil {
		return Principal{}, unauthorized("the token's claims cannot be read")
	}
	return i.options.principal(claims)
}

func (i *issuer) unreached() *Problem {
	p := NewProblem(http.StatusServiceUnavailable, "the keys of the identity provider %s could not be fetched, so tokens of it cannot be checked", i.host())
	p.Next = "Use a token of the file of tokens, or look why the daemon does not reach the provider: its log says."
	return p
}

// host is all that is told of the issuer to those who have not logged in.
func (i *issuer) host() string {
	u, err := url.Parse(i.options.Issuer)
	if err != nil {
		return ""
	}
	return u.Host
}

// ready finds out where the keys are, once.
func (i *issuer) ready(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.verifier == nil {
		provider, err := oidc.NewProvider(i.client(ctx), i.options.Issuer)
		if err != nil {
			i.misled(err)
			return nil, err
		}
		i.verifier = provider.VerifierContext(i.client(context.WithoutCancel(ctx)), i.config)
	}
	return i.verifier, nil
}

// misled logs why the issuer did not tell where its keys are when the fetcher did not: that its answer is of another issuer, for
// one.
func (i *issuer) misled(err error) {
	if !errors.Is(err, errTooSoon) && !i.fetch.failing() {
		i.fetch.log.Warn().Str("issuer", i.options.Issuer).Msg("the issuer of tokens does not tell where its keys are: " + err.Error())
	}
}

// known is nil once the issuer's keys were fetched. Until then each call tries, as seldom as logins would, and one waits at a time:
// anybody may ask whether a daemon is ready, so they are told no more than that. Who asks may have less patience than the issuer
// takes: the try ends in its own time. To find out that a token is signed with none of the keys takes all of them.
func (i *issuer) known(ctx context.Context) error {
	if i.had.Load() {
		return nil
	}
	if i.asking.CompareAndSwap(false, true) {
		tried := make(chan bool, 1)
		go func() { // for 2 * fetchTime at most, and one at a time
			had := i.tried(context.WithoutCancel(ctx))
			i.had.Store(had)
			i.asking.Store(false)
			tried <- had
		}()
		select {
		case had := <-tried:
			if had {
				return nil
			}
		case <-ctx.Done():
		}
	}
	return fmt.Errorf("the keys of the identity provider %s have not been fetched yet, so nobody can log in by its tokens; the daemon's log says why", i.host())
}

// tried reports whether the keys could be fetched.
func (i *issuer) tried(ctx context.Context) bool {
	verifier, err := i.ready(ctx)
	if err != nil {
		return false
	}
	_, _ = verifier.Verify(ctx, i.unsigned)
	return !i.fetch.failing()
}

// principal is who the claims are of. Without a name, or a role that is known, they are of nobody.
func (o *OIDCOptions) principal(claims map[string]any) (Principal, error) {
	p := Principal{Archives: Names{Everything}, Topics: Names{Everything}}
	if names := texts(claims[or(o.NameClaim, "sub")]); len(names) == 1 && nameable(names[0]) {
		p.Name = names[0]
	}
	for _, value := range texts(claims[or(o.RoleClaim, defaultRole)]) {
		role := Role(value)
		if o.Roles != nil {
			role = o.Roles[value]
		}
		if ranks[role] > ranks[p.Role] {
			p.Role = role
		}
	}
	if p.Name == "" || p.Role == "" {
		return Principal{}, unauthorized("the token's claim %s names nobody, or its claim %s no role", or(o.NameClaim, "sub"), or(o.RoleClaim, defaultRole))
	}
	if o.ArchivesClaim != "" {
		p.Archives = texts(claims[o.ArchivesClaim])
	}
	if o.TopicsClaim != "" {
		p.Topics = texts(claims[o.TopicsClaim])
	}
	return p, nil
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// texts are the texts of a claim: itself, or those in its list.
func texts(claim any) []string {
	switch c := claim.(type) {
	case string:
		return []string{c}
	case []any:
		var list []string
		for _, each := range c {
			if text, ok := each.(string); ok {
				list = append(list, text)
			}
		}
		return list
	}
	return nil
}
