package api

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Role is what somebody may do. Each may also do what those before it may.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"   // read
	Operator Role = "operator" // plan, start, pause, resume, pace, cancel, approve
	Admin    Role = "admin"    // forget, read the audit
)

var ranks = map[Role]int{Viewer: 1, Operator: 2, Admin: 3}

// Covers reports whether who has r may do what needs. A role that is not known covers nothing.
func (r Role) Covers(needs Role) bool { return ranks[r] > 0 && ranks[r] >= ranks[needs] }

// UnmarshalText takes the known roles only.
func (r *Role) UnmarshalText(text []byte) error {
	if ranks[Role(text)] == 0 {
		return fmt.Errorf("role %q is not known: %s, %s or %s", text, Viewer, Operator, Admin)
	}
	*r = Role(text)
	return nil
}

// Principal is somebody who asks. The zero value may do and see nothing.
type Principal struct {
	Name     string
	Role     Role
	Archives Names // that it may see and start
	Topics   Names // likewise
}

func (p Principal) sees(archive, topic string) bool {
	return p.Archives.Has(archive) && p.Topics.Has(topic)
}

// Names are exact names, and beginnings of names that end in a star. A star alone is every name.
type Names []string

// Everything is every name.
const Everything = "*"

// Has reports whether name is one of them.
func (n Names) Has(name string) bool {
	for _, pattern := range n {
		beginning, open := strings.CutSuffix(pattern, Everything)
		if name == pattern || open && strings.HasPrefix(name, beginning) {
			return true
		}
	}
	return false
}

// All reports whether they are every name.
func (n Names) All() bool {
	for _, pattern := range n {
		if pattern == Everything {
			return true
		}
	}
	return false
}

// check refuses what looks like a pattern and is none.
func (n Names) check(what string) error {
	if len(n) == 0 {
		return fmt.Errorf("%s: name them, a beginning and a star, or a star for all", what)
	}
	for _, pattern := range n {
		if name := strings.TrimSuffix(pattern, Everything); pattern == "" || strings.ContainsAny(name, "*?[") {
			return fmt.Errorf("%s: %q is no name and no beginning of one with a star", what, pattern)
		}
	}
	return nil
}

type principalKey struct{}

// withBy is a context in which p asks.
func withBy(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// By is who asks; the zero Principal when nobody was named.
func By(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}

// nameable reports whether a name can stand in the audit, and on a terminal, as it is.
func nameable(name string) bool {
	return name != "" && len(name) <= maxName && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) })
}
