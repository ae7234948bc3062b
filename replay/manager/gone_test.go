package manager

import (
	"errors"
	"testing"
	"time"

	"replayd/replay"
)

// TestADaemonThatNobodyCanHearAnyMoreLetsGo of what it does, when the control topics are not there any more: another takes it.
func TestADaemonThatNobodyCanHearAnyMoreLetsGo(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		d.begin("1", "x", 100, "10/s")
		wait(3 * time.Second)
		d.mu.Lock()
		d.gone = errors.New("topic replayd.config was deleted")
		close(d.changed)
		d.changed = make(chan struct{})
		d.mu.Unlock()
		wait(leaveWithin)
		if s := d.Standing(); len(s.Sessions) > 0 || s.Ended[Left] != 1 {
			t.Errorf("it goes on: %+v", s)
		}
		ends(d)
		other := c.daemon("other", []string{"x"})
		defer ends(other)
		wait(time.Minute)
		if r := other.stands("1"); r.State != replay.Completed || c.came("x") != "1:100" {
			t.Errorf("it stands %+v, in the topic are %s", r, c.came("x"))
		}
	})
}
