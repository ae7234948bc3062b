package harness_test

import (
	"context"
	"crypto/tls"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"replayd/integration/harness"
)

// TestSecureBrokerKnowsItsClientsAndGrantsWhatItWasTold comes in by each way, as nobody who may do anything, and then as
// one who may.
func TestSecureBrokerKnowsItsClientsAndGrantsWhatItWasTold(t *testing.T) {
	t.Parallel()
	k := harness.StartKafka(t, harness.KafkaOptions{Secure: true})
	s := k.Secure()
	k.AddUser("scram-user", "scram-password")
	certFile, keyFile := s.Certificate(t, "certified")
	certificate, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	createTopic(t, k, "events")
	for user, opts := range map[string][]kgo.Opt{
		harness.PlainUser: overSASL(s, plain.Auth{User: harness.PlainUser, Pass: harness.PlainPassword}.AsMechanism()),
		"scram-user":      overSASL(s, scram.Auth{User: "scram-user", Pass: "scram-password"}.AsSha512Mechanism()),
		"certified": {
			kgo.SeedBrokers(s.MTLS),
			kgo.DialTLSConfig(&tls.Config{RootCAs: s.Trusted(), Certificates: []tls.Certificate{certificate}}),
		},
	} {
		t.Run(user, func(t *testing.T) {
			if err := write(t, k, opts); !errors.Is(err, kerr.TopicAuthorizationFailed) {
				t.Fatalf("without rights: %v", err)
			}
			rights := kadm.NewACLs().Allow("User:" + user).AllowHosts("*").Topics("events").Operations(kadm.OpWrite)
			k.Grant(rights)
			if err := write(t, k, opts); err != nil {
				t.Errorf("with the right to write: %v", err)
			}
			k.Revoke(rights)
			if err := write(t, k, opts); !errors.Is(err, kerr.TopicAuthorizationFailed) {
				t.Errorf("after its right was taken away: %v", err)
			}
		})
	}
	if err := write(t, k, nil); err != nil {
		t.Errorf("the harness's own: %v", err)
	}
	wrong := overSASL(s, plain.Auth{User: harness.PlainUser, Pass: "wrong"}.AsMechanism())
	if err := k.Client(t, wrong...).Ping(t.Context()); !errors.Is(err, kerr.SaslAuthenticationFailed) {
		t.Errorf("a wrong password: %v", err)
	}
}

func overSASL(s *harness.Secure, m sasl.Mechanism) []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(s.SASL), kgo.DialTLSConfig(&tls.Config{RootCAs: s.Trusted()}), kgo.SASL(m)}
}

// write produces a record; what the cluster refuses comes back.
func write(t *testing.T, k *harness.Kafka, opts []kgo.Opt) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return k.Client(t, opts...).ProduceSync(ctx, &kgo.Record{Topic: "events", Value: []byte("x")}).FirstErr()
}
