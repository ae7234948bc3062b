package security

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/archive/awscreds"
)

// Refused says why client and broker did not come together, and the next step.
type Refused struct {
	What  string
	Next  string
	Guess bool // it only closed the connection: a broker that is starting up may look the same
	Err   error
}

func (e *Refused) Error() string {
	if e.Guess || e.Err == nil { // the client guesses too, at length
		return e.What + "\n" + e.Next
	}
	return e.What + ": " + e.Err.Error() + "\n" + e.Next
}

func (e *Refused) Unwrap() error { return e.Err }

// Recognise returns err, which a client with these options met, as a *Refused if it is about encryption or login, and else
// as it is.
func (s *Security) Recognise(err error) error {
	if s == nil {
		s = &Security{}
	}
	var refused *Refused
	if err == nil || errors.As(err, &refused) || errors.As(err, new(*OptionError)) {
		return err
	}
	for _, explain := range []func(error) *Refused{s.login, s.certificate, s.alert, s.protocol} {
		if r := explain(err); r != nil {
			r.Err = err
			return r
		}
	}
	return err
}

// Explain is Recognise that also asks the brokers, until ctx ends, for what they know instead.
func (s *Security) Explain(ctx context.Context, brokers []string, err error) error {
	err = s.Recognise(err)
	var refused *Refused
	if !errors.As(err, &refused) || !errors.Is(err, kerr.UnsupportedSaslMechanism) {
		return err
	}
	if enabled := s.enabledMechanisms(ctx, brokers); len(enabled) > 0 {
		names := strings.ToLower(strings.ReplaceAll(strings.Join(enabled, ", "), "_", "-"))
		refused.Next = "Set kafka.sasl.mechanism to one that it knows: " + names + "."
	}
	return refused
}

// login explains what brokers answer to a login.
func (s *Security) login(err error) *Refused {
	name := s.options.SASL.kafkaName()
	switch {
	case errors.Is(err, errToken), errors.Is(err, kerr.SaslAuthenticationFailed):
		return &Refused{What: "the broker refuses " + s.who(), Next: s.checkLogin()}
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return &Refused{What: "the broker does not know " + name + " at this address", Next: "Set kafka.sasl.mechanism to one that it knows."}
	case errors.Is(err, kerr.IllegalSaslState):
		return &Refused{What: "the broker takes no login at this address", Next: "Use the address of a listener with SASL, or leave kafka.sasl out."}
	case errors.As(err, new(*credentialsError)):
		return &Refused{What: "no usable AWS credentials for the brokers", Next: s.otherCredentials(err)}
	}
	return nil
}

func (s *Security) who() string {
	switch o := s.options.SASL; o.Mechanism {
	case OAuthBearer:
		return "the token" + s.expiry()
	case AWSMSKIAM:
		return "the AWS credentials"
	default:
		return "user " + o.Username + " by " + o.kafkaName()
	}
}

// checkLogin says what to look at when a login does not succeed.
func (s *Security) checkLogin() string {
	switch o := s.options.SASL; o.Mechanism {
	case OAuthBearer:
		return fmt.Sprintf("Put a valid token into %v; it is read at each login.", o.Token)
	case AWSMSKIAM:
		return "They need kafka-cluster:Connect on the cluster. Choose others with kafka.sasl.profile or AWS_PROFILE, and check this machine's clock."
	default:
		return fmt.Sprintf("Check kafka.sasl.username, the password in %v, and that the user has one for %s.", o.Password, o.kafkaName())
	}
}

// otherCredentials is the next step when err is that there are none.
func (s *Security) otherCredentials(err error) string {
	if errors.As(err, new(*awscreds.ProcessError)) || errors.As(err, new(*awscreds.LateError)) {
		return "Run the profile's credential_process by hand to see what it prints or waits for, or name another profile in kafka.sasl.profile or AWS_PROFILE."
	}
	return s.signIn()
}

func (s *Security) signIn() string {
	if p := s.options.SASL.Profile; p != "" {
		return "Sign in again: aws sso login --profile " + p
	}
	return "Name a profile in kafka.sasl.profile or AWS_PROFILE, or sign in again: aws sso login --profile NAME"
}

