package harness

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Secure is what a cluster adds when KafkaOptions.Secure asks for it: two listeners whose clients are known, and the
// authorizer, which grants them nothing until a test does (Kafka.Grant).
//
// The plaintext listener stays. Who comes through it is the harness's own administrator, and may do everything: so the
// rest of the harness, Kafka.Client included, works as ever.
type Secure struct {
	SASL   string // bootstrap servers of the listener with TLS and a login: PLAIN, SCRAM and OAUTHBEARER
	MTLS   string // of the one with TLS that asks for a client's certificate; its CN is the user
	CAFile string // of the authority that signed the brokers' certificate

	dir       string
	authority *Authority
	server    string // PEM: key and certificate of the brokers
}

// The users that the broker knows by itself. Others are added by Kafka.AddUser, for SCRAM, or are what a token or a
// certificate says.
const (
	PlainUser     = "plain-user"
	PlainPassword = "plain-password"
)

// newSecure makes certificates in dir and gives the nodes two more addresses.
func newSecure(dir string, nodes []node) (*Secure, error) {
	authority, err := NewAuthority("test authority")
	if err != nil {
		return nil, err
	}
	s := &Secure{
		dir: dir, authority: authority,
		CAFile: filepath.Join(dir, "ca.pem"), server: filepath.Join(dir, "server.pem"),
	}
	if err := writePEM(s.CAFile, authority.PEM()); err != nil {
		return nil, err
	}
	key, certificate, err := authority.issue("kafka", "127.0.0.1") // which no other name of this machine is: a client that says localhost is refused
	if err != nil {
		return nil, err
	}
	if err := writePEM(s.server, append(key, certificate...)); err != nil {
		return nil, err
	}
	var sasl, mtls []string
	for i := range nodes {
		for _, to := range []*string{&nodes[i].sasl, &nodes[i].mtls} {
			port, err := freePort()
			if err != nil {
				return nil, err
			}
			*to = fmt.Sprintf("127.0.0.1:%d", port)
		}
		sasl, mtls = append(sasl, nodes[i].sasl), append(mtls, nodes[i].mtls)
	}
	s.SASL, s.MTLS = strings.Join(sasl, ","), strings.Join(mtls, ",")
	return s, nil
}

// configure adds the listeners of node n to its settings. A nil Secure adds nothing.
func (s *Secure) configure(settings map[string]string, n node) {
	if s == nil {
		return
	}
	for _, key := range []string{"listeners", "advertised.listeners"} {
		settings[key] += fmt.Sprintf(",SASL://%s,MTLS://%s", n.sasl, n.mtls)
	}
	settings["listener.security.protocol.map"] += ",SASL:SASL_SSL,MTLS:SSL"
	settings["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
	settings["super.users"] = "User:ANONYMOUS" // who comes through a plaintext listener
	settings["ssl.keystore.type"], settings["ssl.keystore.location"] = "PEM", s.server
	settings["ssl.truststore.type"], settings["ssl.truststore.location"] = "PEM", s.CAFile
	settings["listener.name.mtls.ssl.client.auth"] = "required"
	settings["listener.name.mtls.ssl.principal.mapping.rules"] = "RULE:^CN=([^,]+).*$/$1/"
	settings["listener.name.sasl.sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER"
	const modules = "org.apache.kafka.common.security."
	for mechanism, login := range map[string]string{
		"plain":         fmt.Sprintf(`plain.PlainLoginModule required user_%s="%s"`, PlainUser, PlainPassword),
		"scram-sha-256": "scram.ScramLoginModule required",
		"scram-sha-512": "scram.ScramLoginModule required",
		// Tokens without a signature, which Kafka has for tests: the subject is the user.
		"oauthbearer": "oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\"",
	} {
		settings["listener.name.sasl."+mechanism+".sasl.jaas.config"] = modules + login + ";"
	}
}

// Secure is what KafkaOptions.Secure asked for.
func (k *Kafka) Secure() *Secure { return k.secure }

// Certificate returns the files of a new key and certificate, signed by the authority that the brokers trust, of the
// user that name says.
func (s *Secure) Certificate(tb testing.TB, name string) (certFile, keyFile string) {
	tb.Helper()
	return s.authority.Files(tb, name)
}

// AddUser adds a user for both kinds of SCRAM, or changes its password. It returns when every broker knows.
func (k *Kafka) AddUser(user, password string) {
	k.tb.Helper()
	for _, mechanism := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} { // one a request: Kafka refuses both
		k.administer("add user "+user, func(ctx context.Context, admin *kadm.Client) error {
			altered, err := admin.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{
				{User: user, Mechanism: mechanism, Iterations: 4096, Password: password},
			})
			return cmp.Or(err, altered.Error())
		})
	}
	auth := scram.Auth{User: user, Pass: password}
	k.await("user "+user, func(ctx context.Context) error {
		return cmp.Or(k.secure.logIn(ctx, auth.AsSha256Mechanism()), k.secure.logIn(ctx, auth.AsSha512Mechanism()))
	})
}

// logIn tries a login at every broker.
func (s *Secure) logIn(ctx context.Context, m sasl.Mechanism) error {
	for addr := range strings.SplitSeq(s.SASL, ",") {
		client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DialTLSConfig(&tls.Config{RootCAs: s.Trusted()}), kgo.SASL(m))
		if err != nil {
			return err
		}
		err = client.Ping(ctx)
		client.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// Trusted holds the authority that signed the brokers' certificate.
func (s *Secure) Trusted() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.authority.certificate)
	return pool
}

// Grant adds rights to those of their users. It returns when every broker knows.
func (k *Kafka) Grant(rights *kadm.ACLBuilder) {
	k.tb.Helper()
	k.administer("grant", func(ctx context.Context, admin *kadm.Client) error {
		created, err := admin.CreateACLs(ctx, rights)
		for _, c := range created {
			err = cmp.Or(err, c.Err)
		}
		return err
	})
	k.awaitRights(rights, true)
}

// Revoke takes all rights away that rights describe. It returns when every broker knows.
func (k *Kafka) Revoke(rights *kadm.ACLBuilder) {
	k.tb.Helper()
	k.administer("revoke", func(ctx context.Context, admin *kadm.Client) error {
		deleted, err := admin.DeleteACLs(ctx, rights)
		for _, d := range deleted {
			err = cmp.Or(err, d.Err)
		}
		return err
	})
	k.awaitRights(rights, false)
}

// awaitRights returns when every broker has all of the rights, or none: brokers learn of them after the controller.
func (k *Kafka) awaitRights(rights *kadm.ACLBuilder, granted bool) {
	k.tb.Helper()
	k.await("rights", func(ctx context.Context) error {
		return k.eachUp(ctx, func(ctx context.Context, admin *kadm.Client) error {
			described, err := admin.DescribeACLs(ctx, rights)
			for _, d := range described {
				err = cmp.Or(err, d.Err)
				if has := len(d.Described) > 0; err == nil && has != granted {
					err = fmt.Errorf("%v of %v: granted is %v", d.Operation, d.Type, has)
				}
			}
			return err
		})
	})
}

func (k *Kafka) await(what string, try func(context.Context) error) {
	k.tb.Helper()
	if err := waitFor(what, startLimit, k.exited, try); err != nil {
		k.tb.Fatal(err)
	}
}

func (k *Kafka) administer(what string, do func(context.Context, *kadm.Client) error) {
	k.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	if err := do(ctx, kadm.NewClient(k.Client(k.tb))); err != nil {
		k.tb.Fatalf("%s: %v", what, err)
	}
}
