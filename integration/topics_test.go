package integration

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"replayd/integration/harness"
)

// TestTheCommandsThatTopicsPrintsAreEnough runs them with Kafka's own tools on a cluster with an authorizer, and then
// replays as the user whom they grant rights.
func TestTheCommandsThatTopicsPrintsAreEnough(t *testing.T) {
	k, tools := harness.StartKafka(t, harness.KafkaOptions{Secure: true}), harness.KafkaTools(t, t.TempDir())
	for _, c := range []struct {
		user, topic string
		flags       []string // of topics
		run         []string // besides --topic
	}{
		{"creator", "replay.created", []string{"--may-create"}, []string{"--create-topic"}},
		{"guest", "replay.granted", []string{"--partitions", "3"}, nil},
	} {
		t.Run(c.user, func(t *testing.T) {
			k.AddUser(c.user, "secret")
			st := newSecured(t, k, k.Secure().SASL,
				"tls: {ca_file: "+k.Secure().CAFile+"}", "sasl: {mechanism: scram-sha-512, username: "+c.user+", password: secret}",
				"control_prefix: of."+c.user)
			config := st.flags[1]
			run := append([]string{"--topic", c.topic, "--allow", "overlap"}, c.run...)
			st.run(t, run...).ended(t, 1, "AUTHORIZATION_FAILED", "replayd topics prints the commands")
			printed := st.start(t, append([]string{
				"topics", "-c", config, "--brokers", k.Addr(), "-o", "text", "--topic", c.topic, "--user", "User:" + c.user,
			}, c.flags...)...).ended(t, 0).out.String()
			shell := exec.CommandContext(t.Context(), "sh", "-e", "-c", printed)
			shell.Env = append(os.Environ(), "PATH="+tools+string(os.PathListSeparator)+os.Getenv("PATH"))
			if out, err := shell.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s\n%s", err, out, printed)
			}
			await(t, "the rights to hold", func() bool {
				return st.run(t, run...).wait(t, time.Minute) == 0
			})
		})
	}
}
