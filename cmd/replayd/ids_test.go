package main

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"replayd/replay"
)

func TestAnUnknownIDAloneIsRefusedAndSaysHowToStartIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run("--id", "payments-0300").want(exitUsage, "there is no replay payments-0300", "--archive", "--topic")
}

func TestAFinishedReplayRunAgainPrintsItsReceiptAndExitsAsItDid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		code       int
	}{
		{"completed", event("a", 1), exitOK},
		{"completed with quarantine", event("a", 1) + "rubbish", exitQuarantined},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.put("o", []byte(c.text))
			args := b.what("--topic", "x", "--create-topic", "--id", "again")
			first := b.run(args...).want(c.code).receipt()
			for name, again := range map[string][]string{"by its id": {"--id", "again"}, "by the same flags": args} {
				if got := b.run(again...).want(c.code).receipt(); !reflect.DeepEqual(got, first) {
					t.Errorf("%s: the receipt is %+v, was %+v", name, got, first)
				}
			}
			if n := len(b.values("x")); n != 1 {
				t.Errorf("the topic holds %d events", n)
			}
			if c.code == exitQuarantined {
				b.run("--id", "again", "--quarantine-ok").want(exitOK)
			}
		})
	}
}

// TestAReplayOfADaemonIsNotContinuedInTheForeground goes on until it has ended: then it is as any other.
func TestAReplayOfADaemonIsNotContinuedInTheForeground(t *testing.T) {
	t.Parallel()
	d, b := newDesk(t, targetX)
	s := asking()
	s.ID = "night"
	spec, start, err := d.Spec(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	view, err := d.cluster.Follow(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	if err := view.Freeze(t.Context(), &spec, start, replay.Wish{State: replay.Paused, Signed: replay.Signed{By: "anna"}}); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		append(b.here("run"), "--id", "night"), append(b.here("run"), b.what("--id", "night", "--topic", "x", "--archive", "a")...), append(b.here("plan"), "--id", "night"),
	} {
		b.replayd(args...).want(exitUsage, "replay night is owned by a daemon", "replayd resume night")
	}
	if n := len(b.values("replayd.checkpoints")); n != 0 {
		t.Errorf("%d checkpoints were written", n)
	}
	known, _ := view.Find("night")
	sink := d.Sink(&known)
	defer sink.Close()
	src, err := d.Source(t.Context(), &spec)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&replay.Runner{Source: src, Sink: sink}).Run(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	b.run("--id", "night").want(exitOK).receipt()
}

func TestOtherFlagsForAKnownIDAreRefusedWithTheDifferences(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)))
	b.run(b.what("--topic", "x", "--create-topic", "--id", "known")...).want(exitOK)
	for _, c := range []struct{ flags, says string }{
		{"--topic y", `topic: it has "x", asked for is "y"`},
		{"--from 2026-10-01 --for 24h", "2026-10-01T00:00:00Z"},
		{"--event-id body", `event_id: it has "/id", asked for is "body"`},
		{"--event-time /time", `event_time: it has "/t", asked for is "/time"`},
		{"--key /k", `key: it has none, asked for is "/k"`},
		{"--lateness 1m", `lateness: it has "5m0s", asked for is "1m0s"`},
		{"--slack 2h,1h", `slack_before: it has "1h0m0s", asked for is "2h0m0s"`},
		{"--horizon 2h", `horizon: it has`},
		{"--dedupe off", "dedupe: it has true, asked for is false"},
		{"--record-time original", `record_time: it has "now", asked for is "original"`},
		{"--headers source", `headers: it has none, asked for is ["source"]`},
		{"--archive " + t.TempDir(), "url: it has"},
		{"--format jsonl", `format: it has "json", asked for is "jsonl"`},
		{"--preset pismo", `layout: it has`},
		{"--reason because", `reason: it has none, asked for is "because"`},
	} {
		r := b.run(append([]string{"--id", "known"}, strings.Fields(c.flags)...)...)
		r.want(exitUsage, "replay known exists and is another one", c.says, "--id alone", "another --id")
	}
}

func TestTheSameCommandTypedAgainIsTheSameReplay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)))
	for i, flags := range []string{
		"--event-id none", "--event-id none --dedupe on", "--event-id body --dedupe on", "--dedupe off", "--lateness 1m", "--slack 2h,1h",
		"--headers source,reason --reason why", "--limit 5 --filter true", "--event-id none --dedupe on --event-time-zone UTC",
	} {
		same := append(b.what("--topic", fmt.Sprint("x", i), "--create-topic", "--id", fmt.Sprint("same", i)), strings.Fields(flags)...)
		for range 2 {
			if r := b.run(same...).want(exitOK).receipt(); r.Produced != 1 || r.Sessions != 1 {
				t.Errorf("%s: produced %d in %d sessions", flags, r.Produced, r.Sessions)
			}
		}
	}
}

func TestHowAReplayRunsMayDifferBetweenSessions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)))
	b.run(b.what("--topic", "x", "--create-topic", "--id", "how")...).want(exitOK)
	b.run("--id", "how", "--pace", "x4", "--memory", "64MiB", "--compression", "zstd", "--max-bad", "5%", "--give-up", "1m", "--allow", "overlap").want(exitOK)
}

