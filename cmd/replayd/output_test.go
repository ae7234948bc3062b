package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"replayd/integration/transcript"
)

// events are n events, ten a second.
func events(n int) []byte {
	var text bytes.Buffer
	for i := range n {
		fmt.Fprintf(&text, `{"id":"%d","t":"2026-11-01T12:00:%02d.%dZ"}`+"\n", i, i/10, i%10)
	}
	return text.Bytes()
}

func TestJSONOfRunIsProgressAndOneReceipt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", events(600))
	r := b.run(b.what("--topic", "x", "--create-topic", "--id", "json", "--pace", "300/s")...).want(exitOK)
	progress := r.lines("progress")
	if len(progress) < 2 {
		t.Errorf("%d lines of progress in two seconds", len(progress))
	}
	for _, p := range progress {
		if p["id"] != "json" || p["pace"] != "300/s" || p["state"] != "running" {
			t.Errorf("progress %v", p)
		}
	}
	if lines := strings.Count(r.out.String(), "\n"); lines != len(progress)+1 || !strings.Contains(lastLine(r.out.String()), `"type":"receipt"`) {
		t.Errorf("%d lines, of which the last is %s", lines, lastLine(r.out.String()))
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// A batch of the merge is 512 events; at a slow pace it lasts for minutes.
func TestProgressMovesWhileOneBatchIsSlowlyProduced(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", events(120))
	r := b.run(b.what("--topic", "x", "--create-topic", "--pace", "40/s")...).want(exitOK)
	for _, p := range r.lines("progress") {
		if n := p["produced"].(float64); n > 0 && n < 120 {
			return
		}
	}
	t.Errorf("for three seconds progress said that nothing was produced, though commits were made:\n%s", r.out.String())
}

func TestStdoutHoldsResultsOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("2026/11/01/12/o", []byte(event("a", 1)))
	archive := []string{
		"--archive", b.folder, "--layout", "%Y/%m/%d/%H/", "--event-id", "/id", "--event-time", "/t", "--from", "2026-11-01T12", "--for", "1h",
	}
	write := []string{"--brokers", b.address(), "--topic", "x", "--create-topic"}
	for _, c := range []struct {
		args  []string
		first string // word of stdout
	}{
		{slices.Concat([]string{"plan", "-o", "text"}, archive, write), "window"},
		{slices.Concat([]string{"run", "-o", "text", "--id", "text"}, archive, write), "replay text: completed"},
		{slices.Concat([]string{"ls"}, archive[:4], archive[8:]), b.folder},
		{slices.Concat([]string{"cat"}, archive), `{"id":"a"`},
		{[]string{"version"}, "replayd "},
		{[]string{"config", "show"}, "kafka:"},
	} {
		r := b.replayd(c.args...).want(exitOK)
		if !strings.HasPrefix(r.out.String(), c.first) {
			t.Errorf("replayd %s: stdout begins with %q", c.args[0], r.out.String())
		}
	}
}

func TestPlanAndListAreJSONLines(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("2026/11/01/12/o", []byte(event("a", 1)))
	b.put("2026/11/01/14/o", []byte(event("a", 1)))
	archive := []string{"--archive", b.folder, "--layout", "%Y/%m/%d/%H/", "--from", "2026-11-01T12", "--for", "3h", "-o", "json"}
	hours := b.replayd(append([]string{"ls"}, archive...)...).want(exitOK).lines("hour")
	if len(hours) != 3 || hours[1]["gap"] != true || hours[0]["objects"] != 1.0 {
		t.Errorf("hours %v", hours)
	}
	plan := b.replayd(append(append([]string{"plan"}, archive...), "--event-id", "/id", "--event-time", "/t",
		"--brokers", b.address(), "--topic", "x", "--create-topic")...).want(exitOK).lines("plan")
	if len(plan) != 1 || plan[0]["objects"] != 2.0 || plan[0]["accepted"] != true || fmt.Sprint(plan[0]["gaps"]) != "[2026-11-01T13]" {
		t.Errorf("plan %v", plan)
	}
}

