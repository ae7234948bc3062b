package harness

import (
	"maps"
	"testing"
)

func TestPropertiesAreReplicatedOnThreeBrokersOnly(t *testing.T) {
	for brokers, want := range map[int][2]string{1: {"1", "1"}, 2: {"1", "1"}, 3: {"3", "2"}} {
		p := properties(make([]node, brokers), 0, KafkaOptions{})
		if got := [2]string{p["transaction.state.log.replication.factor"], p["transaction.state.log.min.isr"]}; got != want {
			t.Errorf("%d brokers: got %v, want %v", brokers, got, want)
		}
	}
}

func TestEveryBrokerKnowsAllVoters(t *testing.T) {
	nodes := []node{{controller: "a:1"}, {controller: "b:2"}, {controller: "c:3"}}
	for i, id := range []string{"0", "1", "2"} {
		p := properties(nodes, i, KafkaOptions{})
		if p["node.id"] != id || p["controller.quorum.voters"] != "0@a:1,1@b:2,2@c:3" {
			t.Errorf("node %s, voters %s", p["node.id"], p["controller.quorum.voters"])
		}
	}
}

func TestSettingsOfTheTestWin(t *testing.T) {
	o := KafkaOptions{Settings: map[string]string{"auto.create.topics.enable": "true"}}
	if got := properties(make([]node, 1), 0, o)["auto.create.topics.enable"]; got != "true" {
		t.Errorf("got %s", got)
	}
}

func TestPropertiesFileIsSortedAndEscaped(t *testing.T) {
	got := propertiesFile(map[string]string{"b": `C:\data`, "a": "1"})
	if want := "a=1\nb=C:\\\\data\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestImageEnvFollowsTheOfficialImage(t *testing.T) {
	got := imageEnv(map[string]string{"log.dirs": "/d", "a_b.c-d": "x"})
	want := map[string]string{"KAFKA_LOG_DIRS": "/d", "KAFKA_A__B_C___D": "x"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestJavaVersionIsReadFromBothSpellings(t *testing.T) {
	tests := map[string]int{
		`openjdk version "17.0.15" 2025-04-15`: 17,
		`java version "1.8.0_392"`:             1,
		`openjdk version "21" 2023-09-19`:      21,
		"no such file":                         0,
	}
	for out, want := range tests {
		if got := javaVersion(out); got != want {
			t.Errorf("%s: got %d, want %d", out, got, want)
		}
	}
}

func TestLogIsShownFromTheBeginningOfALine(t *testing.T) {
	tests := []struct {
		log   string
		limit int
		want  string
	}{
		{"short\n", 100, "short\n"},
		{"first\nsecond\nthird\n", 10, "third\n"},
		{"onelongline", 4, "line"},
	}
	for _, test := range tests {
		if got := string(lastLines([]byte(test.log), test.limit)); got != test.want {
			t.Errorf("last %d of %q: got %q, want %q", test.limit, test.log, got, test.want)
		}
	}
}

func TestNotableIsWhatABrokerDoesNotLogAllDay(t *testing.T) {
	log := "[2026-11-21 21:52:12,855] INFO [Broker id=0] of the day\n[2026-11-21 21:52:12,856] WARN odd\njava.io.IOException: at INFO\n"
	if got, want := notable(log), "[2026-11-21 21:52:12,856] WARN odd\njava.io.IOException: at INFO\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPortsAreBelowTheEphemeralOnesAndNeverGivenTwice(t *testing.T) {
	seen := map[int]bool{}
	for range 50 {
		port, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		if port < 1024 || port >= 32768 || seen[port] {
			t.Errorf("port %d, given before: %v", port, seen[port])
		}
		seen[port] = true
	}
}
