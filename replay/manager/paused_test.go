package manager

import (
	"errors"
	"strings"
	"testing"
	"time"

	"replayd/replay"
	"replayd/replay/api"
)

// TestAFailedReplayThatIsPausedIsPaused and not tried again until somebody resumes it.
func TestAFailedReplayThatIsPausedIsPaused(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		commits := 0
		c.fate = func(string) error { // it works, fails, and can say so
			if commits++; commits == 2 {
				return errors.New("no quorum")
			}
			return nil
		}
		d.begin("1", "x", 1000, "100/s")
		for d.stands("1").State != replay.Failed {
			wait(100 * time.Millisecond)
		}
		if _, err := d.Pause(as(t, "ben"), "1", api.Act{Reason: "let it be"}); err != nil {
			t.Fatal(err)
		}
		wait(time.Hour)
		if r := d.stands("1"); r.State != replay.Paused || !strings.Contains(r.Reason, "let it be") || r.Queued != "" {
			t.Errorf("it stands as %s: %s, %s", r.State, r.Reason, r.Queued)
		}
		if _, err := d.Resume(as(t, "ben"), "1", api.Resume{}); err != nil {
			t.Fatal(err)
		}
		wait(time.Hour)
		if r := d.stands("1"); r.State != replay.Completed {
			t.Errorf("resumed it is %s: %s", r.State, r.Reason)
		}
	})
}