func TestDaysAreCalledDays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("dt=2026-11-01/o", []byte(event("a", 1)))
	b.put("dt=2026-11-03/o", []byte(`{"id":"b","t":"2026-11-03T01:00:00Z"}`))
	place := []string{"--archive", b.folder, "--layout", "dt=%Y-%m-%d/", "--from", "2026-11-01", "--for", "3d", "-o", "text"}
	args := append([]string{"--format", "json", "--event-id", "/id", "--event-time", "/t", "--slack", "0s,0s", "--brokers", b.address(), "--topic", "x", "--create-topic"}, place...)
	ls := b.replayd(append([]string{"ls"}, place...)...).want(exitOK)
	plan := b.replayd(append([]string{"plan"}, args...)...).want(exitOK)
	run := b.replayd(append([]string{"run"}, args...)...).want(exitOK)
	for _, c := range []struct{ out, says string }{
		{ls.out.String(), "3 days, 2 objects"},
		{plan.out.String(), "2 objects in 3 days"},
		{plan.out.String(), "no objects in 2026-11-02\n"},
		{run.out.String(), "no objects in 1 day: 2026-11-02\n"},
	} {
		if !strings.Contains(c.out, c.says) || strings.Contains(c.out, "hour") {
			t.Errorf("want %q, and no hours, in\n%s", c.says, c.out)
		}
	}
	flat := b.replayd(append([]string{"plan", "-o", "text"}, b.what("--brokers", b.address(), "--topic", "y", "--create-topic")...)...).want(exitOK)
	if !strings.Contains(flat.out.String(), "2 objects in 1 folder") {
		t.Errorf("a flat folder has no hours:\n%s", flat.out.String())
	}
}

func TestQuietPrintsTheResultAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", events(600))
	r := b.run(b.what("--topic", "x", "--create-topic", "--pace", "400/s", "-q")...).want(exitOK)
	if r.err.String() != "" || len(r.lines("progress")) > 0 {
		t.Errorf("stderr %q, %d lines of progress", r.err.String(), len(r.lines("progress")))
	}
	r.receipt()
}

// A closed pipe of another descriptor than stdout is an error, not a signal.
func TestCatEndsWhenNobodyReads(t *testing.T) {
	t.Parallel()
	b := nowhere(t)
	b.put("o", events(600))
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = reader.Close()
	defer func() { _ = writer.Close() }()
	var stderr transcript.Transcript
	a := &app{out: writer, err: &stderr, now: func() time.Time { return b.now }}
	if code := a.run(t.Context(), append([]string{"cat", "-q"}, b.what()...)); code != exitOK || stderr.String() != "" {
		t.Errorf("exit %d: %s", code, stderr.String())
	}
}

func TestCatPrintsWhatRunProduces(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	text := append(events(100), events(100)...) // each twice
	text = append(text, "rubbish\n{\"id\":\n\"z\",\"t\":\"2026-11-01T13:00:00Z\"}"...)
	b.put("o", text)
	r := b.replayd(append([]string{"cat"}, b.what()...)...).want(exitQuarantined, "o at byte", "1 entry not printed, run would quarantine them: json 1")
	b.run(b.what("--topic", "x", "--create-topic")...).want(exitQuarantined)
	var want strings.Builder
	for _, v := range b.values("x") {
		var line bytes.Buffer
		if err := json.Compact(&line, []byte(v)); err != nil {
			t.Fatal(err)
		}
		want.WriteString(line.String() + "\n")
	}
	if r.out.String() != want.String() {
		t.Errorf("cat prints %d bytes, run produces %d", len(r.out.String()), want.Len())
	}
}

