package manager

import (
	"testing"
	"time"

	"replayd/replay"
	"replayd/replay/api"
)

// TestAnyDaemonTellsWhyAReplayWaits for a place at another one, until it waits no more.
func TestAnyDaemonTellsWhyAReplayWaits(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x", "y"}, func(o *Options) { o.MaxRunning = 1 })
		defer ends(d)
		other := c.daemon("other", nil)
		defer ends(other)
		same := func(want string) {
			t.Helper()
			wait(3 * time.Second)
			for _, at := range []*daemon{d, other} {
				if r := at.stands("2"); r.Queued != want {
					t.Errorf("at %s it waits because %q, not %q", at.name, r.Queued, want)
				}
			}
		}
		d.begin("1", "x", 100, "1/s")
		wait(time.Second)
		d.begin("2", "y", 100, "1/s")
		full := "as many replays run at d as may at a time: 1"
		same(full)
		written := c.words()
		wait(30 * time.Second)
		if now := c.words(); now["2"] != written["2"] {
			t.Errorf("it was told %d times, and then %d: nothing had changed", written["2"], now["2"])
		}
		if _, err := other.Pause(as(t, "ben"), "2", api.Act{}); err != nil {
			t.Fatal(err)
		}
		same("")
		if _, err := other.Resume(as(t, "ben"), "2", api.Resume{}); err != nil {
			t.Fatal(err)
		}
		same(full)
		if _, err := other.Cancel(as(t, "ben"), "1", api.Act{}); err != nil {
			t.Fatal(err)
		}
		same("")
		if r := other.stands("2"); r.State != replay.Running || r.Daemon != "d" {
			t.Errorf("it stands as %s at %q", r.State, r.Daemon)
		}
		wait(3 * time.Minute)
		same("")
	})
}

// TestAReplayRunsAtNoDaemonThatIsDead also while the one that has its topic now has no place for it.
func TestAReplayRunsAtNoDaemonThatIsDead(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		other := c.daemon("other", []string{"y"}, func(o *Options) { o.MaxRunning = 1 })
		defer ends(other)
		d.begin("1", "x", 1000, "1/s")
		other.begin("2", "y", 1000, "1/s")
		wait(3 * time.Second)
		if r := other.stands("1"); r.State != replay.Running || r.Daemon != "d" {
			t.Errorf("it runs, and stands as %s at %q", r.State, r.Daemon)
		}
		d.kill()
		other.gets("x", "y")
		wait(silent + 2*time.Second)
		if r := other.stands("1"); r.State != replay.Running || r.Daemon != "" || r.Queued != "as many replays run at other as may at a time: 1" {
			t.Errorf("nobody runs it, and it stands as %s at %q: %q", r.State, r.Daemon, r.Queued)
		}
	})
}
