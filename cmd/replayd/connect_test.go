package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"replayd/config"
	"replayd/replay/kafka/security"
)

func TestAFileOfTheLoginThatDoesNotServeIsABadConfiguration(t *testing.T) {
	t.Parallel()
	for key, c := range map[string]struct{ at, text string }{
		"kafka.sasl.password_file": {":2:", "kafka:\n  sasl: {mechanism: plain, username: u, password_file: ./absent}\n"},
		"kafka.sasl.token_file":    {":2:", "kafka:\n  sasl: {mechanism: oauthbearer, token_file: ./absent}\n"},
		"kafka.tls.ca_file":        {":3:", "kafka:\n  tls:\n    ca_file: ./absent\n"},
		"kafka.tls.cert_file":      {":3:", "kafka:\n  tls:\n    cert_file: ./absent\n    key_file: ./absent\n"},
	} {
		b := nowhere(t)
		path := filepath.Join(b.folder, "replayd.yaml")
		b.put("replayd.yaml", []byte(c.text))
		for _, command := range []string{"run", "plan"} {
			b.replayd(append([]string{command, "--topic", "x", "--config", path}, b.what()...)...).
				want(exitBadConfig, path+c.at, key+": open ./absent")
		}
	}
}

func TestABrokerIsReachedByTheLoginOfTheConfiguration(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		b := newBench(t, kfake.EnableSASL(), kfake.Superuser(strings.ToUpper(mechanism), "user", "hunter2"))
		b.put("o", []byte(event("a", 1)))
		secret := filepath.Join(t.TempDir(), "secret")
		b.configured = filepath.Join(t.TempDir(), "replayd.yaml")
		text := "kafka:\n  sasl: {mechanism: " + mechanism + ", username: user, password_file: " + secret + "}\n"
		for path, text := range map[string]string{secret: "hunter3\n", b.configured: text} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		b.run(b.what("--topic", "x", "--create-topic")...).want(exitFailed, "at the login", strings.ToUpper(mechanism), secret) // this broker only ends the connection
		if err := os.WriteFile(secret, []byte("hunter2\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		r := b.run(b.what("--topic", "x", "--create-topic")...).want(exitOK)
		if warned := strings.Contains(r.err.String(), "can be read on the network"); warned != (mechanism == "plain") {
			t.Errorf("%s without TLS: warned is %v:\n%s", mechanism, warned, r.err.String())
		}
		r = b.replayd("config", "show", "--config", b.configured).want(exitOK)
		if strings.Contains(r.out.String(), "hunter") || !strings.Contains(r.out.String(), secret) {
			t.Errorf("config show:\n%s", r.out.String())
		}
	}
}

func TestEveryMechanismOfTheConfigurationIsOneThatConnectionsKnow(t *testing.T) {
	t.Parallel()
	secret := security.SecretText(security.OptionPassword, "p")
	for _, name := range config.Mechanisms {
		o := security.Options{SASL: security.SASL{Mechanism: name, Username: "u", Password: secret, Token: secret}}
		if _, err := security.New(t.Context(), o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
