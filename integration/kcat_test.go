package integration

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"replayd/archive/archivetest"
	"replayd/integration/harness"
)

// TestKcatReadsTheReplay looks at the topic with a client that shares no code with ours.
func TestKcatReadsTheReplay(t *testing.T) {
	t.Parallel()
	kcat := harness.Kcat(t)
	k := harness.StartKafka(t, harness.KafkaOptions{})
	st := newStage(t, k, nil, archivetest.Plan{Seed: 3, Events: 3000})
	st.sameCounts(t, st.replayed(t, st.how("kcat", append(st.what(), "--pace", "unlimited")...)))
	out, err := exec.Command(kcat, "-b", k.Addr(), "-t", st.topic, "-C", "-e", "-q", "-X", "isolation.level=read_committed",
		"-f", `%p\t%k\t%h\t%s\x1e`).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for v := range st.oracle.Produced() {
		e := v.Event()
		want[fmt.Sprint(v.Seq)] = string(e.Key) + "\t" + string(e.Value)
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x1e"), "\x1e") {
		part := strings.SplitN(line, "\t", 4)
		tags := map[string]string{}
		for tag := range strings.SplitSeq(part[2], ",") {
			name, value, _ := strings.Cut(tag, "=")
			tags[name] = value
		}
		if got := part[1] + "\t" + part[3]; tags["replay-id"] != "kcat" || want[tags["replay-seq"]] != got {
			t.Fatalf("event %s: got %s, want %s", tags["replay-seq"], got, want[tags["replay-seq"]])
		}
		delete(want, tags["replay-seq"])
	}
	if len(want) > 0 {
		t.Errorf("kcat does not see %d of the oracle's events", len(want))
	}
}
