package manager

import (
	"strings"
	"testing"
	"time"

	"replayd/replay"
	"replayd/replay/api"
)

// commits has the foreground process of a replay write a checkpoint, by its own clock.
func (c *cluster) commits(id string, state replay.State, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	spec := specOf(id, "z", 1)
	c.append(func(known map[string]*entry, _ int64) {
		known[id] = &entry{Known: replay.Known{
			Spec: spec, Begun: true, CheckpointAt: at, Checkpoint: &replay.Checkpoint{State: state, Host: "laptop", PID: 77},
		}}
	})
}

func TestActsOnAForegroundReplaySayWhatCanBeDone(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		for _, stage := range []struct {
			state replay.State
			after time.Duration
			says  []string
			not   string
		}{
			{replay.Running, 3 * time.Second, []string{"runs in the foreground at laptop 77, last heard 3s ago", "Stop it there", "run --id r, with the flags", "silent for 10m"}, "replayd forget"},
			{replay.Running, 3 * time.Hour, []string{"last heard 3h ago", "Stop it there", "run --id r, with the flags", "replayd forget r"}, "silent for"},
			{replay.Paused, time.Minute, []string{"is paused: it ran in the foreground at laptop 77, last heard 1m ago", "run --id r, with the flags"}, "Stop it"},
			{replay.Failed, time.Hour, []string{"is failed", "replayd forget r"}, "Stop it"},
		} {
			began := time.Now()
			c.commits("r", stage.state, began)
			wait(stage.after + 500*time.Millisecond)
			if r := d.stands("r"); r.HeardAt.Sub(began).Abs() > 500*time.Millisecond {
				t.Errorf("%s: it was heard %s, and is told to have been %s", stage.state, began, r.HeardAt)
			}
			for _, name := range []string{"pause", "resume", "cancel", "pace", "approve"} {
				err := acts(d)[name](as(t, "ben"), "r", "")
				if problem(err) != "409" {
					t.Fatalf("%s: %v", name, err)
				}
				for _, text := range stage.says {
					if !strings.Contains(err.Error(), text) {
						t.Errorf("%s of one that is %s does not say %q: %v", name, stage.state, text, err)
					}
				}
				if strings.Contains(err.Error(), stage.not) {
					t.Errorf("%s of one that is %s says %q: %v", name, stage.state, stage.not, err)
				}
			}
		}
	})
}

func TestAForegroundReplayIsForgottenWhenItIsSilent(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		ben := as(t, "ben")
		c.commits("r", replay.Running, time.Now())
		wait(unheard - time.Second)
		if err := d.Forget(ben, "r", api.Act{}); problem(err) != "409" {
			t.Errorf("before its time: %v", err)
		}
		c.commits("r", replay.Running, time.Now())
		wait(unheard - time.Second)
		if err := d.Forget(ben, "r", api.Act{}); problem(err) != "409" || c.audits() != "" {
			t.Errorf("though it was heard: %v", err)
		}
		wait(2 * time.Second)
		d.mu.Lock()
		d.unready = errDead
		d.mu.Unlock()
		if err := d.Forget(ben, "r", api.Act{}); problem(err) != "503" {
			t.Errorf("by a daemon that hears nothing: %v", err)
		}
		d.mu.Lock()
		d.unready = nil
		d.mu.Unlock()
		if err := d.Forget(ben, "r", api.Act{}); err != nil {
			t.Fatal(err)
		}
		if got := c.audits(); got != "forget intent, forget outcome: done: it had not ended, and was last heard 10m ago" {
			t.Errorf("audited: %s", got)
		}
		wait(time.Second)
		if len(d.heard) != 0 {
			t.Errorf("kept is %v", d.heard)
		}
	})
}

// TestOfAForegroundReplayItIsNotToldWhatItDoesNow: a daemon reads its commits, and it lists, produces or waits between them.
func TestOfAForegroundReplayItIsNotToldWhatItDoesNow(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		for state, want := range map[replay.State]replay.Phase{
			replay.Running: replay.Untold, replay.Paused: replay.Waiting, replay.Failed: replay.Waiting, replay.Completed: replay.Ended,
		} {
			c.commits("r", state, time.Now())
			wait(time.Second)
			if r := d.stands("r"); r.State != state || r.Progress == nil || r.Progress.Phase != want {
				t.Errorf("of one that is %s it tells %+v", state, r.Progress)
			}
		}
	})
}

// TestAForegroundReplayIsHeardByOurOwnClock, which that of its machine may be behind or before.
func TestAForegroundReplayIsHeardByOurOwnClock(t *testing.T) {
	for name, skew := range map[string]time.Duration{"behind": -time.Hour, "before": time.Hour} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(t *testing.T, c *cluster) {
				d := c.daemon("d", []string{"x"})
				defer ends(d)
				c.commits("r", replay.Running, time.Now().Add(skew))
				wait(time.Second)
				c.commits("r", replay.Running, time.Now().Add(skew))
				wait(time.Second)
				if r := d.stands("r"); time.Since(r.HeardAt) > 2*time.Second || r.HeardAt.After(time.Now()) {
					t.Errorf("it was heard %s, at %s", r.HeardAt, time.Now())
				}
				if err := d.Forget(as(t, "ben"), "r", api.Act{}); problem(err) != "409" {
					t.Errorf("it is forgotten: %v", err)
				}
				wait(unheard)
				if err := d.Forget(as(t, "ben"), "r", api.Act{}); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestWhatADaemonReadsWhenItBeginsWasWrittenBefore whatever follows what in it.
func TestWhatADaemonReadsWhenItBeginsWasWrittenBefore(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		begins := func(is bool) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.unread = is
		}
		begins(true)
		wait(time.Hour)
		written := time.Now().Add(-30 * time.Minute)
		for n := range 3 {
			c.commits("r", replay.Running, written.Add(time.Duration(n)*time.Second))
			wait(time.Second)
		}
		begins(false)
		wait(time.Second)
		if r := d.stands("r"); !r.HeardAt.Equal(written.Add(2 * time.Second)) {
			t.Errorf("written %s before, it was heard %s before", time.Since(written), time.Since(r.HeardAt))
		}
	})
}

func TestAForegroundReplayThatIsNotHeardIsCountedAsPaused(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		c.commits("r", replay.Running, time.Now())
		wait(time.Minute)
		running, paused := Kind{replay.OwnerRun, replay.Running}, Kind{replay.OwnerRun, replay.Paused}
		if s := d.Standing(); s.Replays[running] != 1 || s.Replays[paused] != 0 {
			t.Errorf("it stands %v", s.Replays)
		}
		d.mu.Lock()
		d.stale = time.Now()
		d.mu.Unlock()
		wait(unheard)
		if s := d.Standing(); s.Replays[running] != 1 || s.Replays[paused] != 0 {
			t.Errorf("in an outage, in which nobody is heard, it stands %v", s.Replays)
		}
		d.mu.Lock()
		d.stale = time.Time{}
		d.mu.Unlock()
		if s := d.Standing(); s.Replays[running] != 0 || s.Replays[paused] != 1 {
			t.Errorf("when it is silent it stands %v", s.Replays)
		}
		if r := d.stands("r"); r.State != replay.Running {
			t.Errorf("it is told to be %s: what is stands in its checkpoint", r.State)
		}
	})
}
