package integration

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"replayd/archive"
	"replayd/integration/harness"
)

var outage = flag.Duration("outage", 8*time.Second, "how long the broker is away in the middle of a replay; a minute is worth trying")

// TestABrokerThatIsAwayLosesNothing kills the broker in the middle, leaves it away, and starts it again. The replay waits,
// says for what, and goes on by itself.
func TestABrokerThatIsAwayLosesNothing(t *testing.T) {
	t.Parallel()
	w := hazard{"a broker that goes away in the middle and comes back", "waited for, up to `--give-up`; progress says that the broker holds it", 0, "produced"}
	k := harness.StartKafka(t, harness.KafkaOptions{Control: true})
	st := newStage(t, k, nil, smallPlan())
	s := st.start(t, st.first("--pace", "1k/s")...)
	await(t, "it to produce", func() bool { return s.produced() > 0 })
	k.Kill(0)
	time.Sleep(*outage)
	if !strings.Contains(s.out.String(), `"held_by":"broker"`) {
		t.Errorf("progress does not say that the broker holds it:\n%s", s.out.String())
	}
	k.Restart(0)
	if r := st.complete(t, s); r.Sessions != 1 || s.cmd.ProcessState.ExitCode() != w.exit {
		t.Errorf("%d sessions, exit %d", r.Sessions, s.cmd.ProcessState.ExitCode())
	}
}

// bare is a folder with the text as its only object, and the flags that replay it.
func bare(t *testing.T, k *harness.Kafka, text string) (st *stage, what []string) {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "o"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return &stage{kafka: k}, []string{
		"run", "--brokers", k.Addr(), "-o", "json", "--archive", folder, "--layout", "jsonl", "--format", "json",
		"--event-id", "/id", "--event-time", "/t", "--from", "2026-11-01", "--for", "24h",
	}
}

// createTopic makes a topic with settings: names and values in turn.
func createTopic(t *testing.T, k *harness.Kafka, topic string, settings ...string) {
	t.Helper()
	m := map[string]*string{}
	for i := 0; i < len(settings); i += 2 {
		m[settings[i]] = &settings[i+1]
	}
	if _, err := kadm.NewClient(k.Client(t)).CreateTopic(t.Context(), 1, 1, m, topic); err != nil {
		t.Fatal(err)
	}
}

func setTopic(t *testing.T, k *harness.Kafka, topic, name, value string) {
	t.Helper()
	change := []kadm.AlterConfig{{Name: name, Value: &value}}
	if _, err := kadm.NewClient(k.Client(t)).AlterTopicConfigs(t.Context(), change, topic); err != nil {
		t.Fatal(err)
	}
}

