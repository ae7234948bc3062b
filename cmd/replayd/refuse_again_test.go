package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"

	"replayd/integration/wayout"
)

// follow runs, takes of each refusal the way out that holds the next of words, and runs again, until the replay runs. It
// returns the last run.
func (b *bench) follow(flags []string, item string, words ...string) *result {
	b.t.Helper()
	r := b.run(b.what(flags...)...).want(exitRefused, item+": ")
	for _, word := range words {
		_, told, _ := strings.Cut(r.want(exitRefused).err.String(), "replayd: ")
		item, _, _ = strings.Cut(told, ": ")
		ways, err := wayout.Of(r.err.String(), item, flags)
		if err != nil {
			b.t.Fatal(err)
		}
		found := false
		for _, w := range ways {
			if !found && strings.Contains(w.Says, word) {
				flags, found = way{w, flags}.take(b), true
			}
		}
		if !found {
			b.t.Fatalf("no way out says %q:\n%s", word, r.err.String())
		}
		r = b.run(b.what(flags...)...)
	}
	return r.want(exitOK)
}

// TestARefusalToContinueNamesWhatCuresIt meets what has changed under a replay that stopped in the middle.
func TestARefusalToContinueNamesWhatCuresIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, item string
		change     func(*bench)
		words      []string // of the ways that are taken, one after another
	}{
		{"a topic that takes smaller records now", "record-size", func(b *bench) { b.set("x", "max.message.bytes", "2000") }, []string{"kafka-configs.sh"}},
		{"an archive that grew", "archive-change", func(b *bench) { b.put("q", []byte(event("c", 3))) }, []string{"--allow archive-change"}},
		{"an archive that grew, begun again", "archive-change", func(b *bench) { b.put("q", []byte(event("c", 3))) }, []string{"another --id", "--allow overlap"}},
		{"an archive that shrank", "archive-change", func(b *bench) { b.remove("p") }, []string{"another --id", "--allow overlap"}},
		{"a topic that was deleted", "restart", func(b *bench) { b.drop("x") }, []string{"another --id", "--create-topic"}},
		{"a topic that was made anew", "restart", func(b *bench) { b.drop("x"); b.topic("x") }, []string{"another --id"}},
		{"a control topic that was deleted", "restart", func(b *bench) { b.drop("replayd.checkpoints") }, []string{"another --id", "another --topic"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.put("o", []byte(event("a", 1)+event("b", 2)+`{"id":"a","t":"2026-11-01T12:00:03Z"}`))
			b.put("p", []byte(event("d", 4)))
			flags := []string{"--topic", "x", "--id", "x"}
			b.run(b.what(append(flags, "--create-topic", "--on-conflict", "stop")...)...).want(exitFailed)
			if n := len(b.consume("x")); n == 0 {
				t.Fatal("it has produced nothing, so nothing could have changed under it")
			}
			c.change(b)
			if r := b.follow(flags, c.item, c.words...).receipt(); !r.Balanced() {
				t.Errorf("receipt %+v", r)
			}
		})
	}
}

func TestOneReplicaOfSeveralBrokersIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, kfake.NumBrokers(3))
	b.put("o", []byte(event("a", 1)))
	b.topicOf("x", 1)
	b.follow([]string{"--topic", "x"}, "durability", "--allow durability")
}

// TestTheWaysOutOfOpenHoursAreThoseThatTheRefusalNames: all but one are no flags to copy.
func TestTheWaysOutOfOpenHoursAreThoseThatTheRefusalNames(t *testing.T) {
	t.Parallel()
	for word, take := range map[string]func(*bench, []string) []string{
		"Wait, ":             func(b *bench, args []string) []string { b.now = b.now.Add(5 * time.Minute); return args },
		"earlier with --to":  func(_ *bench, args []string) []string { return wayout.With(args, "to", "2026-11-01T12") },
		"--allow open-hours": func(_ *bench, args []string) []string { return wayout.With(args, "allow", "open-hours") },
	} {
		b := newBench(t)
		b.now = time.Date(2026, 11, 1, 13, 10, 0, 0, time.UTC)
		b.put("2026/11/01/11/o", []byte(`{"id":"z","t":"2026-11-01T11:00:00Z"}`))
		b.put("2026/11/01/12/o", []byte(event("a", 1)))
		args := []string{
			"--archive", b.folder, "--layout", "%Y/%m/%d/%H/", "--event-id", "/id", "--event-time", "/t",
			"--from", "2026-11-01T11", "--to", "2026-11-01T13", "--topic", "x", "--create-topic",
		}
		b.run(args...).want(exitRefused, "open-hours: ", word)
		b.run(take(b, args)...).want(exitOK)
	}
}

func (b *bench) remove(key string) {
	b.t.Helper()
	if err := os.Remove(filepath.Join(b.folder, key)); err != nil {
		b.t.Fatal(err)
	}
}

// drop deletes a topic.
func (b *bench) drop(topic string) {
	b.t.Helper()
	client := b.client()
	defer client.Close()
	if _, err := kadm.NewClient(client).DeleteTopic(b.t.Context(), topic); err != nil {
		b.t.Fatal(err)
	}
}

// topicOf makes a topic with so many replicas.
func (b *bench) topicOf(name string, replicas int16) {
	b.t.Helper()
	client := b.client()
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(b.t.Context(), 1, replicas, nil, name); err != nil {
		b.t.Fatal(err)
	}
}

// TestEveryItemIsRunInto: an item that nobody runs into may name a way out that is none.
func TestEveryItemIsRunInto(t *testing.T) {
	t.Parallel()
	elsewhere := map[string]string{"transaction-version": "is a notice", "rights": "integration/rights_test.go", "second-person": "replay/manager/planned_test.go"}
	met := ""
	for _, name := range []string{"refuse_test.go", "refuse_again_test.go", "s3_test.go"} {
		met += read(t, "cmd/replayd/"+name)
	}
	for _, item := range append(constants(t, "replay/*.go", "Item"), constants(t, "replay/kafka/*.go", "Item")...) {
		if elsewhere[item] == "" && !strings.Contains(met, `"`+item+`"`) && !strings.Contains(met, `"`+item+`: `) {
			t.Errorf("no test is refused for %s", item)
		}
	}
}
