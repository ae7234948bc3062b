package main

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"unicode"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

// TestWhatSomebodyTypedDoesNothingToATerminal: neither reasons nor names reach it as they are, and none passes for a line of ours.
func TestWhatSomebodyTypedDoesNothingToATerminal(t *testing.T) {
	t.Parallel()
	const evil = "a\x1b[31mRED\x1b[2J\u009b1A\nreplay t2: completed"
	for _, state := range []replay.State{replay.Paused, replay.Failed, replay.Planned, replay.Running} {
		synctest.Test(t, func(t *testing.T) {
			r := stand(state, state, 0, because(evil), worksAt(evil), queued(evil))
			r.StartedBy, r.Archive, r.URL, r.Topic, r.Pace = evil, evil, evil, evil, evil
			r.Progress = &replay.Report{Error: evil, Warnings: []string{evil}, Pace: evil}
			over := r
			over.State, over.Queued, over.Daemon = replay.Failed, "", ""
			d := &telling{apitest.NewFake(), r, []api.Replay{r, over}}
			for _, args := range [][]string{{"pause", "p1"}, {"watch", "p1"}, append(slices.Clone(startPayments), "--yes")} {
				told := d.types(t, append(args, "-o", "text")...)
				text := told.out.String() + told.err.String()
				for line := range strings.Lines(text) {
					line = strings.TrimSuffix(line, "\n")
					if strings.HasPrefix(line, "replay t2") || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsGraphic(r) }) {
						t.Errorf("%s of one that is %s prints %q", args[0], state, line)
					}
				}
				if !strings.Contains(text, `\x1b[31mRED`) {
					t.Errorf("%s of one that is %s hides why:\n%s", args[0], state, text)
				}
			}
			var list strings.Builder
			w := tabwriter.NewWriter(&list, 0, 0, 2, ' ', 0)
			if err := (&app{output: "text"}).printListed(w, &r); err != nil || w.Flush() != nil || strings.Count(list.String(), "\n") != 1 || strings.ContainsAny(list.String(), "\x1b\u009b") {
				t.Errorf("list prints %q, %v", list.String(), err)
			}
		})
	}
}
