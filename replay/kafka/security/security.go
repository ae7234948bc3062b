// Package security reaches brokers that encrypt and that know their clients: TLS with or without a client's certificate,
// and the SASL mechanisms PLAIN, SCRAM, OAUTHBEARER and AWS_MSK_IAM.
//
//	new connection ─> read ca, certificate, key ─> handshake ─> read password, token or credentials ─> login
//
// Files are read for every connection, so what is changed on disk holds from the next one on, in the middle of a replay
// too. When brokers and client do not come together, Explain says why and what to do; secrets are in none of its words.
package security

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
)

// Options say how brokers are reached. The zero value is plaintext without a login.
type Options struct {
	TLS  TLS
	SASL SASL
}

// Security is Options that were found usable. It is safe for concurrent use; nil is that of the zero Options.
type Security struct {
	options   Options
	mechanism sasl.Mechanism // nil without a login
}

// The names of options in errors are those of the configuration file.
const (
	optionCA      = "kafka.tls.ca_file"
	optionCert    = "kafka.tls.cert_file"
	optionKey     = "kafka.tls.key_file"
	optionSASL    = "kafka.sasl.mechanism"
	optionProfile = "kafka.sasl.profile"

	OptionPassword     = "kafka.sasl.password"
	OptionPasswordFile = "kafka.sasl.password_file"
	OptionTokenFile    = "kafka.sasl.token_file"
)

// New reads every file once, so that one that is missing or holds something else is told before a broker is asked. Such
// an error is an *OptionError.
func New(ctx context.Context, o Options) (*Security, error) {
	s := &Security{options: o}
	if _, err := o.TLS.config(); err != nil {
		return nil, err
	}
	var err error
	s.mechanism, err = o.SASL.load(ctx)
	return s, err
}

// Client are the options that a client needs to reach the brokers.
func (s *Security) Client() []kgo.Opt {
	if s == nil {
		return nil
	}
	opts := s.encrypted()
	if s.mechanism != nil {
		opts = append(opts, kgo.SASL(s.mechanism))
	}
	return opts
}

// encrypted are the options without the login.
func (s *Security) encrypted() []kgo.Opt {
	if !s.options.TLS.On {
		return nil
	}
	return []kgo.Opt{kgo.Dialer(s.options.TLS.dial)}
}

// SendsSecretsOpenly reports whether a password or token goes over the network as it is.
func (s *Security) SendsSecretsOpenly() bool {
	return s != nil && !s.options.TLS.On && (s.options.SASL.Mechanism == Plain || s.options.SASL.Mechanism == OAuthBearer)
}
