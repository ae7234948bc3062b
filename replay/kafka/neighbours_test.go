package kafka

import (
	"strings"
	"testing"

	"replayd/replay"
)

// TestAnOverlapIsToldWithTheCommandOfItsReplay: what can be typed depends on who runs it, and on how far it is.
func TestAnOverlapIsToldWithTheCommandOfItsReplay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		owner string
		state replay.State // of its last checkpoint; empty: it has none
		says  string
	}{
		{replay.OwnerRun, replay.Completed, "has ended: replayd run --id p1 (with the flags it was begun with) prints its receipt"},
		{replay.OwnerDaemon, replay.Cancelled, "has ended: replayd show p1 prints its receipt"},
		{replay.OwnerRun, replay.Running, "runs at vm 7; if it was killed there, continue it with replayd run --id p1 (with the flags"},
		{replay.OwnerDaemon, replay.Running, "replayd watch p1 shows"},
		{replay.OwnerRun, replay.Paused, "Continue that replay with replayd run --id p1 (with the flags"},
		{replay.OwnerDaemon, replay.Paused, "Continue that replay with replayd resume p1."},
		{replay.OwnerDaemon, replay.Failed, "Continue that replay with replayd resume p1."},
		{replay.OwnerRun, "", "Continue that replay with replayd run --id p1 (with the flags"},
		{replay.OwnerDaemon, "", "says replayd show p1."},
	} {
		var last *replay.Checkpoint
		if c.state != "" {
			last = &replay.Checkpoint{State: c.state, Host: "vm", PID: 7}
		}
		f := overlapping(&Stored{Spec: replay.Spec{ID: "p1", Owner: c.owner}}, last)
		if !strings.Contains(f.Next, c.says) || !strings.Contains(f.Next, "se another --topic, or --allow overlap.") {
			t.Errorf("of one by %s that is %q: %s", c.owner, c.state, f.Next)
		}
	}
}
