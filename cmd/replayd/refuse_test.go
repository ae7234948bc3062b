package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/integration/wayout"
)

// produce puts a record that no replay has made into a topic.
func (b *bench) produce(topic string) {
	b.t.Helper()
	client := b.client()
	defer client.Close()
	if err := client.ProduceSync(b.t.Context(), &kgo.Record{Topic: topic, Value: []byte("live")}).FirstErr(); err != nil {
		b.t.Fatal(err)
	}
}

// refusal is one way to be refused. The ways out of it are those that it prints.
type refusal struct {
	name    string
	item    string
	prepare func(*bench)
	flags   string
	says    string              // of what is wrong
	ways    int                 // that it names in flags and commands
	repair  func(*bench) string // a way that is neither; it returns what the refusal says of it
	unseen  bool                // by plan, which makes no control topics
}

var refusals = []refusal{
	{
		name: "no topic", item: "topic-missing", flags: "--topic x", says: "topic x does not exist", ways: 3,
		prepare: func(b *bench) { b.topic(wayout.Like) },
		repair: func(b *bench) string {
			b.topic("x")
			return "Create it"
		},
	},
	{
		name: "other partitions than asked for", item: "partitions", flags: "--topic x --create-topic --partitions 12", says: "number of partitions: 1, not 12",
		prepare: func(b *bench) { b.topic("x") }, ways: 2,
	},
	{
		name: "compacted topic", item: "compacted", flags: "--topic x --key /id", says: "only the last would stay",
		prepare: func(b *bench) { b.topic("x", "cleanup.policy=compact") }, ways: 2,
	},
	{
		name: "compacted topic, and no keys", item: "compacted", flags: "--topic x --allow compacted", says: "takes no records without a key",
		prepare: func(b *bench) { b.topic("x", "cleanup.policy=compact,delete") }, ways: 2,
	},
	{
		name: "a topic of Kafka's", item: "internal-topic", flags: "--topic __consumer_offsets", says: "keeps its own state in", ways: 1,
	},
	{
		name: "a control topic", item: "internal-topic", flags: "--topic replayd.checkpoints", says: "keeps its own state in", ways: 1,
	},
	{
		name: "a control topic of another prefix", item: "internal-topic", flags: "--topic mine.config", says: "keeps its own state in",
		prepare: func(b *bench) { b.configured = b.config("kafka: {control_prefix: mine}\n") }, ways: 1,
	},
	{
		name: "a live topic", item: "live-topic", flags: "--topic x", says: "replay-id header", ways: 2,
		prepare: func(b *bench) {
			b.topic("x")
			b.produce("x")
		},
	},
	{
		name: "original times and short retention of a topic that is allowed to be missing", item: "retention", says: "Kafka would delete it",
		flags: "--topic x --record-time original --allow topic-missing", ways: 3,
	},
	{
		name: "original times and short retention", item: "retention", flags: "--topic x --record-time original", says: "keeps records for 1 day,",
		prepare: func(b *bench) { b.topic("x", "retention.ms=86400000", "segment.ms=315360000000") }, ways: 3,
	},
	{
		name: "a replay that outlasts the retention", item: "retention", flags: "--topic x --pace x1 --limit 1", says: "at x1 the replay lasts 1 day",
		prepare: func(b *bench) { b.topic("x", "retention.ms=86400000") }, ways: 3,
	},
	{
		name: "original times that are too old", item: "timestamp-limits", flags: "--topic x --record-time original", says: "takes no records older than 1 day",
		prepare: func(b *bench) { b.topic("x", "retention.ms=-1", "message.timestamp.before.max.ms=86400000") }, ways: 2,
	},
	{
		name: "more acknowledgements than replicas", item: "durability", flags: "--topic x", says: "it takes no records at all",
		prepare: func(b *bench) { b.topic("x", "min.insync.replicas=2") }, ways: 1,
	},
	{
		name: "a control topic that would forget", item: "control-topics", flags: "--topic x --create-topic", says: "would lose what replays are continued by",
		prepare: func(b *bench) { b.topic("replayd.checkpoints", "cleanup.policy=delete") }, ways: 1, unseen: true,
	},
	{
		name: "a window that is there", item: "overlap", flags: "--topic x --create-topic --id second", says: "That replay has ended: replayd run --id first (with the flags it was begun with) prints its receipt",
		prepare: func(b *bench) { b.run(b.what("--topic", "x", "--create-topic", "--id", "first")...).want(exitOK) }, ways: 3,
	},
	{
		name: "a window that is not there yet", item: "overlap", flags: "--topic x --create-topic --id second", says: "replay first was begun with",
		prepare: func(b *bench) {
			b.put("p", []byte("rubbish"))
			b.run(b.what("--topic", "x", "--create-topic", "--id", "first", "--on-bad", "stop")...).want(exitFailed)
			if err := os.Remove(filepath.Join(b.folder, "p")); err != nil {
				b.t.Fatal(err)
			}
		},
		ways: 3,
	},
	{
		name: "a window that is there in part", item: "overlap", flags: "--topic x --create-topic --id second", says: "Continue that replay with replayd run --id first",
		prepare: func(b *bench) {
			b.put("o", []byte(event("a", 1)+`{"id":"a","t":"2026-11-01T12:00:03Z"}`))
			b.run(b.what("--topic", "x", "--create-topic", "--id", "first", "--on-conflict", "stop")...).want(exitFailed)
		},
		ways: 3,
	},
}

