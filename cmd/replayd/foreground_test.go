package main

import (
	"strings"
	"testing"
	"time"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/pace"
)

// TestOfAForegroundReplayItsCommitsAreShown, and nothing that only its process knows: how fast it is, and what it has fetched. Nor can
// its keys be offered.
func TestOfAForegroundReplayItsCommitsAreShown(t *testing.T) {
	t.Parallel()
	p := replay.Progress{State: replay.Running, Percent: 40, Pace: pace.Default()}
	p.Counters.Produced = 1234
	for _, c := range []struct {
		owner  string
		phase  replay.Phase
		opened int64
		tells  bool
	}{
		{replay.OwnerRun, replay.Untold, 0, false},
		{replay.OwnerDaemon, replay.Producing, 3, true},
	} {
		p.Phase, p.Opened = c.phase, c.opened
		report := p.Report()
		r := api.Replay{ID: "p1", State: replay.Running, Owner: c.owner, Wanted: replay.Running, Progress: &report}
		w := &watch{id: r.ID, at: r, block: &screen{}}
		shown, watched := strings.Join(replayLines(&r), "\n"), strings.Join(w.lines(), "\n")
		for _, text := range []string{"0/s", "fetched"} {
			if strings.Contains(shown, text) != c.tells || strings.Contains(watched, text) != c.tells {
				t.Errorf("of one of %s %q is told, or is not, in\n%s\n%s", c.owner, text, shown, watched)
			}
		}
		if strings.Contains(watched, "p pause") != c.tells {
			t.Errorf("watching one of %s it offers\n%s", c.owner, watched)
		}
		for _, text := range []string{"40.0 %", "produced 1,234"} {
			if !strings.Contains(shown, text) || !strings.Contains(watched, text) {
				t.Errorf("of one of %s %q is not told in\n%s\n%s", c.owner, text, shown, watched)
			}
		}
		if !strings.Contains(watched, "q leave") {
			t.Errorf("watching one of %s it does not say how to leave:\n%s", c.owner, watched)
		}
	}
}

// TestAProcessThatIsNotHeardIsTold by list, show and watch, and who has typed what runs in the foreground.
func TestAProcessThatIsNotHeardIsTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state        replay.State
		heard        time.Duration // ago
		words, by    string
		says, not    string
		ended, owned bool
	}{
		{state: replay.Running, heard: 2 * time.Second, words: "running", by: "replayd run at vm 7", says: "in the foreground, last heard", not: "when it is gone"},
		{state: replay.Running, heard: 3 * time.Minute, words: "running, last heard 3m ago", by: "replayd run at vm 7", says: "when it is gone: replayd run --id r, with the flags"},
		{state: replay.Paused, heard: 2 * time.Second, words: "paused", by: "replayd run", says: "when it is gone: replayd run --id r"},
		{state: replay.Completed, ended: true, words: "completed", by: "replayd run", not: "foreground"},
		{state: replay.Running, owned: true, words: "running", by: "anna", not: "foreground"},
	} {
		r := api.Replay{ID: "r", State: c.state, Owner: replay.OwnerRun, Wanted: replay.Running}
		if c.state == replay.Running {
			r.Daemon = "vm 7"
		}
		switch {
		case c.owned:
			r.Owner, r.StartedBy = replay.OwnerDaemon, "anna"
		case !c.ended:
			r.HeardAt = time.Now().Add(-c.heard)
		}
		lines := strings.Join(replayLines(&r), "\n")
		if got := stateInWords(&r); got != c.words || startedBy(&r) != c.by {
			t.Errorf("one that is %s, heard %s ago, is %q, by %q", c.state, c.heard, got, startedBy(&r))
		}
		w := &watch{id: r.ID, at: r}
		if seen := strings.Join(w.lines(), " · "); !strings.HasPrefix(seen, "replay r: "+c.words) || strings.Contains(seen, "carries it on") != strings.Contains(lines, "carries it on") {
			t.Errorf("one that is %s, heard %s ago, is watched as %s", c.state, c.heard, seen)
		}
		if !strings.Contains(lines, c.says) || c.not != "" && strings.Contains(lines, c.not) {
			t.Errorf("one that is %s, heard %s ago, is shown as\n%s", c.state, c.heard, lines)
		}
	}
}
