package main

import (
	"strings"
	"testing"
	"time"
)

// odd is an archive with one event of each kind that the policies speak of.
func (b *bench) odd() {
	b.put("o", []byte(event("a", 1)+`{"id":"a","t":"2026-11-01T12:00:01Z","other":1}`+"\n"+`{"t":"2026-11-01T12:00:02Z"}`+"\n"+event("b", 3)+"rubbish\n"+event("c", 4)))
}

func TestEachPolicyDoesWhatItsFlagSays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flags string
		code  int
		want  map[string]int64 // of the receipt
	}{
		{"", exitQuarantined, map[string]int64{"produced": 5, "conflicts": 1, "no_id": 1, "quarantined": 1}},
		{"--on-conflict drop", exitQuarantined, map[string]int64{"produced": 4, "filtered": 1, "conflicts": 0}},
		{"--on-conflict quarantine", exitQuarantined, map[string]int64{"produced": 4, "quarantined": 2, "conflicts": 1}},
		{"--on-missing-id quarantine", exitQuarantined, map[string]int64{"produced": 4, "quarantined": 2, "no_id": 1}},
		{"--filter id!=\"b\"", exitQuarantined, map[string]int64{"produced": 4, "filtered": 1}},
		{"--filter event.other>0", exitQuarantined, map[string]int64{"produced": 1, "quarantined": 5}},
		{"--limit 2", exitQuarantined, map[string]int64{"produced": 2}},
		{"--limit 2 --on-bad quarantine", exitQuarantined, map[string]int64{"produced": 2}},
	} {
		t.Run(c.flags, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.odd()
			r := b.run(b.what(append([]string{"--topic", "x", "--create-topic"}, strings.Fields(c.flags)...)...)...).want(c.code).receipt()
			got := map[string]int64{
				"produced": r.Produced, "filtered": r.Filtered, "conflicts": r.Conflicts, "no_id": r.NoID, "quarantined": r.Quarantined,
			}
			for name, want := range c.want {
				if got[name] != want {
					t.Errorf("%s is %d, want %d: %+v", name, got[name], want, r.Counters)
				}
			}
			if n := len(b.values("x")); int64(n) != r.Produced || !r.Balanced() {
				t.Errorf("%d records, receipt %+v", n, r.Counters)
			}
		})
	}
}

func TestAReplayThatStopsOnSomethingGoesOnByTheCommandItPrints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ flags, says, keeps string }{
		{"--on-conflict stop", "an event in conflict", ""},
		{"--on-missing-id stop --on-bad stop", "a bad entry", "--on-missing-id=stop"},
	} {
		t.Run(c.flags, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.odd()
			r := b.run(b.what(append([]string{"--topic", "x", "--create-topic", "--id", "s"}, strings.Fields(c.flags)...)...)...)
			next := r.want(exitFailed, c.says, "at byte", "of object o").next()
			for stops := 1; ; stops++ {
				if !strings.Contains(next, c.keeps) {
					t.Errorf("the command leaves %s out: %s", c.keeps, next)
				}
				r = b.told(next)
				if r.code != exitFailed || stops == 3 {
					break
				}
				c.keeps, next = "", r.next()
			}
			if receipt := r.want(exitQuarantined).receipt(); receipt.Produced != 5 {
				t.Errorf("produced %d", receipt.Produced)
			}
		})
	}
}

func TestPoliciesAreFrozenAndStopIsNot(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)))
	b.run(b.what("--topic", "x", "--create-topic", "--id", "p", "--on-late", "quarantine", "--filter", "id != \"z\"")...).want(exitOK)
	for flags, says := range map[string]string{
		"--on-late emit":               `on_late: it has "quarantine", asked for is "emit"`,
		"--on-conflict drop":           `on_conflict: it has "emit", asked for is "drop"`,
		"--filter id!=\"a\"":           "filter: it has",
		"--limit 7":                    "limit: it has none, asked for is 7",
		"--value /t":                   "value: it has none",
		"--event-time-zone Asia/Tokyo": "event_time_zone: it has none",
		"--on-missing-id quarantine":   "on_missing_id: it has",
		"--on-late stop --on-bad stop": "",
		"--on-late quarantine":         "",
	} {
		r := b.run(append([]string{"--id", "p"}, strings.Fields(flags)...)...)
		if says == "" {
			r.want(exitOK)
			continue
		}
		r.want(exitUsage, says)
	}
}

