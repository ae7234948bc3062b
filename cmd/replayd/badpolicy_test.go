package main

import (
	"slices"
	"strings"
	"testing"
)

// choice is what a person can choose to be done with an odd event, a line in docs/reliability.md.
type choice struct {
	hazard
	flags string
	lines []string // of an object of hour 14; the replay is of 12 to 15
	want  []string // by their numbers in lines: what is produced, in order
}

// What the choices are about: events of hour 14, each beside one that is as it should be.
const (
	fine     = `{"id":"fine","t":"2026-11-01T14:00:00Z","n":1}`
	tardy    = `{"id":"tardy","t":"2026-11-01T12:30:00Z","n":2}`
	other    = `{"id":"fine","t":"2026-11-01T14:00:01Z","n":3}`
	nameless = `{"t":"2026-11-01T14:00:02Z","n":4}`
	silent   = `{"id":"silent","t":"2026-11-01T14:00:03Z"}`
	broken   = `rubbish`
)

var choices = []choice{
	{
		hazard{"a late event, `--on-late emit` (default)", "produced at the earliest place that is still open, flag `late`", 0, "late"},
		"",
		[]string{fine, tardy},
		[]string{tardy, fine},
	},
	{
		hazard{"a late event, `--on-late quarantine`", "quarantined", 3, "quarantined_by.late"},
		"--on-late quarantine",
		[]string{fine, tardy},
		[]string{fine},
	},
	{
		hazard{"a late event, `--on-late stop`", "the replay stops before it, and is continued by the printed command, as without the flag", 1, "once it is continued"},
		"--on-late stop",
		[]string{fine, tardy},
		[]string{tardy, fine},
	},
	{
		hazard{"the id of an event with another body, `--on-conflict emit` (default)", "both are produced, the second with flag `conflict`", 0, "conflicts"},
		"",
		[]string{fine, other},
		[]string{fine, other},
	},
	{
		hazard{"the id of an event with another body, `--on-conflict drop`", "the second is left out", 0, "filtered_by.conflict"},
		"--on-conflict drop",
		[]string{fine, other},
		[]string{fine},
	},
	{
		hazard{"the id of an event with another body, `--on-conflict quarantine`", "the second is quarantined", 3, "quarantined_by.conflict"},
		"--on-conflict quarantine",
		[]string{fine, other},
		[]string{fine},
	},
	{
		hazard{"the id of an event with another body, `--on-conflict stop`", "the replay stops before the second, and is continued by the printed command, as without the flag", 1, "once it is continued"},
		"--on-conflict stop",
		[]string{fine, other},
		[]string{fine, other},
	},
	{
		hazard{"an event without id, `--on-missing-id emit` (default)", "produced, flag `no-id`", 0, "no_id"},
		"",
		[]string{fine, nameless},
		[]string{fine, nameless},
	},
	{
		hazard{"an event without id, `--on-missing-id quarantine`", "quarantined", 3, "quarantined_by.no-id"},
		"--on-missing-id quarantine",
		[]string{fine, nameless},
		[]string{fine},
	},
	{
		hazard{"an event without id, `--on-missing-id stop`", "the replay stops before it, and is continued by the printed command, as without the flag", 1, "once it is continued"},
		"--on-missing-id stop",
		[]string{fine, nameless},
		[]string{fine, nameless},
	},
	{
		hazard{"a bad entry, `--on-bad quarantine` (default)", "quarantined", 3, "quarantined_by.json"},
		"",
		[]string{fine, broken},
		[]string{fine},
	},
	{
		hazard{"a bad entry, `--on-bad stop`", "the replay stops before it, and is continued by the printed command, as without the flag", 1, "once it is continued"},
		"--on-bad stop",
		[]string{broken, fine},
		[]string{fine},
	},
	{
		hazard{"an event that `--filter` does not keep", "left out", 0, "filtered_by.filter"},
		"--filter event.n!=1",
		[]string{fine, other},
		[]string{other},
	},
	{
		hazard{"an event on which `--filter` fails", "quarantined", 3, "quarantined_by.filter-error"},
		"--filter event.n>0",
		[]string{fine, silent},
		[]string{fine},
	},
	{
		hazard{"an event on which `--filter` fails, `--on-bad stop`", "the replay stops before it, and is continued by the printed command, as without the flag", 1, "once it is continued"},
		"--filter event.n>0 --on-bad stop",
		[]string{fine, silent},
		[]string{fine},
	},
	{
		hazard{"an event without the part that `--value` names", "quarantined", 3, "quarantined_by.value"},
		"--value /n",
		[]string{fine, silent},
		[]string{"1"},
	},
	{
		hazard{"an event without a usable time of arrival, `--window-on arrival`", "quarantined", 3, "quarantined_by.arrival"},
		"--window-on arrival",
		[]string{fine, `{"id":"b","t":"2026-11-01T14:00:03Z","at":"2026-11-01T14:00:04Z"}`},
		[]string{`{"id":"b","t":"2026-11-01T14:00:03Z","at":"2026-11-01T14:00:04Z"}`},
	},
	{
		hazard{"a copy of an event", "dropped", 0, "duplicates"},
		"",
		[]string{fine, fine},
		[]string{fine},
	},
	{
		hazard{"a copy of an event, `--dedupe off`", "produced like the first", 0, "produced"},
		"--dedupe off",
		[]string{fine},
		[]string{fine},
	},
	{
		hazard{"an event outside the window, in an hour that was read for its neighbours", "not produced", 0, "outside"},
		"",
		[]string{fine, `{"id":"early","t":"2026-11-01T11:59:59Z"}`},
		[]string{fine},
	},
}

func TestEachChoiceDoesWhatItsLineSays(t *testing.T) {
	t.Parallel()
	for _, c := range choices {
		t.Run(c.input, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.put("2026/11/01/14/o", []byte(strings.Join(c.lines, "\n")+"\n"))
			b.configured = b.config("archives:\n  a: {url: ['" + b.folder + "'], layout: '%Y/%m/%d/%H/', format: jsonl, event_id: /id, event_time: /t, arrival: /at}\n")
			args := []string{"--archive", "a", "--from", "2026-11-01T12", "--to", "2026-11-01T15", "--topic", "x", "--create-topic", "--partitions", "1"}
			r := b.run(append(args, strings.Fields(c.flags)...)...).want(c.exit)
			if c.exit == exitFailed {
				quarantined := strings.Contains(c.flags, "--on-bad")
				r = b.told(r.next())
				if want := map[bool]int{true: exitQuarantined}[quarantined]; r.code != want {
					t.Fatalf("continued, it exits %d, not %d:\n%s", r.code, want, r.err.String())
				}
			} else {
				b.counted(r, c.hazard, 1)
			}
			if got := b.values("x"); !slices.Equal(got, c.want) {
				t.Errorf("the topic holds %q, want %q", got, c.want)
			}
			if n := r.receipt().Quarantined; n > 0 && len(b.quarantine()) != int(n) {
				t.Errorf("the receipt counts %d quarantined, their topic holds %v", n, b.quarantine())
			}
		})
	}
}