// TestEachRefusalNamesWhatCuresIt runs into each refusal, and then takes every way out that the refusal names.
func TestEachRefusalNamesWhatCuresIt(t *testing.T) {
	t.Parallel()
	for _, c := range refusals {
		ways := c.ways
		if c.repair != nil {
			ways++
		}
		for i := range ways {
			t.Run(fmt.Sprintf("%s, way %d", c.name, i+1), func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				b.put("o", []byte(event("a", 1)))
				if c.prepare != nil {
					c.prepare(b)
				}
				flags := strings.Fields(c.flags)
				r := b.run(b.what(flags...)...).want(exitRefused, c.item+": ", c.says)
				if out := r.out.String(); out != "" {
					t.Errorf("stdout is for results: %q", out)
				}
				if !c.unseen {
					plan := b.replayd(b.plan(c.flags)...).want(exitRefused)
					if len(plan.lines("plan")) != 1 || !strings.Contains(plan.out.String(), `"item":"`+c.item+`","refused":true`) {
						t.Errorf("plan does not show %s: %s", c.item, plan.out.String())
					}
				}
				if i == c.ways {
					r.want(exitRefused, c.repair(b))
				} else {
					flags = b.out(r, c.item, flags, c.ways)[i].take(b)
				}
				args := b.what(flags...)
				if len(flags) == 2 && flags[0] == "--id" {
					args = flags
				}
				b.run(args...).want(exitOK)
				topic := "x"
				if at := slices.Index(flags, "--topic"); at >= 0 {
					topic = flags[at+1]
				}
				if n := len(b.consume(topic)); n == 0 {
					t.Errorf("nothing stands in %s", topic)
				}
			})
		}
	}
}

// way is one that a refusal names, and the flags of the run that it leads to.
type way struct {
	wayout.Way
	flags []string
}

// out are the ways out that a refused run with these flags names.
func (b *bench) out(r *result, item string, flags []string, want int) []way {
	b.t.Helper()
	named, err := wayout.Of(r.err.String(), item, flags)
	if err != nil {
		b.t.Fatal(err)
	}
	if len(named) != want {
		b.t.Fatalf("%d ways are named, not %d:\n%s", len(named), want, r.err.String())
	}
	ways := make([]way, want)
	for i, w := range named {
		ways[i] = way{w, flags}
	}
	return ways
}

// take returns the flags of the run that the way leads to. The in-process broker has no tools of Kafka's: what the command
// says is done in their place.
func (w way) take(b *bench) []string {
	b.t.Helper()
	b.t.Logf("taking: %s", w.Says)
	if w.Command == "" {
		return w.Flags
	}
	words := strings.Fields(w.Command)
	after := func(flag string) string {
		i := slices.Index(words, flag)
		if i < 0 {
			b.t.Fatalf("no %s in: %s", flag, w.Command)
		}
		return words[i+1]
	}
	if after("--bootstrap-server") != b.address() {
		b.t.Errorf("other brokers than %s: %s", b.address(), w.Command)
	}
	switch tool := words[0]; tool {
	case "kafka-configs.sh":
		key, value, _ := strings.Cut(after("--add-config"), "=")
		b.set(after("--entity-name"), key, value)
	case "kafka-topics.sh":
		b.topic(after("--topic"), after("--config"))
	default:
		b.t.Fatalf("nobody knows %s", tool)
	}
	return w.flags
}

func TestATopicLikeOneThatIsNotThereIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)))
	for _, command := range []string{"run", "plan"} {
		args := append([]string{command, "--brokers", b.address()}, b.what("--topic", "x", "--like-topic", "y")...)
		b.replayd(args...).want(exitRefused, "topic-missing: topic y, which the new one is to be like, does not exist", "--like-topic", "--partitions N")
	}
}

