package security

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"

	"replayd/integration/harness"
)

func put(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	change(t, path, text)
	return path
}

func change(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func authority(t *testing.T) *harness.Authority {
	t.Helper()
	a, err := harness.NewAuthority("authority of the test")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestFilesThatDoNotServeAreToldByTheirOption(t *testing.T) {
	a := authority(t)
	certFile, keyFile := a.Files(t, "client")
	_, otherKey := a.Files(t, "another")
	junk, empty, locked := put(t, "junk"), put(t, "\n"), put(t, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
	missing := filepath.Join(t.TempDir(), "missing")
	for name, c := range map[string]struct {
		o            Options
		option, word string
	}{
		"no authorities":           {Options{TLS: TLS{On: true, CAFile: missing}}, "kafka.tls.ca_file", missing},
		"a Java keystore":          {Options{TLS: TLS{On: true, CAFile: junk}}, "kafka.tls.ca_file", "PEM"},
		"no certificate":           {Options{TLS: TLS{On: true, CertFile: missing, KeyFile: keyFile}}, "kafka.tls.cert_file", missing},
		"no key":                   {Options{TLS: TLS{On: true, CertFile: certFile, KeyFile: missing}}, "kafka.tls.key_file", missing},
		"a key with a passphrase":  {Options{TLS: TLS{On: true, CertFile: certFile, KeyFile: locked}}, "kafka.tls.key_file", "passphrase"},
		"the key of somebody else": {Options{TLS: TLS{On: true, CertFile: certFile, KeyFile: otherKey}}, "kafka.tls.cert_file", otherKey},
		"no password":              {Options{SASL: SASL{Mechanism: SCRAM512, Username: "u", Password: SecretFile(OptionPasswordFile, missing)}}, "kafka.sasl.password_file", missing},
		"an empty password":        {Options{SASL: SASL{Mechanism: Plain, Username: "u", Password: SecretFile(OptionPasswordFile, empty)}}, "kafka.sasl.password_file", "empty"},
		"no token":                 {Options{SASL: SASL{Mechanism: OAuthBearer, Token: SecretFile(OptionTokenFile, missing)}}, "kafka.sasl.token_file", missing},
		"another mechanism":        {Options{SASL: SASL{Mechanism: "gssapi"}}, "kafka.sasl.mechanism", "gssapi"},
	} {
		_, err := New(t.Context(), c.o)
		var bad *OptionError
		if !errors.As(err, &bad) || bad.Option != c.option || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(t.Context(), Options{TLS: TLS{On: true, CAFile: certFile, CertFile: certFile, KeyFile: keyFile}}); err != nil {
		t.Errorf("files that serve: %v", err)
	}
}

func TestNoWayOfPrintingShowsASecret(t *testing.T) {
	path := put(t, "hunter2\n")
	for _, s := range []Secret{SecretText(OptionPassword, "hunter2"), SecretFile(OptionPasswordFile, path)} {
		o := Options{SASL: SASL{Mechanism: Plain, Username: "u", Password: s, Token: s}}
		security, err := New(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, told := range []string{
			fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q %x", s, o, o, &s, s, s), fmt.Sprintf("%+v %#v", o.SASL, &o), string(text),
			fmt.Sprint(security.Recognise(kerr.SaslAuthenticationFailed)),
		} {
			if strings.Contains(told, "hunter2") || strings.Contains(told, fmt.Sprintf("%x", "hunter2")) {
				t.Errorf("shown in %s", told)
			}
		}
		if read, err := s.read(); read != "hunter2" || err != nil {
			t.Errorf("read %q, %v", read, err)
		}
	}
}

// first is what a mechanism sends first.
func first(t *testing.T, m sasl.Mechanism) (sasl.Session, string) {
	t.Helper()
	session, text, err := m.Authenticate(t.Context(), "b-1.cluster.kafka.sa-east-1.amazonaws.com:9098")
	if err != nil {
		t.Fatal(err)
	}
	return session, string(text)
}

func load(t *testing.T, s SASL) sasl.Mechanism {
	t.Helper()
	m, err := s.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSecretFilesAreReadAtEachLogin(t *testing.T) {
	path := put(t, "first\n")
	plain := load(t, SASL{Mechanism: Plain, Username: "u", Password: SecretFile(OptionPasswordFile, path)})
	bearer := load(t, SASL{Mechanism: OAuthBearer, Token: SecretFile(OptionTokenFile, path)})
	for _, secret := range []string{"first", "second"} {
		change(t, path, secret+"\r\n")
		if _, said := first(t, plain); said != "\x00u\x00"+secret {
			t.Errorf("PLAIN says %q", said)
		}
		if _, said := first(t, bearer); said != "n,,\x01auth=Bearer "+secret+"\x01\x01" {
			t.Errorf("OAUTHBEARER says %q", said)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, _, err := plain.Authenticate(t.Context(), "b:1"); !errors.As(err, new(*OptionError)) {
		t.Errorf("without its file: %v", err)
	}
}

func TestMechanismsHaveTheNamesOfKafka(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "key")
	secret := SecretText(OptionPassword, "p")
	for name, want := range map[string]string{
		Plain: "PLAIN", SCRAM256: "SCRAM-SHA-256", SCRAM512: "SCRAM-SHA-512", OAuthBearer: "OAUTHBEARER", AWSMSKIAM: "AWS_MSK_IAM",
	} {
		s := SASL{Mechanism: name, Username: "u", Password: secret, Token: secret}
		if got := load(t, s).Name(); got != want || s.kafkaName() != want {
			t.Errorf("%s is %s, told as %s", name, got, s.kafkaName())
		}
	}
}

// TestTokenThatIsRefusedIsToldInTheBrokersWords: RFC 7628 answers a bad token with a JSON object.
func TestTokenThatIsRefusedIsToldInTheBrokersWords(t *testing.T) {
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"exp":1767322800}`))
	s, err := New(t.Context(), Options{SASL: SASL{Mechanism: OAuthBearer, Token: SecretText(OptionTokenFile, "e30."+claims+".secret-part")}})
	if err != nil {
		t.Fatal(err)
	}
	session, _ := first(t, s.mechanism)
	_, _, err = session.Challenge([]byte(`{"status":"invalid_token"}`))
	told := s.Recognise(err).Error()
	for _, word := range []string{"invalid_token", "expired at 2026-01-02T03:00:00Z", OptionTokenFile} {
		if !strings.Contains(told, word) {
			t.Errorf("does not say %q: %s", word, told)
		}
	}
	if strings.Contains(told, "secret-part") {
		t.Errorf("shows the token: %s", told)
	}
	if done, _, err := session.Challenge(nil); !done || err != nil {
		t.Errorf("a token that is taken: %v, %v", done, err)
	}
}

func TestLoginsOfAWSAreSignedWithTheCredentialsOfTheMoment(t *testing.T) {
	key := "AKIDFIRST"
	m := signed(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: key, SecretAccessKey: "secret", SessionToken: "session"}, nil
	}))
	for _, key = range []string{"AKIDFIRST", "AKIDSECOND"} {
		_, text := first(t, m)
		said := map[string]string{}
		if err := json.Unmarshal([]byte(text), &said); err != nil {
			t.Fatal(err)
		}
		scope := "/" + time.Now().UTC().Format("20060102") + "/sa-east-1/kafka-cluster/aws4_request"
		if said["x-amz-credential"] != key+scope || said["x-amz-security-token"] != "session" || said["action"] != "kafka-cluster:Connect" {
			t.Errorf("said %v", said)
		}
		if strings.Contains(text, "secret") {
			t.Error("the secret key is sent")
		}
	}
}

func TestCredentialsThatCannotBeHadNameTheCure(t *testing.T) {
	m := signed(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("the SSO session has expired")
	}))
	_, _, err := m.Authenticate(t.Context(), "b:1")
	s := &Security{options: Options{SASL: SASL{Mechanism: AWSMSKIAM, Profile: "prod"}}}
	if told := s.Recognise(err).Error(); !strings.Contains(told, "SSO session has expired") || !strings.Contains(told, "aws sso login --profile prod") {
		t.Error(told)
	}
}

func TestProfileThatIsNotThereIsTold(t *testing.T) {
	t.Setenv("AWS_CONFIG_FILE", put(t, "[profile other]\n"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", put(t, ""))
	_, err := New(t.Context(), Options{SASL: SASL{Mechanism: AWSMSKIAM, Profile: "absent"}})
	var bad *OptionError
	if !errors.As(err, &bad) || bad.Option != "kafka.sasl.profile" || !strings.Contains(err.Error(), "absent") {
		t.Error(err)
	}
}

// TestCertificatesAreReadForEachConnection changes the broker's authority, and the files of the client after it.
func TestCertificatesAreReadForEachConnection(t *testing.T) {
	old, renewed := authority(t), authority(t)
	var broker *harness.Authority
	serving := func() (*tls.Certificate, error) {
		certFile, keyFile := broker.Files(t, "broker", "127.0.0.1")
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		return &pair, err
	}
	broker = old
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.TLS(&tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return serving() },
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	ca := put(t, string(old.PEM()))
	s, err := New(t.Context(), Options{TLS: TLS{On: true, CAFile: ca}})
	if err != nil {
		t.Fatal(err)
	}
	ping := func() error {
		client, err := kgo.NewClient(append(s.Client(), kgo.SeedBrokers(cluster.ListenAddrs()...))...)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		return s.Recognise(client.Ping(t.Context()))
	}
	if err := ping(); err != nil {
		t.Fatal(err)
	}
	broker = renewed
	var refused *Refused
	if err := ping(); !errors.As(err, &refused) || !strings.Contains(err.Error(), ca) {
		t.Errorf("with the old authority: %v", err)
	}
	change(t, ca, string(renewed.PEM()))
	if err := ping(); err != nil {
		t.Errorf("with the new one: %v", err)
	}
}

func TestWhatIsNotAboutSecurityIsLeftAsItIs(t *testing.T) {
	down := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	for _, err := range []error{nil, down, context.DeadlineExceeded, kerr.TopicAuthorizationFailed, kerr.NotLeaderForPartition} {
		for _, s := range []*Security{nil, {options: Options{TLS: TLS{On: true}}}} {
			if got := s.Recognise(err); got != err {
				t.Errorf("%v became %v", err, got)
			}
		}
	}
}

func TestConnectionsThatOnlyEndAreGuessesAndAreToldAsSuch(t *testing.T) {
	for name, s := range map[string]*Security{"plaintext": nil, "TLS": {options: Options{TLS: TLS{On: true}}}} {
		var refused *Refused
		if !errors.As(s.Recognise(fmt.Errorf("read: %w", io.EOF)), &refused) || !refused.Guess {
			t.Errorf("%s: %+v", name, refused)
		}
	}
	var refused *Refused
	if s := (*Security)(nil); !errors.As(s.Recognise(errors.New("is this a plaintext connection speaking to a tls endpoint?")), &refused) || refused.Guess {
		t.Errorf("an alert of TLS is no guess: %+v", refused)
	}
}

func TestOnlySecretsThatTravelOpenlyAreWarnedOf(t *testing.T) {
	for name, open := range map[string]bool{Plain: true, OAuthBearer: true, SCRAM256: false, SCRAM512: false, "": false} {
		plaintext, encrypted := Options{SASL: SASL{Mechanism: name}}, Options{TLS: TLS{On: true}, SASL: SASL{Mechanism: name}}
		if (&Security{options: plaintext}).SendsSecretsOpenly() != open || (&Security{options: encrypted}).SendsSecretsOpenly() {
			t.Errorf("%q", name)
		}
	}
}
