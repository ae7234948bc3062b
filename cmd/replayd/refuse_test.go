package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
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

// refusal is one way to be refused, and the ways out of it.
type refusal struct {
	name    string
	item    string
	prepare func(*bench)
	flags   string
	says    string              // of what is wrong
	outs    map[string]string   // what the refusal says of a way out, and the flags of that way
	repair  func(*bench) string // a way out that is not a flag; it returns what the refusal says of it
}

var refusals = []refusal{
	{
		name: "no topic", item: "topic-missing", flags: "--topic x", says: "topic x does not exist",
		outs: map[string]string{"--create-topic": "--topic x --create-topic", "--partitions N": "--topic x --create-topic --partitions 3"},
		repair: func(b *bench) string {
			b.topic("x")
			return "Create it"
		},
	},
	{
		name: "other partitions than asked for", item: "partitions", flags: "--topic x --create-topic --partitions 12", says: "number of partitions: 1, not 12",
		prepare: func(b *bench) { b.topic("x") },
		outs:    map[string]string{"Leave --partitions away": "--topic x --create-topic", "another --topic": "--topic y --create-topic --partitions 12"},
	},
	{
		name: "compacted topic", item: "compacted", flags: "--topic x", says: "only the last would stay",
		prepare: func(b *bench) { b.topic("x", "cleanup.policy=compact") },
		outs:    map[string]string{"another --topic": "--topic y --create-topic", "--allow compacted": "--topic x --allow compacted"},
	},
	{
		name: "a topic of Kafka's", item: "internal-topic", flags: "--topic __consumer_offsets", says: "keeps its own state in",
		outs: map[string]string{"another --topic": "--topic y --create-topic"},
	},
	{
		name: "a control topic", item: "internal-topic", flags: "--topic replayd.checkpoints", says: "keeps its own state in",
		outs: map[string]string{"another --topic": "--topic y --create-topic"},
	},
	{
		name: "a control topic of another prefix", item: "internal-topic", flags: "--topic mine.config", says: "keeps its own state in",
		prepare: func(b *bench) { b.configured = b.config("kafka: {control_prefix: mine}\n") },
		outs:    map[string]string{"another --topic": "--topic y --create-topic"},
	},
	{
		name: "a live topic", item: "live-topic", flags: "--topic x", says: "replay-id header",
		prepare: func(b *bench) {
			b.topic("x")
			b.produce("x")
		},
		outs: map[string]string{"of its own with --topic": "--topic y --create-topic", "--allow live-topic": "--topic x --allow live-topic"},
	},
	{
		name: "original times and short retention of a topic that is allowed to be missing", item: "retention", says: "Kafka would delete it",
		flags: "--topic x --record-time original --allow topic-missing",
		outs:  map[string]string{"--record-time now": "--topic x --record-time now --allow topic-missing"},
	},
	{
		name: "original times and short retention", item: "retention", flags: "--topic x --record-time original", says: "keeps records for 1 day,",
		prepare: func(b *bench) { b.topic("x", "retention.ms=86400000", "segment.ms=315360000000") },
		outs: map[string]string{
			"--record-time now": "--topic x --record-time now", "--allow retention": "--topic x --record-time original --allow retention",
		},
		repair: func(b *bench) string {
			b.set("x", "retention.ms", "-1")
			return "retention.ms=-1"
		},
	},
}

// TestEachRefusalNamesWhatCuresIt runs into each refusal, and then takes every way out that the refusal names.
func TestEachRefusalNamesWhatCuresIt(t *testing.T) {
	t.Parallel()
	for _, c := range refusals {
		ways := map[string]string{}
		for word, flags := range c.outs {
			ways[word] = flags
		}
		if c.repair != nil {
			ways["repair"] = c.flags
		}
		for word, flags := range ways {
			t.Run(c.name+", "+word, func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				b.put("o", []byte(event("a", 1)))
				if c.prepare != nil {
					c.prepare(b)
				}
				r := b.run(b.what(strings.Fields(c.flags)...)...).want(exitRefused, c.item+": ", c.says)
				if out := r.out.String(); out != "" {
					t.Errorf("stdout is for results: %q", out)
				}
				plan := b.replayd(b.plan(c.flags)...).want(exitRefused)
				if len(plan.lines("plan")) != 1 || !strings.Contains(plan.out.String(), `"item":"`+c.item+`","refused":true`) {
					t.Errorf("plan does not show %s: %s", c.item, plan.out.String())
				}
				if word == "repair" {
					word = c.repair(b)
				}
				r.want(exitRefused, word)
				b.run(b.what(strings.Fields(flags)...)...).want(exitOK)
				topic := strings.Fields(flags)[1]
				if n := len(b.consume(topic)); n == 0 {
					t.Errorf("nothing stands in %s", topic)
				}
			})
		}
	}
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

func TestAReplayThatOutlastsTheRetentionIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)))
	b.topic("x", "retention.ms=86400000")
	b.run(b.what("--topic", "x", "--pace", "x1")...).want(exitRefused, "retention: ", "at x1 the replay lasts 1 day", "faster --pace", "--allow retention")
	b.run(b.what("--topic", "x", "--pace", "x1000")...).want(exitOK)
}