func TestTopicsThatHoldStateAreNeverTheTarget(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)))
	b.run(b.what("--topic", "x", "--create-topic", "--id", "a")...).want(exitOK) // which makes the control topics
	for _, topic := range []string{"replayd.config", "replayd.audit", "__transaction_state"} {
		r := b.run(b.what("--topic", topic, "--create-topic", "--allow", "compacted,live-topic")...)
		r.want(exitRefused, "internal-topic: ", topic)
	}
}

func TestTargetsThatTheConfigurationLeavesOutAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)))
	b.configured = b.config("archives: {a: {url: " + b.folder + ", layout: jsonl, format: json, event_id: /id, event_time: /t}}\n" +
		"targets: {replay.a: {archives: [a], pace: 700/s}}\n")
	args := []string{"--archive", "a", "--from", "2026-11-01", "--for", "24h", "--create-topic", "--topic"}
	b.run(append(args, "other")...).want(exitRefused, "not-allowed: ", "replay.a", "--allow not-allowed")
	b.run(append(args, "replay.a")...).want(exitOK, "at 700/s")
	b.run(append(args, "other", "--allow", "not-allowed")...).want(exitOK)
}

// set changes a setting of a topic.
func (b *bench) set(topic, key, value string) {
	b.t.Helper()
	client := b.client()
	defer client.Close()
	change := []kadm.AlterConfig{{Name: key, Value: &value}}
	if _, err := kadm.NewClient(client).AlterTopicConfigs(b.t.Context(), change, topic); err != nil {
		b.t.Fatal(err)
	}
}

func TestTheTopicThatTheArchiveWasMadeOfIsNeverTheTarget(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)))
	b.topic("payments")
	b.configured = b.config("archives:\n  payments:\n    url: " + b.folder + "\n    layout: jsonl\n    format: json\n" +
		"    event_id: /id\n    event_time: /t\n    source_topics: [payments]\n")
	args := []string{"--archive", "payments", "--from", "2026-11-01", "--for", "24h", "--topic"}
	b.run(append(args, "payments")...).want(exitRefused, "live-topic: ", "old events for new ones", "--topic, such as replay.payments")
	b.run(append(args, "replay.payments", "--create-topic")...).want(exitOK)
	b.run(append(args, "payments", "--allow", "live-topic")...).want(exitRefused, "live-topic: ")
	if n := len(b.consume("payments")); n != 0 {
		t.Errorf("%d records stand in the live topic", n)
	}
}

func TestAWindowThatAnotherReplayPutIntoTheTopicIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)))
	b.run(b.what("--topic", "x", "--create-topic", "--id", "first")...).want(exitOK)
	b.run(b.what("--topic", "x", "--id", "second")...).want(exitRefused, "overlap: replay first", "--id first", "another --topic", "--allow overlap")
	b.run("--id", "first").want(exitOK)
	b.run(b.what("--topic", "y", "--create-topic")...).want(exitOK)
	later := b.what("--topic", "x", "--id", "later")
	later[11] = "2026-11-02"
	b.run(later...).want(exitOK) // it meets no other
	b.run(b.what("--topic", "x", "--id", "second", "--allow", "overlap", "--reason", "asked for")...).want(exitOK)
	if n := len(b.values("x")); n != 2 {
		t.Errorf("the topic holds %d events", n)
	}
	audit := strings.Join(b.values("replayd.audit"), "\n")
	for _, word := range []string{"overlap", "asked for", "second", "intent", "outcome"} {
		if !strings.Contains(audit, word) {
			t.Errorf("the audit does not say %s: %s", word, audit)
		}
	}
}

func TestHoursThatMayStillGrowAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.now = time.Date(2026, 11, 1, 13, 10, 0, 0, time.UTC)
	b.put("2026/11/01/11/o", []byte(`{"id":"z","t":"2026-11-01T11:00:00Z"}`))
	b.put("2026/11/01/12/o", []byte(event("a", 1)))
	args := func(more ...string) []string {
		return append([]string{
			"--archive", b.folder, "--layout", "%Y/%m/%d/%H/", "--event-id", "/id", "--event-time", "/t",
			"--from", "2026-11-01T11", "--topic", "x", "--create-topic",
		}, more...)
	}
	b.run(args("--to", "2026-11-01T13", "--id", "hours")...).want(exitRefused, "open-hours: ", "2026-11-01T12Z", "15m", "--to", "--allow open-hours")
	if r := b.run(args("--to", "2026-11-01T12", "--id", "hours")...).want(exitOK).receipt(); r.Produced != 1 {
		t.Errorf("produced %d", r.Produced)
	}
	b.run(args("--to", "2026-11-01T13", "--topic", "y", "--allow", "open-hours")...).want(exitOK)
	b.now = b.now.Add(5 * time.Minute) // "Wait"
	b.run(args("--to", "2026-11-01T13", "--topic", "z")...).want(exitOK)
}

