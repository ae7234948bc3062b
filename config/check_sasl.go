package config

import (
	"slices"
	"strings"
)

// sasl holds a login against its mechanism: what it needs is there, and nothing that it would pass over.
func (k *checker) sasl(s SASL) {
	if s == (SASL{}) {
		return
	}
	known := slices.Contains(Mechanisms, s.Mechanism)
	if !known {
		k.add("kafka.sasl.mechanism", "%q is not one of %s", s.Mechanism, strings.Join(Mechanisms, ", "))
	}
	switch s.Mechanism {
	case oauthBearer:
		if s.TokenFile == "" {
			k.add("kafka.sasl.token_file", "want the file of a token")
		}
		k.unused(s.Mechanism, "username", s.Username, "password", s.Password.Reveal(), "password_file", s.PasswordFile, "profile", s.Profile)
	case mskIAM:
		if !k.Kafka.TLS.On() {
			k.add("kafka.tls", "%s goes with TLS only: set enabled: true", s.Mechanism)
		}
		k.unused(s.Mechanism, "username", s.Username, "password", s.Password.Reveal(), "password_file", s.PasswordFile, "token_file", s.TokenFile)
	default:
		k.password(s)
		if !known { // then nobody can say what it has a use for
			return
		}
		k.unused(s.Mechanism, "token_file", s.TokenFile, "profile", s.Profile)
	}
}

func (k *checker) password(s SASL) {
	if s.Username == "" {
		k.add("kafka.sasl.username", "want a username")
	}
	if s.Password == "" && s.PasswordFile == "" {
		k.add("kafka.sasl.password", "want a password, or a password_file")
	}
	if s.Password != "" && s.PasswordFile != "" {
		k.add("kafka.sasl.password", "there is a password_file too; only one of the two may be set")
	}
}

// unused reports keys that the mechanism has no use for, given as names and values in turn: whoever set one expects
// something of it.
func (k *checker) unused(mechanism string, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			k.add("kafka.sasl."+pairs[i], "%s has no use for it", mechanism)
		}
	}
}
