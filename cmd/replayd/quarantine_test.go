package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"replayd/archive"
	"replayd/replay"
)

// benchWithBad replays an archive in which two entries are bad.
func benchWithBad(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.put("sub/o\x07", []byte(event("a", 1)+"rubbish\n"+event("b", 2)))
	b.put("p", []byte(`{"id":"c","t":"yesterday"}`+"\n"))
	b.run(b.what("--topic", "x", "--create-topic", "--id", "q")...).want(exitQuarantined)
	b.run(b.what("--topic", "y", "--create-topic", "--id", "q.more")...).want(exitQuarantined) // whose id begins like the other's
	return b
}

func (b *bench) ofQuarantine(args ...string) *result {
	return b.replayd(append([]string{"quarantine", args[0], "--brokers", b.address()}, args[1:]...)...)
}

func TestQuarantineListNamesEachEntryInOrder(t *testing.T) {
	t.Parallel()
	b := benchWithBad(t)
	r := b.ofQuarantine("list", "q", "-o", "text").want(exitOK)
	lines := strings.Split(strings.TrimSpace(r.out.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0]+lines[1], `"sub/o\a" at byte`) || !strings.Contains(lines[0]+lines[1], "p at byte 0: time, event time /t") {
		t.Errorf("it prints\n%s", r.out.String())
	}
	r = b.ofQuarantine("list", "q", "-o", "json").want(exitOK)
	for i, text := range strings.Split(strings.TrimSpace(r.out.String()), "\n") {
		var line quarantinedLine
		if err := json.Unmarshal([]byte(text), &line); err != nil || line.N != int64(i+1) || line.Type != "quarantined" || line.Range[1] <= line.Range[0] {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestQuarantineShowTellsAllAndReadsTheBytesAgain(t *testing.T) {
	t.Parallel()
	b := benchWithBad(t)
	seen := ""
	for _, n := range []string{"1", "2"} {
		b.ofQuarantine("show", "q", n, "-o", "text").want(exitOK)
		r := b.ofQuarantine("show", "q", n, "--bytes").want(exitOK, "reason", "position")
		seen += r.out.String() + "|"
	}
	if !strings.Contains(seen, "rubbish|") && !strings.Contains(seen, "rubbish\n|") || !strings.Contains(seen, `{"id":"c","t":"yesterday"}`) {
		t.Errorf("the bytes are %q", seen)
	}
}

func TestQuarantineShowRefusesBytesOfAnObjectThatWasReplaced(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const was = "rubbish, this\n"
	first := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	put := func(text string, modified time.Time) {
		b.put("o", []byte(text))
		if err := os.Chtimes(filepath.Join(b.folder, "o"), modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	put(was, first)
	b.run(b.what("--topic", "x", "--create-topic", "--id", "q")...).want(exitQuarantined)
	for _, c := range []struct {
		what, text string
		modified   time.Time
		says       string
	}{
		{"a longer one", was + "and more that was not read\n", first, "it had 14 bytes and has 41 bytes"},
		{"a shorter one", "rubbish", first, "it had 14 bytes and has 7 bytes"},
		{"one of equal size", "rubbish, that\n", first.Add(time.Nanosecond), "it was last modified at 2026-11-02T00:00:00Z, and now at 2026-11-02T00:00:00.000000001Z"},
	} {
		put(c.text, c.modified)
		r := b.ofQuarantine("show", "q", "1", "--bytes").want(exitFailed, "object o is not the one that was read: "+c.says)
		if r.out.String() != "" {
			t.Errorf("%s: it prints %q", c.what, r.out.String())
		}
	}
	put(was, first)
	if r := b.ofQuarantine("show", "q", "1", "--bytes").want(exitOK); r.out.String() != was && r.out.String() != strings.TrimSpace(was) {
		t.Errorf("put back, it shows %q", r.out.String())
	}
	if err := os.Remove(filepath.Join(b.folder, "o")); err != nil {
		t.Fatal(err)
	}
	b.ofQuarantine("show", "q", "1", "--bytes").want(exitFailed, "o is no longer in the archive")
}

func TestAnObjectIsTheOneThatWasReadByItsETagElseByItsTime(t *testing.T) {
	at := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	folder, s3 := replay.Quarantined{Size: 5, Modified: at}, replay.Quarantined{ETag: "e", Size: 5, Modified: at}
	for _, c := range []struct {
		what string
		q    replay.Quarantined
		now  archive.Object
		says string
	}{
		{"the same file", folder, archive.Object{Size: 5, Modified: at}, ""},
		{"a file of another size", folder, archive.Object{Size: 6, Modified: at}, "it had 5 bytes and has 6 bytes"},
		{"a file of another time", folder, archive.Object{Size: 5, Modified: at.Add(time.Hour)}, "it was last modified at 2026-11-02T00:00:00Z, and now at 2026-11-02T01:00:00Z"},
		{"an object copied onto itself", s3, archive.Object{ETag: "e", Size: 5, Modified: at.Add(time.Hour)}, ""},
		{"another object", s3, archive.Object{ETag: "f", Size: 5, Modified: at}, "its ETag was e and is f"},
		{"an entry that an older program wrote", replay.Quarantined{ETag: "e"}, archive.Object{ETag: "e", Size: 5, Modified: at}, ""},
	} {
		if got := differs(&c.now, &c.q); got != c.says {
			t.Errorf("%s: %q, want %q", c.what, got, c.says)
		}
	}
}

func TestQuarantineSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	b := benchWithBad(t)
	b.put("r", []byte(event("z", 3)))
	for line, says := range map[string]string{
		"list none":   "there is no replay none",
		"show none 1": "there is no replay none",
		"show q 3":    "only 2 quarantined entries of q",
		"show q x":    `"x" is no number`,
		"show q":      "the id of a replay and a number",
		"list":        "the id of one replay",
		"list q q":    "the id of one replay",
		"list a/b":    "want letters",
	} {
		b.ofQuarantine(strings.Fields(line)...).want(exitUsage, says)
	}
	nowhere(t).replayd("quarantine", "drop").want(exitUsage, "list or show")
}

// TestWhatAPolicyQuarantinesIsNotCalledBad has an event that is as good as any, but for its id.
func TestWhatAPolicyQuarantinesIsNotCalledBad(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)+`{"t":"2026-11-01T12:00:00Z"}`+"\n"))
	policy := []string{"--on-missing-id", "quarantine"}
	for _, r := range []*result{
		b.run(b.what(append(policy, "--topic", "x", "--create-topic", "-o", "text")...)...).want(exitQuarantined, "1 entry quarantined, not produced: no-id 1"),
		b.replayd(append([]string{"cat"}, b.what(policy...)...)...).want(exitQuarantined, "1 entry not printed, run would quarantine them: no-id 1", `"quarantined":1`),
	} {
		if text := r.err.String(); strings.Contains(text, "bad") {
			t.Errorf("it is called bad:\n%s", text)
		}
	}
}

// TestTheCommandsThatLeadToTheQuarantineReachTheSameCluster executes them as they are printed.
func TestTheCommandsThatLeadToTheQuarantineReachTheSameCluster(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)+"{bad}\n"))
	prefixed := b.config("kafka:\n  brokers: [" + b.address() + "]\n  control_prefix: other\n")
	for name, reach := range map[string][]string{
		"q1": {"-b", b.address()}, "q2": {"-c", prefixed}, "q3": {"--config", prefixed, "--brokers", b.address() + "," + b.address()},
	} {
		here := func(words ...string) []string { return slices.Concat(words, reach, []string{"-o", "json"}) }
		r := b.replayd(here(append([]string{"run", "--id", name}, b.what("--topic", name, "--create-topic")...)...)...).want(exitQuarantined)
		shown := b.replayd(here("quarantine", "show", name, "7")...).want(exitUsage, "only 1 quarantined entry of "+name)
		for _, command := range []string{r.after("address and reason: "), shown.after("see ")} {
			if n := len(b.told(command).want(exitOK).lines("quarantined")); n != 1 {
				t.Errorf("%s lists %d entries", command, n)
			}
		}
	}
}
