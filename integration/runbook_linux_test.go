package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/archive/archivetest"
	"replayd/integration/harness"
	"replayd/replay"
	"replayd/replay/api"
)

// TestTheRunbookWorks types what docs/runbook.md tells whoever is on call, with a daemon on a real broker, and holds what the
// page shows against the screen.
func TestTheRunbookWorks(t *testing.T) {
	t.Parallel()
	n := newNight(t)
	text, err := os.ReadFile(filepath.Join("..", "docs", "runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	screen, typed := "", 0
	for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
		switch kind, block := m[1], m[3]; kind {
		case "sh":
			n.others(t, block)
			screen = n.block(t, block)
			typed++
		case "text":
			sameScreen(t, block, screen)
		default:
			t.Errorf("nothing is known about blocks of kind %q", kind)
		}
		if t.Failed() {
			t.FailNow() // what follows would only fail for it
		}
	}
	if typed < 15 {
		t.Errorf("only %d blocks of commands were found", typed)
	}
}

// night is the stage of the runbook: a terminal, a broker with a live topic that holds newer records only, an archive of the
// lost hours, and a daemon.
type night struct {
	ways
	daemon *daemonOn
}

func newNight(t *testing.T) *night {
	t.Helper()
	jq, curl := harness.Jq(t), harness.Installed(t, "curl", "curl")
	n := &night{ways: ways{terminal: terminal{folder: t.TempDir()}, home: t.TempDir()}}
	n.kafka = harness.StartKafka(t, harness.KafkaOptions{})
	n.tools = harness.KafkaTools(t, n.folder)
	admin := kadm.NewClient(n.kafka.Client(t))
	for _, topic := range []string{"payments", "replay.payments"} {
		if _, err := admin.CreateTopic(t.Context(), 6, 1, nil, topic); err != nil {
			t.Fatal(err)
		}
	}
	for partition := range int32(6) { // written today: the hours that were lost are not in the topic any more
		r := &kgo.Record{Topic: "payments", Partition: partition, Value: []byte("{}")}
		if err := n.kafka.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner())).ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	archive := t.TempDir()
	if err := archivetest.Generate(waysPlan()).Write(archive); err != nil {
		t.Fatal(err)
	}
	st := &stage{kafka: n.kafka, config: filepath.Join(n.folder, "replayd.yaml")}
	write(t, st.config, "kafka: {brokers: ['"+n.kafka.Addr()+"']}\narchives:\n  payments: {url: '"+archive+
		"', preset: pismo, key: /data/account_id, source_topics: [payments]}\ntargets:\n  replay.payments: {archives: [payments], pace: 5000/s}\n"+
		"limits: {spill_dir: '"+t.TempDir()+"'}\n")
	n.daemon = st.daemon(t)
	n.here = strings.NewReplacer("kafka1.example.com:9092", n.kafka.Addr(), "http://127.0.0.1:8484", n.daemon.url)
	n.there = strings.NewReplacer(n.kafka.Addr(), "kafka1.example.com:9092", archive, "s3://archive/payments/")
	path := []string{filepath.Dir(program), n.tools, filepath.Dir(jq), filepath.Dir(curl), os.Getenv("PATH")}
	n.env = []string{"PATH=" + strings.Join(path, string(os.PathListSeparator)), "HOME=" + n.home, "TERM=xterm", "TZ=UTC", "LC_ALL=C.UTF-8", "REPLAYD_SERVER=" + n.daemon.url}
	return n
}

// others do what is theirs before a block is typed: the daemon is at work on what was started, and the ledger's consumer comes up.
func (n *night) others(t *testing.T, block string) {
	t.Helper()
	switch {
	case block == "replayd show payments-0300":
		n.daemon.until(t, "payments-0300", "it to produce", func(r api.Replay) bool {
			return r.Progress != nil && r.Progress.Produced > 0
		})
	case strings.HasPrefix(block, "replayd cancel mistake"):
		n.daemon.until(t, "mistake", "it to produce", func(r api.Replay) bool {
			return r.State == replay.Running && r.Progress != nil && r.Progress.Produced > 0
		})
	case strings.Contains(block, "--group ledger-replay --quarantine-ok"):
		n.consumes(t, "ledger-replay")
	}
}

// consumes reads replay.payments in a group until the test ends.
func (n *night) consumes(t *testing.T, group string) {
	t.Helper()
	client := n.kafka.Client(t, kgo.ConsumerGroup(group), kgo.ConsumeTopics("replay.payments"), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.AutoCommitInterval(100*time.Millisecond))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for t.Context().Err() == nil {
			client.PollFetches(t.Context())
		}
	}()
	t.Cleanup(func() { <-done })
}