// enabledMechanisms asks the brokers; nil when they do not tell. A handshake is answered before any login.
func (s *Security) enabledMechanisms(ctx context.Context, brokers []string) []string {
	client, err := kgo.NewClient(append(s.encrypted(), kgo.SeedBrokers(brokers...))...)
	if err != nil {
		return nil
	}
	defer client.Close()
	for _, broker := range client.SeedBrokers() {
		req := kmsg.NewPtrSASLHandshakeRequest()
		req.Mechanism = s.options.SASL.kafkaName()
		if answer, err := broker.Request(ctx, req); err == nil {
			return answer.(*kmsg.SASLHandshakeResponse).SupportedMechanisms
		}
	}
	return nil
}

// certificate explains why the broker's certificate is not believed.
func (s *Security) certificate(err error) *Refused {
	var (
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		other   *tls.CertificateVerificationError
	)
	authorities := "the system's authorities"
	if f := s.options.TLS.CAFile; f != "" {
		authorities = "the authorities in " + f
	}
	switch {
	case errors.As(err, &name):
		return &Refused{
			What: fmt.Sprintf("the broker's certificate is not for %s", name.Host),
			Next: "Use a name that stands in it: in --brokers, or, when only the first contact worked, in the advertised.listeners of the broker.",
		}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return &Refused{
			What: "the broker's certificate is not valid today",
			Next: "Have it renewed, and check this machine's clock.",
		}
	case errors.As(err, &other):
		return &Refused{
			What: "the broker's certificate is not signed by " + authorities,
			Next: "Name the file of its authority in " + optionCA + ".",
		}
	}
	return nil
}

// alert explains what the broker has against our side of the handshake. The alerts of crypto/tls have no exported type.
func (s *Security) alert(err error) *Refused {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return nil
	}
	switch t := s.options.TLS; {
	case strings.Contains(op.Err.Error(), "certificate") && t.CertFile == "":
		return &Refused{
			What: "the broker wants a client's certificate",
			Next: "Set " + optionCert + " and " + optionKey + ", or use the address of a listener that wants none.",
		}
	case strings.Contains(op.Err.Error(), "certificate"):
		return &Refused{
			What: "the broker does not believe the client's certificate in " + t.CertFile,
			Next: "Have it signed by an authority that the brokers trust, and check that it has not expired: openssl x509 -noout -dates -issuer -in " + t.CertFile,
		}
	}
	return &Refused{What: "the broker ends the TLS handshake", Next: "Check that it speaks TLS 1.2 or 1.3 at this address."}
}

// protocol explains two sides of which only one speaks TLS, or expects a login.
func (s *Security) protocol(err error) *Refused {
	var (
		eof     *kgo.ErrFirstReadEOF
		typed   = errors.As(err, &eof)
		login   = typed && strings.Contains(eof.Error(), "SASL") // the client tells its kinds apart by text only
		ended   = typed || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		alerted = strings.Contains(err.Error(), "tls endpoint") // an alert of TLS where an answer of Kafka should be
	)
	switch on := s.options.TLS.On; {
	case on && errors.As(err, new(tls.RecordHeaderError)):
		return &Refused{What: "the broker does not speak TLS at this address", Next: plainAddress}
	case on && typed && !login:
		return &Refused{What: "the broker ends the connection in the TLS handshake", Next: "Probably it does not speak TLS there. " + plainAddress, Guess: true}
	case !on && (alerted || typed && !login):
		return &Refused{
			What: "the broker does not understand plaintext at this address", Guess: !alerted,
			Next: "It speaks TLS there, or is not up yet. Set kafka.tls.enabled: true, and " + optionCA + " when its authority is your own.",
		}
	case ended && s.mechanism != nil: // as brokers did before Kafka 1.0, and proxies before them do
		return &Refused{What: "the broker ends the connection at the login", Next: s.checkLogin(), Guess: true}
	case ended:
		return &Refused{
			What: "the broker ends the connection at the first request", Guess: true,
			Next: "Probably it wants a login: set kafka.sasl.mechanism, username and password_file.",
		}
	}
	return nil
}

const plainAddress = "Use the address of a listener with TLS, or leave kafka.tls out."
