package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// AuthOptions say how the ones who ask are known. At least one way is needed.
type AuthOptions struct {
	TokensFile   string        // of Token entries; read again when it changes
	OIDC         *OIDCOptions  // nil: JSON Web Tokens are not taken
	Certificates []Certificate // of clients, when TLS asks for them
}

// Certificate is what the holder of a client's certificate may do.
type Certificate struct {
	Name     string // its common name, or one of its DNS names, addresses or URIs
	Role     Role
	Archives Names
	Topics   Names
}

// Authenticator finds out who asks. It is safe for concurrent use.
type Authenticator struct {
	tokens       *kept[[]Token]
	issuer       *issuer
	certificates []Certificate
}

// maxLogin is the longest token that is looked at.
const maxLogin = 16 << 10

// NewAuthenticator reads the file of tokens once, so that one that cannot be used is told now. The issuer is asked when the
// first of its tokens comes: a daemon starts without it.
func NewAuthenticator(o AuthOptions, log zerolog.Logger) (*Authenticator, error) {
	if o.TokensFile == "" && o.OIDC == nil && len(o.Certificates) == 0 {
		return nil, errors.New("server.auth: nobody could log in: set tokens_file, oidc or certificates")
	}
	a := &Authenticator{certificates: o.Certificates}
	var errs []error
	if o.TokensFile != "" {
		var err error
		if a.tokens, err = keep(log, func(texts [][]byte) ([]Token, error) { return parseTokens(texts[0]) }, o.TokensFile); err != nil {
			errs = append(errs, fmt.Errorf("server.auth.tokens_file: %s: %w", o.TokensFile, err))
		}
		a.tokens.gone = "the file of tokens is not there any more: no token is taken; bring it back, or start the daemon without server.auth.tokens_file"
	}
	if o.OIDC != nil {
		var err error
		if a.issuer, err = newIssuer(*o.OIDC, log); err != nil {
			errs = append(errs, fmt.Errorf("server.auth.oidc: %w", err))
		}
	}
	for _, c := range o.Certificates {
		if err := errors.Join(c.Archives.check("archives"), c.Topics.check("topics")); err != nil || c.Name == "" || ranks[c.Role] == 0 {
			errs = append(errs, fmt.Errorf("server.auth.certificates: %q needs a name, a role, archives and topics: %w", c.Name, err))
		}
	}
	return a, errors.Join(errs...)
}

// ready is why somebody who may log in could not, since the daemon was started: the keys of the issuer were never had. Who is asked
// so asks the issuer.
func (a *Authenticator) ready(ctx context.Context) error {
	if a == nil || a.issuer == nil {
		return nil
	}
	return a.issuer.known(ctx)
}

// principal is who sends r. A *Problem with status 401 says that they are not known, one with 503 that this cannot be found
// out now.
func (a *Authenticator) principal(r *http.Request) (Principal, error) {
	logins := r.Header.Values("Authorization")
	if len(logins) == 0 {
		return a.certified(r)
	}
	scheme, token, _ := strings.Cut(logins[0], " ")
	switch {
	case len(logins) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "":
		return Principal{}, unauthorized("the login is not by one bearer token")
	case len(token) > maxLogin:
		return Principal{}, unauthorized("the token is longer than %d bytes", maxLogin)
	case a.tokens != nil && strings.HasPrefix(token, tokenPrefix):
		return holder(a.tokens.get(), token, time.Now())
	case a.issuer != nil && !strings.HasPrefix(token, tokenPrefix):
		return a.issuer.principal(r.Context(), token)
	}
	return Principal{}, unauthorized("tokens of this kind are not taken")
}

// certified is the holder of the certificate of the connection, which TLS has verified.
func (a *Authenticator) certified(r *http.Request) (Principal, error) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return Principal{}, unauthorized("a login is needed")
	}
	leaf := r.TLS.VerifiedChains[0][0]
	names := append([]string{leaf.Subject.CommonName}, leaf.DNSNames...)
	names = append(names, leaf.EmailAddresses...)
	for _, uri := range leaf.URIs {
		names = append(names, uri.String())
	}
	for _, c := range a.certificates {
		for _, name := range names {
			if name == c.Name {
				return Principal(c), nil
			}
		}
	}
	return Principal{}, unauthorized("the certificate of %q gives no rights here", leaf.Subject.CommonName)
}