// TestPlanTellsWhatToDecideBy plans the replay of an archive of which everything is known.
func TestPlanTellsWhatToDecideBy(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.topic("x")
	b.readBy("payments-svc", "x")
	for hour := 11; hour < 15; hour++ {
		var text strings.Builder
		for i := range 60 {
			fmt.Fprintf(&text, `{"id":"%d-%d","k":"%d","t":"2026-11-01T%d:%02d:00Z","type":"%d"}`+"\n", hour, i/2, i%7, hour, i/2, i%3)
		}
		b.put(fmt.Sprintf("2026/11/01/%d/o", hour), []byte(text.String()))
	}
	args := []string{
		"plan", "--archive", b.folder, "--layout", "%Y/%m/%d/%H/", "--event-id", "/id", "--event-time", "/t", "--key", "/k",
		"--from", "2026-11-01T12", "--for", "2h", "--topic", "x", "--pace", "2/s", "--brokers", b.address(),
	}
	p := b.replayd(append(args, "-o", "json")...).want(exitOK).lines("plan")[0]
	sample, about := p["sample"].(map[string]any), p["estimate"].(map[string]any)
	for name, got := range map[string][2]any{
		"objects": {p["objects"], 4.0}, "list_requests": {p["list_requests"], 4.0}, "get_requests": {p["get_requests"], 4.0},
		"entries": {sample["entries"], 240.0}, "in the window": {sample["in_window"], 120.0}, "keys": {sample["keys"], 7.0},
		"conflicts": {sample["conflicts"], 60.0}, "events": {about["events"], 120.0}, "seconds": {about["seconds"], 60.0},
		"creates": {fmt.Sprint(p["creates"]), "[replayd.config replayd.checkpoints replayd.status replayd.audit replayd.quarantine]"},
		"groups":  {fmt.Sprint(p["groups"]), "[payments-svc]"},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %v, want %v", name, got[0], got[1])
		}
	}
	text := b.replayd(append(args, "-o", "text")...).want(exitOK).out.String()
	for _, says := range []string{
		"4 objects in 4 hours", "by 4 LIST and 4 GET requests", "about 120 events of the window (4 objects looked into): 0 % copies, 50.0 % in conflict, 0 % bad",
		"7 keys", "to topic x at 2/s, about 1m0s", "creates   5 topics", "1 consumer group will see it: payments-svc",
	} {
		if !strings.Contains(text, says) {
			t.Errorf("plan does not say %q:\n%s", says, text)
		}
	}
	limited := b.replayd(append(args, "-o", "text", "--limit", "10", "--filter", `event.type != "0"`)...).want(exitOK).out.String()
	if !strings.Contains(limited, "about 10 events") || !strings.Contains(limited, "at 2/s, about 5s") {
		t.Errorf("with a limit it says:\n%s", limited)
	}
	failing := b.replayd(append(args, "-o", "text", "--filter", `event.nope > 5`)...).want(exitOK).out.String()
	if !strings.Contains(failing, "about 0 events") || !strings.Contains(failing, "the filter fails on 100.0 % of events, which would be quarantined: invalid operation") {
		t.Errorf("of a filter that fails it says:\n%s", failing)
	}
}

// TestPlanTellsWhatWouldBeOfATopicThatIsNotThere plans with and without leave to create it.
func TestPlanTellsWhatWouldBeOfATopicThatIsNotThere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)))
	for flags, c := range map[string]struct {
		code    int
		creates bool
	}{
		"":                      {exitRefused, false},
		"--create-topic":        {exitOK, true},
		"--allow topic-missing": {exitOK, true},
	} {
		p := b.replayd(b.plan("--topic absent " + flags)...).want(c.code).lines("plan")[0]
		if creates := fmt.Sprint(p["creates"]); strings.Contains(creates, "absent") != c.creates || !strings.Contains(creates, "replayd.config") {
			t.Errorf("with %q it creates %s", flags, creates)
		}
		if found := fmt.Sprint(p["preflight"]); !strings.Contains(found, "topic absent would keep records for 7 days from now on") {
			t.Errorf("with %q it finds %s", flags, found)
		}
	}
}

// readBy lets a group commit an offset of a topic.
func (b *bench) readBy(group, topic string) {
	b.t.Helper()
	client := b.client()
	defer client.Close()
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, 0, 0, -1)
	if err := kadm.NewClient(client).CommitAllOffsets(b.t.Context(), group, offsets); err != nil {
		b.t.Fatal(err)
	}
}

func TestPlanOfWhatCannotBeReadStillTellsTheRest(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("2026/11/01/12/o", nil)
	r := b.replayd("plan", "--archive", b.folder, "--layout", "%Y/%m/%d/%H/", "--format", "jsonl", "--event-id", "/id", "--event-time", "/t",
		"--from", "2026-11-01T12", "--for", "1h", "--topic", "x", "--create-topic", "--brokers", b.address(), "-o", "text").want(exitOK)
	if text := r.out.String(); !strings.Contains(text, "holds     nothing") || !strings.Contains(text, "to topic x at 20MB/s\n") {
		t.Errorf("plan says:\n%s", text)
	}
}
