package integration

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"replayd/integration/harness"
	"replayd/replay/kafka"
)

// TestRefusedConnectionsNameTheNextStep meets the brokers in every wrong way. What is secret is in none of the words, those
// of the client's own log included.
func TestRefusedConnectionsNameTheNextStep(t *testing.T) {
	t.Parallel()
	k := harness.StartKafka(t, harness.KafkaOptions{Secure: true})
	s := k.Secure()
	k.AddUser("known", "right-secret")
	stranger, err := harness.NewAuthority("stranger")
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile := stranger.Files(t, "nobody")
	files := t.TempDir()
	strangerCA, badToken, oldToken := filepath.Join(files, "ca.pem"), filepath.Join(files, "bad"), filepath.Join(files, "old")
	write(t, strangerCA, string(stranger.PEM()))
	write(t, badToken, "secret-token")
	write(t, oldToken, unsigned("known", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
	trusting, login := "tls: {ca_file: "+s.CAFile+"}", "sasl: {mechanism: scram-sha-512, username: known, password: right-secret}"
	const noTLS = "does not speak TLS"
	for name, c := range map[string]struct {
		brokers string
		lines   []string
		words   []string
	}{
		"plaintext to TLS":                  {s.SASL, nil, []string{"does not understand plaintext", "kafka.tls.enabled: true", "kafka.tls.ca_file"}},
		"plaintext with a login to TLS":     {s.SASL, []string{login}, []string{"does not understand plaintext", "kafka.tls.enabled: true"}},
		"TLS to plaintext":                  {k.Addr(), []string{trusting}, []string{noTLS, "leave kafka.tls out"}},
		"TLS with a login to plaintext":     {k.Addr(), []string{trusting, login}, []string{noTLS, "leave kafka.tls out"}},
		"a login where there is none":       {k.Addr(), []string{login}, []string{"takes no login", "leave kafka.sasl out"}},
		"no login where there is one":       {s.SASL, []string{trusting}, []string{"wants a login", "kafka.sasl.mechanism"}},
		"the system's authorities":          {s.SASL, []string{"tls: {enabled: true}", login}, []string{"not signed by the system's", "kafka.tls.ca_file"}},
		"another authority":                 {s.SASL, []string{"tls: {ca_file: " + strangerCA + "}", login}, []string{"not signed by the authorities in " + strangerCA}},
		"a name that the certificate lacks": {strings.Replace(s.SASL, "127.0.0.1", "localhost", 1), []string{trusting, login}, []string{"certificate is not for localhost", "--brokers"}},
		"no client's certificate":           {s.MTLS, []string{trusting}, []string{"wants a client's certificate", "kafka.tls.cert_file"}},
		"a stranger's certificate":          {s.MTLS, []string{fmt.Sprintf("tls: {ca_file: %s, cert_file: %s, key_file: %s}", s.CAFile, certFile, keyFile)}, []string{"does not believe", certFile}},
		"a wrong password":                  {s.SASL, []string{trusting, "sasl: {mechanism: scram-sha-512, username: known, password: wrong-secret}"}, []string{"refuses user known by SCRAM-SHA-512", "kafka.sasl.password,"}},
		"an unknown user":                   {s.SASL, []string{trusting, "sasl: {mechanism: scram-sha-256, username: unknown, password_file: " + badToken + "}"}, []string{"refuses user unknown by SCRAM-SHA-256", badToken}},
		"a wrong password by PLAIN":         {s.SASL, []string{trusting, "sasl: {mechanism: plain, username: known, password: wrong-secret}"}, []string{"refuses user known by PLAIN"}},
		"a mechanism that is not enabled":   {s.SASL, []string{trusting, "sasl: {mechanism: aws-msk-iam}"}, []string{"does not know AWS_MSK_IAM", "scram-sha-512", "oauthbearer"}},
		"what is no token":                  {s.SASL, []string{trusting, "sasl: {mechanism: oauthbearer, token_file: " + badToken + "}"}, []string{"refuses the token", badToken}},
		"a token of yesterday":              {s.SASL, []string{trusting, "sasl: {mechanism: oauthbearer, token_file: " + oldToken + "}"}, []string{"expired at 2026-01-02T03:04:05Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			st := newSecured(t, k, c.brokers, c.lines...)
			st.env = []string{"AWS_ACCESS_KEY_ID=secret-id", "AWS_SECRET_ACCESS_KEY=secret-key"}
			ses := st.run(t, "--topic", "any", "-vv").ended(t, 1, c.words...)
			token, err := os.ReadFile(oldToken)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"right-secret", "wrong-secret", "secret-token", "secret-key", string(token)} {
				if strings.Contains(ses.err.String()+ses.out.String(), secret) {
					t.Errorf("%q is in what it says:\n%s", secret, ses.err.String())
				}
			}
		})
	}
	t.Run("waiting for the broker does not wait for a right password", func(t *testing.T) {
		newSecured(t, k, s.SASL, trusting, "sasl: {mechanism: plain, username: known, password: wrong-secret}").
			run(t, "--topic", "any", "--wait-broker", "1h").ended(t, 1, "refuses user known by PLAIN")
	})
}

// unsigned is a JSON Web Token without a signature, which Kafka takes in tests.
func unsigned(subject string, expires time.Time) string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return part(`{"alg":"none"}`) + "." +
		part(fmt.Sprintf(`{"sub":%q,"iat":%d,"exp":%d}`, subject, expires.Add(-time.Hour).Unix(), expires.Unix())) + "."
}

