package kafka

import (
	"strings"
	"testing"

	"replayd/replay"
)

// TestAnOverlapIsToldWithTheCommandOfItsReplay: one of a daemon is not continued by run.
func TestAnOverlapIsToldWithTheCommandOfItsReplay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		owner string
		ended bool
		says  string
	}{
		{replay.OwnerRun, true, "ended: run --id p1 prints its receipt"},
		{replay.OwnerDaemon, true, "ended: replayd show p1 prints its receipt"},
		{replay.OwnerRun, false, "Continue that replay with --id p1,"},
		{replay.OwnerDaemon, false, "Continue that replay with replayd resume p1,"},
	} {
		f := overlapping(&Stored{Spec: replay.Spec{ID: "p1", Owner: c.owner}}, c.ended)
		if !strings.Contains(f.Next, c.says) {
			t.Errorf("of one by %s: %s", c.owner, f.Next)
		}
	}
}
