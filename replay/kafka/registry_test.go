package kafka

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// config makes the control topics and writes records to the config topic: keys and values in turn, "" deletes.
func config(t *testing.T, c *Cluster, pairs ...string) {
	t.Helper()
	if _, err := c.ensureControlTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		r := &kgo.Record{Topic: c.topic(configTopic), Key: []byte(pairs[i])}
		if pairs[i+1] != "" {
			r.Value = []byte(pairs[i+1])
		}
		if err := c.client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

const newer = `{"version":99}`

// TestWhatANewerReplaydHasDeletedIsNotInTheWay also overwrites it with a value that can be read.
func TestWhatANewerReplaydHasDeletedIsNotInTheWay(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	config(t, c, "spec/other/abc", newer, "started/other", newer, "started/third", newer)
	config(t, c, "spec/other/abc", "", "started/other", "", "started/third", string(encode(started{Version: version})))
	s, _ := open(t, c, testSpec("r"))
	commit(t, s, chunk(10, 1, replay.Completed))
}

// TestWhatANewerReplaydHasWrittenIsMetBeforeAnythingIsWritten has a target that is yet to be created.
func TestWhatANewerReplaydHasWrittenIsMetBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	for _, topic := range []string{"replay", "absent"} {
		c := connect(t, fake(t))
		config(t, c, "spec/other/abc", newer)
		before, err := c.registry(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		spec := testSpec("r")
		spec.Topic = topic
		settings := Settings{Create: true, Partitions: 3}
		if _, err := c.Preflight(t.Context(), spec, settings); err == nil || !strings.Contains(err.Error(), "version 99") {
			t.Errorf("topic %s: plan would say %v", topic, err)
		}
		if _, err := c.Sink(settings).Open(t.Context(), spec); err == nil || !strings.Contains(err.Error(), "version 99") {
			t.Errorf("topic %s: got %v", topic, err)
		}
		after, err := c.registry(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if after.end != before.end {
			t.Errorf("topic %s: %d records were written to the config topic all the same", topic, after.end-before.end)
		}
		if exists, err := c.topicExists(t.Context(), "absent"); exists || err != nil {
			t.Errorf("the topic was created all the same, or: %v", err)
		}
	}
}

// TestOfSeveralSpecsTheOneThatWasWrittenFirstHolds, however often it or another was written again, until it is deleted.
func TestOfSeveralSpecsTheOneThatWasWrittenFirstHolds(t *testing.T) {
	t.Parallel()
	first, second := testSpec("r"), testSpec("r")
	second.Topic = "another"
	key := func(s *replay.Spec) string { return specKey("r", s.Hash()) }
	value := func(s *replay.Spec) string { return string(encode(stored{Version: version, Spec: *s})) }
	c := connect(t, fake(t))
	check := func(want *replay.Spec) {
		t.Helper()
		got, err := c.Stored(t.Context(), "r")
		if err != nil || got == nil || got.Spec.Topic != want.Topic {
			t.Fatalf("got %+v, %v; want the one for topic %s", got, err, want.Topic)
		}
	}
	config(t, c, key(first), value(first), key(second), value(second), key(first), value(first))
	check(first)
	config(t, c, key(first), `rubbish`)
	if got, err := c.Stored(t.Context(), "r"); err == nil || !strings.Contains(err.Error(), "overwritten") {
		t.Fatalf("overwritten with rubbish it is %+v, %v", got, err)
	}
	config(t, c, key(first), value(first))
	check(first)
	config(t, c, key(first), "")
	check(second)
	config(t, c, key(first), value(first))
	check(second)
}

// TestMoreReplaysThanAreKeptAreSaid fills what is kept. What is there goes on.
func TestMoreReplaysThanAreKeptAreSaid(t *testing.T) {
	t.Parallel()
	v := &View{cluster: &Cluster{options: Options{ControlPrefix: "replayd"}}, registry: newRegistry(zerolog.Nop()), progress: map[string]*progressed{}}
	wish := func(id string) *kgo.Record {
		return &kgo.Record{Topic: "replayd.config", Key: []byte(wishKey(id)), Value: []byte(`{"version":1,"state":"paused"}`)}
	}
	for i := range mostReplays {
		v.registry.replays[fmt.Sprint(i)] = &registered{}
		v.progress[fmt.Sprint(i)] = &progressed{live: register[replay.Live]{value: &replay.Live{}}}
	}
	v.seen(time.Now(), nil)
	if v.apply(wish("7")); v.registry.replays["7"].wanted.absent() || v.Ready() != nil {
		t.Errorf("one that is kept is not told of, or: %v", v.Ready())
	}
	word := &kgo.Record{Topic: "replayd.status", Key: []byte(progressKey("new")), Value: []byte(`{"version":1}`)}
	for _, r := range []*kgo.Record{wish("new"), word} {
		v.full, v.registry.full = false, false
		if v.apply(r); len(v.registry.replays) > mostReplays || len(v.progress) > mostReplays {
			t.Errorf("%s: one more is kept", r.Key)
		}
		if err := v.Ready(); err == nil || !strings.Contains(err.Error(), "replayd forget") {
			t.Errorf("%s: it is ready: %v", r.Key, err)
		}
	}
}