func TestAPartOfTheEventIsWhatCatPrints(t *testing.T) {
	t.Parallel()
	b := nowhere(t)
	b.put("o", []byte(`{"id":"1","t":"2026-11-01T12:00:00","data":{"n": 9007199254740993}}`+"\n"))
	r := b.replayd(append([]string{"cat"}, b.what("--value", "/data", "--event-time-zone", "America/Sao_Paulo", "--filter", "time.Hour() == 15")...)...).want(exitOK)
	if got := r.out.String(); got != `{"n": 9007199254740993}`+"\n" {
		t.Errorf("it prints %s", got)
	}
}

func TestTheWindowIsReadInTheZoneThatIsSaid(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct{ text, zone, want, says string }{
		{"2026-11-01T12", "", "2026-11-01T12:00:00Z", ""},
		{"2026-11-01T12", "America/Sao_Paulo", "2026-11-01T15:00:00Z", ""},
		{"2026-11-01T12:00Z", "America/Sao_Paulo", "2026-11-01T12:00:00Z", ""},
		{"-3h", "America/Sao_Paulo", "2026-11-30T21:00:00Z", ""},
		{"2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00Z", ""},
		{"2026-10-25T02:30", "Europe/Berlin", "", "twofold in Europe/Berlin, where clocks are put back: write 2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00"},
		{"2026-03-29T02:30", "Europe/Berlin", "", "is no time in Europe/Berlin: the clocks are put forward over it"},
		{"2026-11-01", "Mars/Olympus", "", "--zone"},
	} {
		got, _, err := parseTime(c.text, c.zone, now)
		switch {
		case c.says != "":
			if err == nil || !strings.Contains(err.Error(), c.says) || codeOf(err) != exitUsage {
				t.Errorf("%s in %s: %v", c.text, c.zone, err)
			}
		case err != nil || got.Format(time.RFC3339) != c.want:
			t.Errorf("%s in %s is %s, %v", c.text, c.zone, got, err)
		}
	}
}

func TestTheSlowestArrivalIsToldInEventWindowsToo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.configured = b.config("archives:\n  a:\n    url: " + b.folder + "\n    layout: jsonl\n    format: jsonl\n    event_id: /id\n    event_time: /t\n    arrival: /at\n")
	b.put("o", []byte(`{"id":"1","t":"2026-11-01T12:00:00Z","at":"2026-11-01T12:03:32Z"}`+"\n"+`{"id":"2","t":"2026-11-01T12:00:01Z"}`+"\n"))
	r := b.run("--archive", "a", "--from", "2026-11-01", "--for", "24h", "--topic", "x", "--create-topic").want(exitOK).receipt()
	if r.Produced != 2 || r.MaxArrivalDelay != 212 {
		t.Errorf("produced %d, longest delay %d s", r.Produced, r.MaxArrivalDelay)
	}
}

func TestWordsOfPoliciesAreChecked(t *testing.T) {
	t.Parallel()
	r := nowhere(t).replayd(strings.Fields("run --topic x --archive ./a --from -3h --to -1h --event-id /id --event-time /t " +
		"--on-late drop --on-conflict no --on-missing-id no --on-bad emit --limit 0 --filter nonsense")...)
	r.want(exitUsage, `--on-late "drop": emit, quarantine or stop`, "--on-conflict", "--on-missing-id", `--on-bad "emit": quarantine or stop`, "--limit 0", "--filter")
}