// TestEveryLoginReplaysAsItsUser replays by each way of being known. The rights are granted to the one user that the
// broker must take the client for.
func TestEveryLoginReplaysAsItsUser(t *testing.T) {
	t.Parallel()
	k := harness.StartKafka(t, harness.KafkaOptions{Secure: true})
	s := k.Secure()
	k.AddUser("scram-user", "scram-password")
	certFile, keyFile := s.Certificate(t, "certified")
	password, token := filepath.Join(t.TempDir(), "password"), filepath.Join(t.TempDir(), "token")
	write(t, password, harness.PlainPassword+"\n")
	write(t, token, unsigned("token-user", time.Now().Add(time.Hour))+"\n")
	newSecured(t, k, k.Addr()).run(t, "--topic", "first", "--create-topic").ended(t, 0) // the administrator's: makes the control topics
	trusting := "tls: {ca_file: " + s.CAFile + "}"
	for name, c := range map[string]struct {
		user, brokers string
		lines         []string
	}{
		"SCRAM-SHA-256": {"scram-user", s.SASL, []string{trusting, "sasl: {mechanism: scram-sha-256, username: scram-user, password: scram-password}"}},
		"SCRAM-SHA-512": {"scram-user", s.SASL, []string{trusting, "sasl: {mechanism: scram-sha-512, username: scram-user, password: scram-password}"}},
		"PLAIN":         {harness.PlainUser, s.SASL, []string{trusting, "sasl: {mechanism: plain, username: " + harness.PlainUser + ", password_file: " + password + "}"}},
		"OAUTHBEARER":   {"token-user", s.SASL, []string{trusting, "sasl: {mechanism: oauthbearer, token_file: " + token + "}"}},
		"a certificate": {"certified", s.MTLS, []string{fmt.Sprintf("tls: {ca_file: %s, cert_file: %s, key_file: %s}", s.CAFile, certFile, keyFile)}},
	} {
		t.Run(name, func(t *testing.T) {
			topic := "replay." + strings.ReplaceAll(strings.ToLower(name), " ", "-")
			createTopic(t, k, topic)
			st := newSecured(t, k, c.brokers, c.lines...)
			st.run(t, "--topic", topic).ended(t, 4, "rights: the cluster does not allow User:", "kafka-acls.sh")
			rights := kafka.Rights("replayd", topic)
			grant(k, c.user, rights)
			st.run(t, "--topic", topic).ended(t, 0)
			for _, r := range rights {
				k.Revoke(acl(c.user, r))
			}
		})
	}
}

// TestPasswordChangedInTheMiddle replays an archive with the least rights while the password is changed: at the brokers
// first, and in the file only when a login was refused. Brokers come to refuse one in two ways: because connections were
// dropped, or because they ask for a new login on those that are open.
func TestPasswordChangedInTheMiddle(t *testing.T) {
	t.Parallel()
	t.Run("connections are dropped", func(t *testing.T) {
		t.Parallel()
		k := harness.StartKafka(t, harness.KafkaOptions{Secure: true, Control: true})
		changePassword(t, k, func() { k.Restart(0) })
	})
	t.Run("brokers ask again", func(t *testing.T) {
		t.Parallel()
		k := harness.StartKafka(t, harness.KafkaOptions{Secure: true, Settings: map[string]string{"connections.max.reauth.ms": "2000"}})
		changePassword(t, k, func() {})
	})
}

func changePassword(t *testing.T, k *harness.Kafka, drop func()) {
	t.Helper()
	newSecured(t, k, k.Addr()).run(t, "--topic", "first", "--create-topic").ended(t, 0) // the administrator's: makes the control topics
	st := newStage(t, k, nil, smallPlan())
	createTopic(t, k, st.topic)
	setPartitions(t, k, st.topic, int(st.parts))
	k.AddUser("replayer", "old-password")
	grant(k, "replayer", kafka.Rights("replayd", st.topic))
	password := filepath.Join(t.TempDir(), "password")
	write(t, password, "old-password")
	st.over(t, k.Secure().SASL, fmt.Sprintf("tls: {ca_file: %s}, sasl: {mechanism: scram-sha-512, username: replayer, password_file: %s}", k.Secure().CAFile, password))

	s := st.start(t, st.first("--pace", "500/s")...)
	await(t, "it to produce", func() bool { return s.produced() > 0 })
	k.AddUser("replayer", "new-password")
	drop()
	await(t, "a login to be refused", func() bool { return strings.Contains(s.err.String(), "refuses user replayer") })
	write(t, password, "new-password")
	if r := st.complete(t, s); r.Sessions != 1 {
		t.Errorf("%d sessions", r.Sessions)
	}
}
