package api

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// Limits of tokens.
const (
	tokenPrefix = "rpd_"
	tokenBytes  = 32
	maxTokens   = 1_000
	hashPrefix  = "sha256:" // without it, YAML takes some hashes for numbers
	maxName     = 128
)

// Token is an entry of the file of tokens, which is a list of them in YAML. It holds no secret: only the SHA-256 of one.
// A hash that is slow on purpose would protect what people think up. These are 256 random bits, which nobody finds by
// trying, and a slow hash would let anybody keep this daemon busy with bad ones.
type Token struct {
	Name     string `yaml:"name"`
	Role     Role   `yaml:"role"`
	Hash     string `yaml:"hash"` // sha256: and 64 hex digits
	Archives Names  `yaml:"archives"`
	Topics   Names  `yaml:"topics"`
	Expires  Expiry `yaml:"expires,omitempty"`
}

// Expiry is when a token expires; the zero value is never. The YAML library makes the zero of a time.Time that it cannot
// read, and says nothing: a token with a mistyped end would be one without an end.
type Expiry struct{ at time.Time }

// ExpiresAt is the Expiry of t.
func ExpiresAt(t time.Time) Expiry { return Expiry{t.UTC()} }

// UnmarshalText takes a time with its zone, or a day in UTC, at whose beginning the token expires.
func (e *Expiry) UnmarshalText(text []byte) (err error) {
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if e.at, err = time.Parse(form, string(text)); err == nil {
			return nil
		}
	}
	return fmt.Errorf("expires: %q is no time such as 2027-01-31T12:00:00Z, and no day such as 2027-01-31", text)
}

// MarshalText writes what UnmarshalText reads.
func (e Expiry) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// IsZero reports whether it is never.
func (e Expiry) IsZero() bool { return e.at.IsZero() }

func (e Expiry) String() string { return e.at.UTC().Format(time.RFC3339) }

// NewToken returns the secret for the one who will hold it, and the line for the file of tokens.
func NewToken(t Token) (secret, line string, err error) {
	random := make([]byte, tokenBytes)
	_, _ = rand.Read(random) // never fails
	secret = tokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	sum := sha256.Sum256([]byte(secret))
	t.Hash = hashPrefix + hex.EncodeToString(sum[:])
	if err := t.validate(); err != nil {
		return "", "", err
	}
	text, err := yaml.MarshalWithOptions([]Token{t}, yaml.Flow(true))
	if err != nil {
		return "", "", err
	}
	inside := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(string(text)), "["), "]")
	return secret, "- " + inside + "\n", nil
}

// AddToken is what is to be written behind text, which a file of tokens holds, to add a line of NewToken. It is an error when
// no daemon could read the file then.
func AddToken(text []byte, line string) (string, error) {
	if _, err := parseTokens(text); err != nil {
		return "", err
	}
	if n := len(text); n > 0 && text[n-1] != '\n' {
		line = "\n" + line
	}
	if _, err := parseTokens(append(slices.Clone(text), line...)); err != nil {
		return "", err
	}
	return line, nil
}

func (t *Token) validate() error {
	var errs []error
	if !nameable(t.Name) {
		errs = append(errs, fmt.Errorf("name: want 1 to %d bytes that can be printed", maxName))
	}
	if t.Role == "" {
		errs = append(errs, fmt.Errorf("role: %s, %s or %s", Viewer, Operator, Admin))
	}
	digits, ok := strings.CutPrefix(t.Hash, hashPrefix)
	if sum, err := hex.DecodeString(digits); !ok || err != nil || len(sum) != sha256.Size {
		errs = append(errs, errors.New("hash: want sha256: and 64 hex digits, as replayd token new prints them"))
	}
	return errors.Join(append(errs, t.Archives.check("archives"), t.Topics.check("topics"))...)
}

// parseTokens reads the file of tokens. Every entry that is wrong is named; none of it is repeated.
func parseTokens(text []byte) ([]Token, error) {
	var list []Token
	if err := yaml.UnmarshalWithOptions(text, &list, yaml.Strict()); err != nil {
		return nil, errors.New(yaml.FormatError(err, false, false)) // without the excerpt, which may hold a secret put there by mistake
	}
	if len(list) > maxTokens {
		return nil, fmt.Errorf("%d tokens, at most %d", len(list), maxTokens)
	}
	var errs []error
	names := map[string]bool{}
	for i := range list {
		t := &list[i]
		if err := t.validate(); err != nil {
			errs = append(errs, fmt.Errorf("token %d (%s): %w", i+1, t.Name, err))
		}
		if names[t.Name] {
			errs = append(errs, fmt.Errorf("token %d: the name %s is taken by one before it: acts could not be told apart", i+1, t.Name))
		}
		names[t.Name] = true
	}
	return list, errors.Join(errs...)
}

// holder is the one to whom secret was given. All entries are compared, each in constant time.
func holder(list []Token, secret string, now time.Time) (Principal, error) {
	sum := sha256.Sum256([]byte(secret))
	hash := []byte(hashPrefix + hex.EncodeToString(sum[:]))
	var found *Token
	for i := range list {
		if subtle.ConstantTimeCompare(hash, []byte(strings.ToLower(list[i].Hash))) == 1 {
			found = &list[i]
		}
	}
	switch {
	case found == nil:
		return Principal{}, unauthorized("this token is not known")
	case !found.Expires.IsZero() && !now.Before(found.Expires.at):
		return Principal{}, unauthorized("the token %s has expired, at %s", found.Name, found.Expires)
	}
	return Principal{Name: found.Name, Role: found.Role, Archives: found.Archives, Topics: found.Topics}, nil
}

func unauthorized(format string, values ...any) *Problem {
	p := NewProblem(http.StatusUnauthorized, format, values...)
	p.Next = "Show a valid token: commands by --token-file, others by the header Authorization: Bearer."
	return p
}
