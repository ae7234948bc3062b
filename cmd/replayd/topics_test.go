package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"replayd/replay/kafka"
)

func TestTopicsPrintsCommandsForWhoeverAdministersTheCluster(t *testing.T) {
	t.Parallel()
	b := nowhere(t)
	r := b.replayd("topics", "--topic", "replay.payments", "--partitions", "12", "--user", "User:CN=replayd, O=x", "--brokers", "k1:9092,k2:9092", "-o", "text").want(exitOK)
	for _, says := range []string{
		"kafka-topics.sh --bootstrap-server k1:9092,k2:9092 --create --if-not-exists --topic replayd.checkpoints --partitions 16 --config cleanup.policy=compact",
		"--topic replay.payments --partitions 12\n",
		"kafka-acls.sh --bootstrap-server k1:9092,k2:9092 --add --allow-principal 'User:CN=replayd, O=x' --operation DescribeConfigs --operation Read --operation Write --topic replay.payments --topic replayd.config --topic replayd.checkpoints --topic replayd.quarantine\n",
		"--operation Write --transactional-id replayd. --resource-pattern-type prefixed\n",
		"--operation DescribeConfigs --operation Write --topic replayd.status --topic replayd.audit\n",
	} {
		if !strings.Contains(r.out.String(), says) {
			t.Errorf("it does not print %q:\n%s", says, r.out.String())
		}
	}
	r = b.replayd("topics", "--topic", "x", "--user", "User:u", "--may-create", "--like-topic", "live", "-o", "text").want(exitOK)
	if text := r.out.String(); strings.Contains(text, "kafka-topics.sh") || !strings.Contains(text, "--operation Create --topic replayd. --resource-pattern-type prefixed") || !strings.Contains(text, "--topic live") {
		t.Errorf("where replayd may create topics it prints:\n%s", text)
	}
}

func TestTopicsAsJSONNamesEachTopicAndRight(t *testing.T) {
	t.Parallel()
	r := nowhere(t).replayd("topics", "--topic", "x", "--user", "User:u", "-o", "json").want(exitOK)
	var s clusterNeeds
	if err := json.Unmarshal([]byte(r.out.String()), &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Topics) != len(kafka.ControlTopics("replayd"))+1 || len(s.Rights) != len(kafka.Rights("replayd", "x"))+len(kafka.RightsToLook("replayd")) || s.Topics[0].Settings["cleanup.policy"] != "compact" {
		t.Errorf("%+v", s)
	}
}

// TestTopicsGrantsADaemonItsRights into one topic, and into all targets of a configuration.
func TestTopicsGrantsADaemonItsRights(t *testing.T) {
	t.Parallel()
	b := nowhere(t)
	rights := func(args ...string) []kafka.ACL {
		t.Helper()
		r := b.replayd(append([]string{"topics", "--serve", "--user", "User:u", "-o", "json"}, args...)...).want(exitOK)
		var s clusterNeeds
		if err := json.Unmarshal([]byte(r.out.String()), &s); err != nil {
			t.Fatal(err)
		}
		for i, right := range s.Rights {
			if slices.Contains(s.Rights[:i], right) {
				t.Errorf("%v is granted twice", right)
			}
		}
		return s.Rights
	}
	config := b.config("targets: {x: {}, y: {}}\n")
	for _, c := range []struct {
		args   []string
		topics []string
	}{{[]string{"--topic", "z"}, []string{"z"}}, {[]string{"--config", config}, []string{"x", "y"}}, {[]string{"--config", config, "--topic", "x"}, []string{"x"}}} {
		for _, create := range []bool{false, true} {
			want := slices.Concat(kafka.RightsToLook("replayd"), kafka.RightsToServe("replayd"))
			args := c.args
			for _, topic := range c.topics {
				want = append(want, kafka.Rights("replayd", topic)...)
				if create {
					want = append(want, kafka.RightsToCreate("replayd", topic, "")...)
				}
			}
			if create {
				args = append(slices.Clone(args), "--may-create")
			}
			got := rights(args...)
			for _, right := range kafka.ACLs("User:u", want) {
				if !slices.Contains(got, right) {
					t.Errorf("%q does not grant %v", args, right)
				}
			}
			for _, right := range got {
				if !slices.Contains(kafka.ACLs("User:u", want), right) {
					t.Errorf("%q grants %v", args, right)
				}
			}
		}
	}
	text := b.replayd("topics", "--serve", "--config", config, "--user", "User:u").want(exitOK).out.String()
	for _, says := range []string{"--create --if-not-exists --topic x", "--topic y", "--create --if-not-exists --topic replayd.work --partitions 64", "--operation Read --group replayd.daemons"} {
		if !strings.Contains(text, says) {
			t.Errorf("it does not print %q:\n%s", says, text)
		}
	}
	b.replayd("topics", "--serve").want(exitUsage, "names no targets")
}

func TestMistakesInTopicsAreSaid(t *testing.T) {
	t.Parallel()
	for line, says := range map[string]string{
		"topics":                                "--topic is missing",
		"topics --topic a/b":                    "--topic: topic \"a/b\"",
		"topics --topic x --user replayd":       "a principal such as User:replayd",
		"topics --topic x --like-topic ..":      "--like-topic",
		"topics --topic x --partitions 2 extra": "unexpected \"extra\"",

		"topics --topic x --partitions -3":             "--partitions -3: at least 1",
		"topics --topic x --partitions 0":              "--partitions 0: at least 1",
		"topics --topic x --partitions 6 --may-create": "start with: replayd run --create-topic --partitions 6",
		"topics --topic x --like-topic live":           "Say --partitions N instead, or add --may-create",
		"topics --topic replayd.config":                "keeps its own state in",
		"topics --topic __consumer_offsets":            "keeps its own state in",
	} {
		nowhere(t).replayd(strings.Fields(line)...).want(exitUsage, says)
	}
	if out := nowhere(t).replayd("topics", "--topic", "x", "-o", "text").want(exitOK).out.String(); !strings.Contains(out, "name the user with --user") {
		t.Errorf("without a user it prints:\n%s", out)
	}
}

func TestTopicsGrantsNoRightToWriteWhatAnArchiveWasFilledFrom(t *testing.T) {
	t.Parallel()
	b := nowhere(t)
	config := filepath.Join(t.TempDir(), "replayd.yaml")
	if err := os.WriteFile(config, []byte("archives:\n  payments: {url: ./x, source_topics: [live]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.replayd("topics", "--config", config, "--topic", "live", "--user", "User:u").want(exitUsage, "archive payments was filled from", "such as replay.live")
	b.replayd("topics", "--config", config, "--topic", "replay.live", "--like-topic", "live", "--may-create", "--user", "User:u").want(exitOK)
}
