package main

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestAnUnknownIDAloneIsRefusedAndSaysHowToStartIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run("--id", "payments-0300").want(exitUsage, "no replay is called payments-0300", "--archive", "--topic")
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
