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

// TestWhatIsPausedBeforeItBeginsTellsWhoWantsThatAndWhy: whatever comes into its topic waits until they are asked.
func TestWhatIsPausedBeforeItBeginsTellsWhoWantsThatAndWhy(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		d.begin("1", "x", 1000, "10/s")
		d.begin("2", "x", 1000, "10/s")
		if _, err := d.Pause(as(t, "ben"), "2", api.Act{Reason: "hold"}); err != nil {
			t.Fatal(err)
		}
		wait(2 * time.Second)
		if r := d.stands("2"); r.State != replay.Planned || r.Wanted != replay.Paused || r.WishedBy != "ben" || r.WishedReason != "hold" || r.Reason != "" {
			t.Errorf("it stands %+v", r)
		}
	})
}

// TestWhatGaveItsPlaceAwayIsEndedBesideWhatRunsThere: nobody waits for hours to be rid of it.
func TestWhatGaveItsPlaceAwayIsEndedBesideWhatRunsThere(t *testing.T) {
	for name, want := range map[string]replay.State{"pause": replay.Paused, "cancel": replay.Cancelled} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(t *testing.T, c *cluster) {
				d := failedBesideAnother(t, c)
				defer ends(d)
				if err := acts(d)[name](as(t, "ben"), "bad", "let it be"); err != nil {
					t.Fatal(err)
				}
				wait(5 * time.Second)
				if r := d.stands("bad"); r.State != want || r.Queued != "" && want.Terminal() {
					t.Errorf("it stands %+v", r)
				}
				if r := d.stands("next"); r.State != replay.Running {
					t.Errorf("what ran there stands %+v", r)
				}
				wait(time.Minute)
				if came := c.came("x"); came != "next:200" {
					t.Errorf("in the topic are %s", came)
				}
			})
		})
	}
}

// TestWhatIsResumedWhileItSaysThatItIsPausedWaitsForItsTurn again: the topic is another's.
func TestWhatIsResumedWhileItSaysThatItIsPausedWaitsForItsTurn(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := failedBesideAnother(t, c)
		defer ends(d)
		d.mu.Lock()
		d.slow = 3 * time.Second
		d.mu.Unlock()
		for _, act := range []string{"pause", "resume"} {
			if err := acts(d)[act](as(t, "ben"), "bad", ""); err != nil {
				t.Fatal(err)
			}
			wait(time.Second)
		}
		wait(4 * time.Second)
		if r := d.stands("bad"); r.Queued != "behind next" {
			t.Errorf("it stands %+v", r)
		}
		wait(time.Minute)
		if came := c.came("x"); came != "next:200 bad:50" {
			t.Errorf("in the topic are %s", came)
		}
	})
}

// failedBesideAnother has a replay bad, which fails at what it would fail at again, and next, which runs in its place for 20 seconds.
func failedBesideAnother(t *testing.T, c *cluster) *daemon {
	t.Helper()
	d := c.daemon("d", []string{"x"})
	failed := false
	c.fate = func(id string) error {
		if id == "bad" && !failed {
			failed = true
			return &replay.StoppedOn{Choice: replay.StopOnBad}
		}
		return nil
	}
	d.begin("bad", "x", 50, "10/s")
	d.begin("next", "x", 200, "10/s")
	for d.stands("next").State != replay.Running {
		wait(100 * time.Millisecond)
	}
	return d
}