func TestTargetsThatKafkaWouldHarm(t *testing.T) {
	t.Parallel()
	k := harness.StartKafka(t, harness.KafkaOptions{})
	const one = `{"id":"a","t":"2026-11-01T12:00:00Z"}`

	t.Run("a topic that does not exist, created as the refusal says", func(t *testing.T) {
		w := hazard{"a topic that does not exist", "refused, with the flag that creates it", 4, "nothing has begun"}
		st, what := bare(t, k, one)
		what = append(what, "--topic", "absent")
		st.start(t, what...).ended(t, w.exit, "topic-missing", "--create-topic")
		st.start(t, append(what, "--create-topic")...).ended(t, 0)
	})
	t.Run("a name that no topic can have", func(t *testing.T) {
		st, what := bare(t, k, one)
		s := st.start(t, append(what, "--topic", "no topic!", "--create-topic")...)
		if code := s.wait(t, time.Minute); code == 0 || code == 3 || !strings.Contains(s.err.String(), "no topic!") {
			t.Errorf("exit %d: %s", code, s.err.String())
		}
	})
	t.Run("a compacted topic", func(t *testing.T) {
		st, what := bare(t, k, one)
		w := hazard{"a topic that is compacted", "refused: events with equal keys would go", 4, "nothing has begun"}
		createTopic(t, k, "compacted", "cleanup.policy", "compact")
		st.start(t, append(what, "--topic", "compacted")...).ended(t, w.exit, "compacted: ", "--allow compacted")
		st.start(t, append(what, "--topic", "compacted", "--allow", "compacted", "--key", "/id")...).ended(t, 0)
	})
	t.Run("a compacted topic, and events without a key", func(t *testing.T) {
		st, what := bare(t, k, one+`{"id":"b","t":"2026-11-01T12:00:01Z","k":"x"}{"id":"c","t":"2026-11-01T12:00:02Z","k":null}{"id":"d","t":"2026-11-01T12:00:03Z","k":""}`)
		w := hazard{"an event without a key for a topic that is compacted", "quarantined: Kafka refuses such records; without `--key` the replay is refused", 3, "quarantined_by.key"}
		createTopic(t, k, "keyed", "cleanup.policy", "compact")
		what = append(what, "--topic", "keyed", "--allow", "compacted", "--id", "keyed")
		st.start(t, what...).ended(t, 4, "compacted: ", "--key")
		r := st.start(t, append(what, "--key", "/k")...).ended(t, w.exit, "record key /k: missing").receipt(t)
		if r.Produced != 2 || r.QuarantinedBy[archive.BadKey] != 2 {
			t.Errorf("%+v", r.Counters)
		}
	})
	t.Run("a topic that comes to be compacted under records without a key", func(t *testing.T) {
		st, what := bare(t, k, one+`{broken}{"id":"b","t":"2026-11-01T12:00:01Z"}`)
		w := hazard{"a topic that becomes compacted, and events without a key", "the replay fails after five tries, and is continued once the topic is no longer compacted", 1, "nowhere before it is produced"}
		createTopic(t, k, "turned")
		what = append(what, "--topic", "turned", "--id", "turned")
		st.start(t, append(what, "--on-bad", "stop")...).ended(t, 1)
		setTopic(t, k, "turned", "cleanup.policy", "compact")
		st.start(t, what...).ended(t, w.exit, "INVALID_RECORD", "set cleanup.policy=delete")
		setTopic(t, k, "turned", "cleanup.policy", "delete")
		if r := st.start(t, what...).ended(t, 3).receipt(t); r.Produced != 2 || !r.Balanced() {
			t.Errorf("%+v", r.Counters)
		}
	})
	t.Run("original times into short retention", func(t *testing.T) {
		st, what := bare(t, k, one)
		createTopic(t, k, "short", "retention.ms", "60000", "segment.ms", "315360000000")
		what = append(what, "--topic", "short", "--record-time", "original")
		w := hazard{"original times and a retention that would delete them", "refused, with what to change", 4, "nothing has begun"}
		st.start(t, what...).ended(t, w.exit, "retention: ", "--record-time now", "retention.ms=-1")
		setTopic(t, k, "short", "retention.ms", "-1")
		st.start(t, what...).ended(t, 0)
	})
	t.Run("original times that the window does not bound", func(t *testing.T) {
		ahead := time.Now().Add(400 * 24 * time.Hour).UTC().Format(time.RFC3339)
		st, what := bare(t, k, `{"id":"a","t":"2026-11-01T12:00:00Z","arrival_epoch":1793534400}{"id":"b","t":"`+ahead+`","arrival_epoch":1793534401}`)
		w := hazard{"an original time that the topic does not take, `--window-on arrival`", "refused; allowed, the replay fails after five tries, and is continued once the topic takes it", 1, "nowhere before it is produced"}
		const newest, never = "message.timestamp.after.max.ms", "9223372036854775807"
		createTopic(t, k, "timed", "retention.ms", "-1", "message.timestamp.before.max.ms", never, newest, "3600000")
		what = append(what, "--topic", "timed", "--id", "timed", "--record-time", "original", "--preset", "pismo", "--window-on", "arrival")
		st.start(t, what...).ended(t, 4, "timestamp-limits: ", "--allow timestamp-limits")
		what = append(what, "--allow", "timestamp-limits")
		st.start(t, what...).ended(t, w.exit, "INVALID_TIMESTAMP", "--entity-name timed --add-config", newest+"="+never)
		setTopic(t, k, "timed", newest, never)
		if r := st.start(t, what...).ended(t, 0).receipt(t); r.Produced != 2 || !r.Balanced() {
			t.Errorf("%+v", r.Counters)
		}
	})
	t.Run("an event above what the topic takes is quarantined", func(t *testing.T) {
		big := fmt.Sprintf(`{"id":"big","t":"2026-11-01T12:00:01Z","pad":"%s"}`, strings.Repeat("x", 20_000))
		st, what := bare(t, k, one+big)
		w := hazard{"an event larger than the topic takes", "quarantined; the event before it is produced", 3, "quarantined_by.oversized"}
		createTopic(t, k, "narrow", "max.message.bytes", "10000")
		s := st.start(t, append(what, "--topic", "narrow")...).ended(t, w.exit, "o at byte 37: oversized")
		if r := s.receipt(t); r.Produced != 1 || r.Quarantined != 1 || !r.Balanced() {
			t.Errorf("produced %d, quarantined %d", r.Produced, r.Quarantined)
		}
	})
	t.Run("an event of just what the topic takes is produced, one byte more is quarantined", func(t *testing.T) {
		w := hazard{"events of exactly what the topic takes, and of one byte more", "the first is produced, the other quarantined", 3, "quarantined_by.oversized"}
		const limit = 10_000 - 1024 // max.message.bytes less what a batch has around its record
		record := func(id string, size int) string {
			head := fmt.Sprintf(`{"id":"%s","t":"2026-11-01T12:00:01Z","pad":"`, id)
			return head + strings.Repeat("x", size-archive.HeaderReserve-len(id)-len(head)-2) + `"}`
		}
		st, what := bare(t, k, record("fits", limit)+record("more", limit+1))
		createTopic(t, k, "exact", "max.message.bytes", "10000")
		s := st.start(t, append(what, "--topic", "exact", "--compression", "none", "--headers", "source,reason", "--reason", strings.Repeat("r", 200))...).ended(t, w.exit, "oversized")
		if r := s.receipt(t); r.Produced != 1 || r.QuarantinedBy["oversized"] != 1 || !r.Balanced() {
			t.Errorf("produced %d, quarantined %v", r.Produced, r.QuarantinedBy)
		}
	})
}