func TestPlanOfAReplayThatHasBegunAsksWhatRunWouldAsk(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.now = time.Date(2026, 11, 1, 13, 10, 0, 0, time.UTC)
	b.mostlyGood("2026/11/01/12/o", 1200)
	if err := os.Chtimes(filepath.Join(b.folder, "2026/11/01/12/o"), b.now, b.now.Add(-time.Minute)); err != nil {
		t.Fatal(err) // what came into an open hour later is not replayed
	}
	args := []string{
		"--archive", b.folder, "--layout", "%Y/%m/%d/%H/", "--format", "jsonl", "--event-id", "/id", "--event-time", "/t",
		"--from", "2026-11-01T12", "--for", "1h", "--topic", "x", "--create-topic", "--allow", "open-hours,overlap",
	}
	b.run(append(args, "--id", "first", "--max-bad", "100%")...).want(exitQuarantined)
	b.run(append(args, "--id", "second")...).want(exitFailed, "--max-bad")
	plan := b.replayd(append(b.here("plan"), "--id", "second")...).want(exitOK)
	if out := plan.out.String(); strings.Contains(out, "overlap") || strings.Contains(out, "open-hours") {
		t.Errorf("plan asks what the start was allowed: %s", out)
	}
	b.run("--id", "second", "--max-bad", "100%").want(exitQuarantined)
}

// Kafka would delete the replay five minutes later: a topic made with the cluster's retention is no better than one that
// was there. Either it is refused, or the topic is made to keep what is put into it.
func TestOriginalTimesIntoATopicThatIsCreatedAreKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(`{"id":"a","t":"2020-01-01T00:00:01Z"}`))
	args := b.what("--topic", "x", "--create-topic", "--record-time", "original")
	args[11] = "2020-01-01"
	r := b.run(args...)
	if r.code == exitRefused {
		r.want(exitRefused, "retention: ", "--record-time now")
		return
	}
	r.want(exitOK)
	client := b.client()
	defer client.Close()
	settings, err := kadm.NewClient(client).DescribeTopicConfigs(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range settings[0].Configs {
		if s.Key == "retention.ms" && s.MaybeValue() != "-1" {
			t.Errorf("the topic was made with retention.ms=%s, and holds records of 2020: Kafka deletes them at its next sweep", s.MaybeValue())
		}
	}
}

func TestLimitsOfTimestampsAreToldBeforeABrokerRefusesRecords(t *testing.T) {
	t.Parallel()
	for setting, says := range map[string]string{
		"message.timestamp.before.max.ms=86400000": "takes no records older than 1 day",
		"message.timestamp.after.max.ms=3600000":   "takes no records more than 1h0m0s ahead",
	} {
		b := newBench(t)
		b.put("o", []byte(event("a", 1)))
		b.topic("x", "retention.ms=-1", setting)
		args := b.what("--topic", "x", "--record-time", "original")
		if strings.Contains(setting, "after") {
			args[11], args[13] = time.Now().Add(-time.Hour).Format(time.DateOnly), "96h"
		}
		b.run(append(args, "--allow", "open-hours")...).want(exitRefused, "timestamp-limits: ", says, "--record-time now")
		b.run(append(args, "--allow", "open-hours", "--record-time", "now")...).want(exitOK)
	}
}

// A replay that has begun is warned of what preflight could not know: how long it lasts, and that it paused.
func TestARunningReplayWhoseBeginningFadesIsWarned(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)+event("b", 2)+event("c", 3)))
	b.topic("x", "retention.ms=1")
	r := b.run(b.what("--topic", "x", "--pace", "2/s")...).want(exitOK, "may have been deleted since", "kafka-configs.sh", "retention.ms=-1")
	if n := strings.Count(r.err.String(), "may have been deleted"); n != 1 {
		t.Errorf("told %d times: %s", n, r.err.String())
	}
	lines := r.lines("progress")
	if len(lines) == 0 || !strings.Contains(fmt.Sprint(lines[len(lines)-1]["warnings"]), "retention: ") {
		t.Errorf("progress does not warn: %v", lines)
	}
	b.set("x", "retention.ms", "-1")
	if r := b.run(b.what("--topic", "x", "--allow", "overlap")...).want(exitOK); strings.Contains(r.out.String()+r.err.String(), "warnings") {
		t.Errorf("warned of nothing: %s", r.out.String())
	}
}
