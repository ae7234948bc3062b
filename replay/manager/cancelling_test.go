package manager

import (
	"strings"
	"testing"
	"time"

	"replayd/replay"
)

// TestWhatIsBeingCancelledIsNotCalledBack while the daemon that is to write its end does not.
func TestWhatIsBeingCancelledIsNotCalledBack(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", nil)
		defer ends(d)
		c.mu.Lock()
		spec := specOf("r", "x", 1)
		spec.Owner = replay.OwnerDaemon
		c.append(func(known map[string]*entry, at int64) {
			known["r"] = &entry{Known: replay.Known{Spec: spec, Order: at, Begun: true, Checkpoint: &replay.Checkpoint{State: replay.Running}}}
			known["r"].wanted = replay.Wishes{State: &replay.Wish{State: replay.Running}, Cancel: &replay.Signed{By: "anna", Token: "t"}}
		})
		c.mu.Unlock()
		wait(time.Second)
		c.mu.Lock()
		written := len(c.log)
		c.mu.Unlock()
		for _, name := range []string{"pause", "resume", "pace", "approve"} {
			if err := acts(d)[name](as(t, "ben"), "r", ""); problem(err) != "409" || !strings.Contains(err.Error(), "is being cancelled") {
				t.Errorf("%s: %v", name, err)
			}
		}
		c.mu.Lock()
		if len(c.log) != written {
			t.Error("something was written")
		}
		c.mu.Unlock()
		if got := c.audits(); got != "" {
			t.Errorf("audited: %s", got)
		}
		if err := acts(d)["cancel"](as(t, "ben"), "r", ""); err != nil {
			t.Errorf("cancelled again: %v", err)
		}
	})
}