// TestATopicThatTakesLessThanItDidFailsTheReplayWhichGoesOnOnceItTakesMore narrows the topic in the middle.
func TestATopicThatTakesLessThanItDidFailsTheReplayWhichGoesOnOnceItTakesMore(t *testing.T) {
	t.Parallel()
	w := hazard{"a topic that begins to take less in the middle", "the replay fails after five tries, and is continued once the topic takes more", 1, "nowhere before it is produced"}
	k := harness.StartKafka(t, harness.KafkaOptions{})
	var text strings.Builder
	for i := range 300 {
		fmt.Fprintf(&text, `{"id":"%d","t":"2026-11-01T12:%02d:%02dZ","pad":"%s"}`, i, i/60, i%60, strings.Repeat("x", i*100))
	}
	st, what := bare(t, k, text.String())
	createTopic(t, k, "shrinks")
	s := st.start(t, append(what, "--topic", "shrinks", "--id", "shrinks", "--pace", "100/s", "--compression", "none")...)
	await(t, "it to begin", func() bool { return strings.Contains(s.out.String(), `"type":"progress"`) })
	setTopic(t, k, "shrinks", "max.message.bytes", "3000")
	s.ended(t, w.exit, "MESSAGE_TOO_LARGE", "Continue with: replayd run --id shrinks")
	setTopic(t, k, "shrinks", "max.message.bytes", "1048588")
	if r := st.told(t, s, "--pace", "unlimited").ended(t, 0).receipt(t); r.Produced != 300 {
		t.Errorf("produced %d", r.Produced)
	}
}
