package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/integration/harness"
	"replayd/integration/wayout"
)

// realRefusal is one that only a real broker makes true, by a setting of the topic.
type realRefusal struct {
	item     string
	settings map[string]string // of the topic
	flags    string            // beside --topic
	ways     int               // that the refusal names
}

var realRefusals = []realRefusal{
	{"retention", map[string]string{"retention.ms": "86400000", "segment.ms": "315360000000"}, "--record-time original", 3},
	{"timestamp-limits", map[string]string{"retention.ms": "-1", "message.timestamp.before.max.ms": "86400000"}, "--record-time original", 2},
	{"durability", map[string]string{"min.insync.replicas": "2"}, "", 1},
	{"compacted", map[string]string{"cleanup.policy": "compact"}, "--key /id", 2},
}

// refusalsAreCured meets refusals on a real broker and takes every way out that they print, with Kafka's own tools, until
// the replay runs.
func refusalsAreCured(t *testing.T, k *harness.Kafka, tools string) {
	for i, c := range realRefusals {
		for way := range c.ways {
			t.Run(fmt.Sprintf("%s, %s, way %d", c.item, c.flags, way+1), func(t *testing.T) {
				t.Parallel()
				st := newSecured(t, k, k.Addr())
				topic := fmt.Sprintf("refused.%d.%d", i, way)
				settled(t, k, topic, c.settings)
				st.cured(t, tools, c.item, append([]string{"--topic", topic}, strings.Fields(c.flags)...), c.ways, way)
			})
		}
	}
	t.Run("control-topics", func(t *testing.T) {
		t.Parallel()
		st := newSecured(t, k, k.Addr(), "control_prefix: forgetful")
		settled(t, k, "forgetful.checkpoints", map[string]string{"cleanup.policy": "delete"})
		st.cured(t, tools, "control-topics", []string{"--topic", "refused.control", "--create-topic"}, 1, 0)
	})
	t.Run("record-size", func(t *testing.T) {
		t.Parallel()
		st := newSecured(t, k, k.Addr())
		write(t, filepath.Join(st.archive(), "o"), `{"id":"a","t":"2026-11-01T12:00:00Z"}{"id":"b","t":"2026-11-01T12:00:01Z"}{"id":"a","t":"2026-11-01T12:00:02Z"}`)
		settled(t, k, "refused.size", nil)
		flags := []string{"--topic", "refused.size", "--id", "refused-size"}
		st.run(t, append(flags, "--on-conflict", "stop")...).ended(t, 1, "Continue with: ")
		takesLess(t, k, "refused.size")
		st.cured(t, tools, "record-size", flags, 1, 0)
	})
}

// takesLess sets a topic to smaller records than a replay holds.
func takesLess(t *testing.T, k *harness.Kafka, topic string) {
	t.Helper()
	size, admin := "2000", kadm.NewClient(k.Client(t))
	if _, err := admin.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Name: "max.message.bytes", Value: &size}}, topic); err != nil {
		t.Fatal(err)
	}
	await(t, "the setting to hold", func() bool { // brokers learn of it after the controller
		list, err := admin.DescribeTopicConfigs(t.Context(), topic)
		return err == nil && slices.ContainsFunc(list[0].Configs, func(c kadm.Config) bool {
			return c.Key == "max.message.bytes" && c.MaybeValue() == size
		})
	})
}

// cured runs, is refused for item, takes one of the ways that are named, and runs to the end.
func (s *secured) cured(t *testing.T, tools, item string, flags []string, want, take int) {
	t.Helper()
	refused := s.run(t, flags...).ended(t, 4, item+": ")
	ways, err := wayout.Of(refused.err.String(), item, flags)
	if err != nil || len(ways) != want {
		t.Fatalf("%d ways are named, not %d: %v\n%s", len(ways), want, err, refused.err.String())
	}
	w := ways[take]
	if w.Command == "" {
		another := "other." + flags[1] // one that no other of these replays takes
		flags = w.Flags
		if i := slices.Index(flags, wayout.Topic); i >= 0 {
			flags[i] = another
		}
	} else {
		toolRuns(t, tools, w.Command)
	}
	await(t, "the setting to hold", func() bool { // brokers learn of it after the controller
		ended := s.run(t, flags...)
		code := ended.wait(t, time.Minute)
		if code == 4 && strings.Contains(ended.err.String(), item+": ") && w.Command != "" {
			return false
		}
		if code != 0 {
			t.Fatalf("%s\nexit %d:\n%s", w.Says, code, ended.err.String())
		}
		return true
	})
	n := 0
	s.consume(t, flags[slices.Index(flags, "--topic")+1], func(*kgo.Record) { n++ })
	if n == 0 {
		t.Errorf("%s: nothing stands in the topic", w.Says)
	}
}

// archive is the folder that is replayed.
func (s *secured) archive() string { return s.flags[slices.Index(s.flags, "--archive")+1] }

// toolRuns runs a line with Kafka's tools.
func toolRuns(t *testing.T, tools, line string) string {
	t.Helper()
	shell := exec.CommandContext(t.Context(), "sh", "-e", "-c", line)
	shell.Env = append(os.Environ(), "PATH="+tools+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v\n%s", line, err, out)
	}
	return string(out)
}

// settled makes a topic of one partition with settings.
func settled(t *testing.T, k *harness.Kafka, topic string, settings map[string]string) {
	t.Helper()
	m := map[string]*string{}
	for name, value := range settings {
		m[name] = &value
	}
	admin := kadm.NewClient(k.Client(t))
	if _, err := admin.CreateTopic(t.Context(), 1, -1, m, topic); err != nil {
		t.Fatal(err)
	}
	await(t, "the topic to be there", func() bool { // brokers learn of it after the controller
		list, err := admin.ListTopics(t.Context(), topic)
		return err == nil && list.Has(topic)
	})
}
