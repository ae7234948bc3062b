package harness

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestKafkasToolsRunAsTheirScripts(t *testing.T) {
	t.Parallel()
	k, folder := StartKafka(t, KafkaOptions{}), KafkaTools(t, t.TempDir())
	run := func(line string) (string, int) {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(line, "BROKERS", k.Addr()))
		cmd.Env = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"))
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	for _, c := range []struct {
		line string
		code int
		says string
	}{
		{"kafka-topics.sh --bootstrap-server BROKERS --create --topic a.b --config retention.ms=5", 0, "Created topic a.b."},
		{"kafka-topics.sh --bootstrap-server BROKERS --create --topic a.b", 1, "already exists"},
		{"kafka-configs.sh --bootstrap-server BROKERS --alter --entity-type topics --entity-name a.b --add-config 'retention.ms=7'", 0, "Completed updating"},
		{"kafka-configs.sh --bootstrap-server BROKERS --describe --entity-type topics --entity-name a.b", 0, "retention.ms=7"},
		{"kafka-consumer-groups.sh --bootstrap-server BROKERS --group g --topic a.b --reset-offsets --to-earliest --execute", 0, "NEW-OFFSET"},
		{"kafka-consumer-groups.sh --bootstrap-server BROKERS --no-such-option", 1, "no-such-option"},
		{"kafka-topics.sh --bootstrap-server BROKERS --delete --topic a.b", 0, ""},
	} {
		if out, code := run(c.line); code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%s\nexits %d, not %d, and prints %q, not %q", c.line, code, c.code, out, c.says)
		}
	}
}
