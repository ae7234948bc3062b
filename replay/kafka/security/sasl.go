package security

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
	"github.com/twmb/franz-go/pkg/sasl"
	saslaws "github.com/twmb/franz-go/pkg/sasl/aws"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"replayd/archive/awscreds"
)

// SASL says how a client logs in. Without a mechanism it does not.
type SASL struct {
	Mechanism string // one of the constants below
	Username  string // of Plain and SCRAM
	Password  Secret // of Plain and SCRAM
	Token     Secret // of OAuthBearer
	Profile   string // of AWSMSKIAM: of the shared AWS configuration; empty: the SDK's chain
}

// Mechanisms, by their names in the configuration: Kafka's in small letters, with dashes.
const (
	Plain       = "plain"
	SCRAM256    = "scram-sha-256"
	SCRAM512    = "scram-sha-512"
	OAuthBearer = "oauthbearer"
	AWSMSKIAM   = "aws-msk-iam"
)

// kafkaName is the mechanism as brokers know it.
func (s SASL) kafkaName() string {
	if s.Mechanism == AWSMSKIAM {
		return "AWS_MSK_IAM"
	}
	return strings.ToUpper(s.Mechanism)
}

// load returns the mechanism, nil for none, after it has read what it will read at each login.
func (s SASL) load(ctx context.Context) (sasl.Mechanism, error) {
	switch s.Mechanism {
	case "":
		return nil, nil
	case Plain, SCRAM256, SCRAM512:
		_, err := s.Password.read()
		return s.password(), err
	case OAuthBearer:
		_, err := s.Token.read()
		return bearer{oauth.Oauth(func(context.Context) (oauth.Auth, error) {
			token, err := s.Token.read()
			return oauth.Auth{Token: token}, err
		})}, err
	case AWSMSKIAM:
		return s.iam(ctx)
	}
	return nil, &OptionError{optionSASL, fmt.Errorf("%q is none that replayd knows", s.Mechanism)}
}

// password is a mechanism with a user and a password, which is read for each login.
func (s SASL) password() sasl.Mechanism {
	auth := func(context.Context) (scram.Auth, error) {
		password, err := s.Password.read()
		return scram.Auth{User: s.Username, Pass: password}, err
	}
	switch s.Mechanism {
	case SCRAM256:
		return scram.Sha256(auth)
	case SCRAM512:
		return scram.Sha512(auth)
	}
	return plain.Plain(func(ctx context.Context) (plain.Auth, error) {
		a, err := auth(ctx)
		return plain.Auth{User: a.User, Pass: a.Pass}, err
	})
}

// credentialsLimit bounds the search for AWS credentials at a login, which no request's context reaches.
const credentialsLimit = 8 * time.Second

// iam signs each login with AWS credentials, which the SDK renews before they expire.
func (s SASL) iam(ctx context.Context) (sasl.Mechanism, error) {
	c, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(s.Profile), config.WithLogger(logging.Nop{}),
		config.WithProcessCredentialOptions(awscreds.Options(credentialsLimit)))
	if err != nil {
		return nil, &OptionError{optionProfile, err}
	}
	return signed(c.Credentials), nil
}

func signed(credentials aws.CredentialsProvider) sasl.Mechanism {
	credentials = awscreds.Guard(credentials, credentialsLimit)
	return saslaws.ManagedStreamingIAM(func(ctx context.Context) (saslaws.Auth, error) {
		found, err := credentials.Retrieve(ctx)
		if err != nil {
			return saslaws.Auth{}, &credentialsError{err}
		}
		return saslaws.Auth{
			AccessKey: found.AccessKeyID, SecretKey: found.SecretAccessKey, SessionToken: found.SessionToken, UserAgent: "replayd",
		}, nil
	})
}

// credentialsError marks the errors of the AWS chain, which have no type of their own.
type credentialsError struct{ error }

func (e *credentialsError) Unwrap() error { return e.error }

// bearer tells what a broker says against a token. RFC 7628: it answers with a JSON object instead of nothing.
type bearer struct{ sasl.Mechanism }

func (b bearer) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	session, first, err := b.Mechanism.Authenticate(ctx, host)
	return bearerSession{session}, first, err
}

type bearerSession struct{ sasl.Session }

func (b bearerSession) Challenge(answer []byte) (bool, []byte, error) {
	if len(answer) > 0 {
		return false, nil, fmt.Errorf("%w: %.200s", errToken, answer)
	}
	return b.Session.Challenge(answer)
}

var errToken = errors.New("the token is refused")