func TestAReasonWithAnAllowOfALaterSessionIsForTheAudit(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.configured = b.config("limits: {event_size: 64KiB}\n")
	p := b.startRun(append(b.many(2000), "--id", "why", "--pace", "200/s", "--reason", "the first")...)
	p.until("the first commit", func() bool { return b.committed("x") })
	_ = p.cmd.Process.Signal(os.Interrupt)
	p.end(10 * time.Second).want(exitInterrupted)
	b.run("--id", "why", "--reason", "another").want(exitUsage, "reason: it has")
	b.run("--id", "why", "--reason", "ask ops", "--allow", "record-size", "--pace", "unlimited").want(exitOK)
	if audit := strings.Join(b.values("replayd.audit"), "\n"); !strings.Contains(audit, `"reason":"ask ops"`) {
		t.Errorf("the audit does not say why: %s", audit)
	}
}

func TestOneValueOfAKnownReplayIsHeldAgainstItsFrozenOne(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)))
	b.run(b.what("--topic", "x", "--create-topic", "--id", "part")...).want(exitOK)
	for _, same := range []string{"--from 2026-11-01", "--to 2026-11-02", "--for 24h", "--from -5d", "--topic x"} {
		b.run(append([]string{"--id", "part"}, strings.Fields(same)...)...).want(exitOK)
	}
	for other, says := range map[string]string{
		"--from 2026-10-31": `it has {"on":"event","from":"2026-11-01T00:00:00Z"`,
		"--to 2026-11-03":   `"to":"2026-11-03T00:00:00Z"`,
		"--for 23h":         `"to":"2026-11-01T23:00:00Z"`,
	} {
		b.run(append([]string{"--id", "part"}, strings.Fields(other)...)...).want(exitUsage, "replay part exists and is another one", says)
	}
	b.run("--id", "new", "--from", "2026-11-01").want(exitUsage, "--archive is missing", "--to is missing", "--topic is missing")
}

func TestTheSameCommandStartedTwiceAtOnceIsOneReplay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, first, second, id string
		code                    int
		says                    string
	}{
		{"the other has finished", "--max-bad 100%", "", "a", exitQuarantined, ""},
		{"the other has stopped on its way", "--max-bad 1%", "--max-bad 100%", "b", exitQuarantined, "continuing replay b"},
		{"the other is another one", "--max-bad 100% --lateness 1m", "--lateness 2m", "c", exitUsage, `lateness: it has "1m0s", asked for is "2m0s"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.now = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
			b.mostlyGood("o", 1200)
			begin := func(more string) []string {
				args := append(b.here("run"), b.what(strings.Fields("--format jsonl --topic x --create-topic --id "+c.id+" "+more)...)...)
				return replaced(args, "--from", "-24h")
			}
			r := &result{t: t, args: begin(c.second)}
			// what is said when the job is made, and before its spec is frozen
			said := &trigger{Writer: &r.err, word: "replay " + c.id, then: func() { b.replayd(begin(c.first)...) }}
			later := &app{out: &r.out, err: said, now: func() time.Time { return b.now.Add(time.Second) }}
			r.code = later.run(t.Context(), r.args)
			r.want(c.code, c.says)
			if n := len(b.values("x")); n != 1200 {
				t.Errorf("the topic holds %d events", n)
			}
		})
	}
}

// trigger does something once, when a word is about to be written.
type trigger struct {
	io.Writer
	word string
	then func()
}

func (w *trigger) Write(p []byte) (int, error) {
	if then := w.then; then != nil && strings.Contains(string(p), w.word) {
		w.then = nil
		then()
	}
	return w.Writer.Write(p)
}

// replaced is args with another value behind flag.
func replaced(args []string, flag, value string) []string {
	args = slices.Clone(args)
	args[slices.Index(args, flag)+1] = value
	return args
}

func TestTheSameCommandTypedAgainMeansTheSameReplay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.now = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	b.put("dt=2026-11-01/hr=12/o", []byte(event("a", 1)))
	args := []string{
		"--archive", b.folder, "--layout", "hive", "--event-id", "/id", "--event-time", "/t", "--from", "-12h", "--to", "-6h",
		"--topic", "x", "--create-topic", "--id", "same",
	}
	first := b.run(args...).want(exitOK).receipt()
	b.now = b.now.Add(3 * time.Hour) // times relative to now are those of the first start
	if got := b.run(args...).want(exitOK).receipt(); !reflect.DeepEqual(got, first) || got.Produced != 1 {
		t.Errorf("the receipt is %+v, was %+v", got, first)
	}
}

func TestAReplayOfAFolderIsContinuedFromAnotherFolder(t *testing.T) {
	b := newBench(t)
	b.put("o", []byte(event("a", 1)))
	t.Chdir(b.folder)
	args := b.what("--topic", "x", "--create-topic", "--id", "moved")
	args[1] = "." // the archive
	b.run(args...).want(exitOK)
	t.Chdir(t.TempDir())
	b.run("--id", "moved").want(exitOK)
}
