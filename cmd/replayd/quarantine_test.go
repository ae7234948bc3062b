package main

import (
	"encoding/json"
	"strings"
	"testing"
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
	b.put("p", []byte("something else"))
	b.put("sub/o\x07", []byte("something else"))
	b.ofQuarantine("show", "q", "1", "--bytes").want(exitFailed)
}

func TestQuarantineSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	b := benchWithBad(t)
	b.put("r", []byte(event("z", 3)))
	for line, says := range map[string]string{
		"list none":   "no replay is called none",
		"show none 1": "no replay is called none",
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
