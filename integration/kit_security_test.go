package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/integration/harness"
	"replayd/replay/kafka"
)

// secured is a configuration of how brokers are reached, and the flags that replay one event by it.
type secured struct {
	stage
	flags []string
}

// newSecured takes what stands below kafka, beside the brokers.
func newSecured(t *testing.T, k *harness.Kafka, brokers string, lines ...string) *secured {
	t.Helper()
	folder, config := t.TempDir(), filepath.Join(t.TempDir(), "replayd.yaml")
	write(t, filepath.Join(folder, "o"), `{"id":"a","t":"2026-11-01T12:00:00Z"}`)
	write(t, config, fmt.Sprintf("kafka:\n  brokers: %q\n  %s\n", brokers, strings.Join(lines, "\n  ")))
	return &secured{stage{kafka: k}, []string{
		"-c", config, "-o", "json", "--archive", folder, "--layout", "jsonl", "--format", "json",
		"--event-id", "/id", "--event-time", "/t", "--from", "2026-11-01", "--for", "24h",
	}}
}

// run starts a replay of the event.
func (s *secured) run(t *testing.T, more ...string) *session {
	t.Helper()
	return s.start(t, append(append([]string{"run"}, s.flags...), more...)...)
}

// over lets the stage reach its brokers by another listener; settings are what stands beside it.
func (st *stage) over(t *testing.T, brokers, settings string) {
	t.Helper()
	text, err := os.ReadFile(st.config)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n") // the first line is kafka's
	write(t, st.config, fmt.Sprintf("kafka: {brokers: %q, %s}\n%s", brokers, settings, rest))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func setPartitions(t *testing.T, k *harness.Kafka, topic string, n int) {
	t.Helper()
	if _, err := kadm.NewClient(k.Client(t)).UpdatePartitions(t.Context(), n, topic); err != nil {
		t.Fatal(err)
	}
}

func grant(k *harness.Kafka, user string, rights []kafka.Right) {
	for _, r := range rights {
		k.Grant(acl(user, r))
	}
}

// acl is a right of user as the cluster's administrator grants it.
func acl(user string, r kafka.Right) *kadm.ACLBuilder {
	b := kadm.NewACLs().Allow("User:" + user).AllowHosts("*").Operations(r.Operation).ResourcePatternType(kadm.ACLPatternLiteral)
	if r.Prefixed {
		b.ResourcePatternType(kadm.ACLPatternPrefixed)
	}
	switch r.Resource {
	case kmsg.ACLResourceTypeTransactionalId:
		return b.TransactionalIDs(r.Name)
	case kmsg.ACLResourceTypeCluster:
		return b.Clusters()
	case kmsg.ACLResourceTypeGroup:
		return b.Groups(r.Name)
	}
	return b.Topics(r.Name)
}
