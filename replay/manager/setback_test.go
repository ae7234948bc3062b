package manager

import (
	"errors"
	"strings"
	"testing"
	"time"

	"replayd/replay"
	"replayd/replay/api"
)

func TestWhatFailsIsTriedAgainMoreAndMoreSeldom(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		other := c.daemon("other", nil)
		defer ends(other)
		failing := errors.New("the broker is full")
		var tries []time.Time
		c.fate = func(string) error {
			tries = append(tries, time.Now())
			return failing
		}
		d.begin("1", "x", 10, "10/s")
		d.begin("2", "x", 10, "10/s")
		wait(2400 * time.Millisecond)
		if r := other.stands("1"); r.State != replay.Failed || r.Reason != failing.Error() {
			t.Errorf("at another daemon it stands %+v", r)
		}
		if r := d.stands("1"); r.State != replay.Failed || r.Reason != failing.Error() || !strings.HasPrefix(r.Queued, "tried again at ") {
			t.Errorf("it stands %+v", r)
		}
		if mine, theirs := d.stands("1").Queued, other.stands("1").Queued; theirs != mine {
			t.Errorf("it waits because it is %q, and at another daemon because it is %q", mine, theirs)
		}
		wait(time.Hour)
		c.mu.Lock()
		var sessions []time.Duration // between tries
		for i := 1; i < len(tries); i++ {
			if gap := tries[i].Sub(tries[i-1]); gap > 2*time.Second {
				sessions = append(sessions, gap)
			}
		}
		n := len(tries)
		c.mu.Unlock()
		if len(sessions) < 12 || len(sessions) > 40 || sessions[0] > firstRetry+2*time.Second || sessions[len(sessions)-1] < lastRetry/2 {
			t.Errorf("between tries were %v", sessions)
		}
		if _, err := d.Resume(as(t, "ben"), "1", api.Resume{}); err != nil {
			t.Fatal(err)
		}
		wait(3 * time.Second)
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(tries) == n {
			t.Error("resumed, it was not tried at once")
		}
		c.fate = nil
	})
}

// TestWhatCameOfAnEarlierWishIsNotToldOfALater at any daemon, also before the later has come to anything.
func TestWhatCameOfAnEarlierWishIsNotToldOfALater(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d, other := c.daemon("d", []string{"x"}), c.daemon("other", nil)
		defer ends(d)
		defer ends(other)
		c.fate = func(string) error { return &replay.StoppedOn{Choice: replay.StopOnBad} }
		d.begin("1", "x", 10, "10/s")
		wait(5 * time.Second)
		d.mu.Lock()
		d.slow = 5 * time.Second
		d.mu.Unlock()
		for _, act := range []string{"pace", "resume"} {
			for _, at := range []*daemon{d, other} {
				if r := at.stands("1"); r.State != replay.Failed || r.Reason == "" {
					t.Errorf("at %s it stands %+v", at.name, r)
				}
			}
			d.freeze(true) // it has not read of the act yet
			if err := acts(other)[act](as(t, "ben"), "1", ""); err != nil {
				t.Fatal(err)
			}
			if r := other.stands("1"); r.State != replay.Running || r.Reason != "" {
				t.Errorf("behind %s it stands %+v", act, r)
			}
			d.freeze(false)
			wait(10 * time.Second)
		}
	})
}

func TestARefusalWaitsForAPersonAndForNoOther(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		d.mu.Lock()
		d.noMore = &replay.Refusal{Item: "retention", What: "it would be deleted"}
		d.mu.Unlock()
		d.begin("1", "x", 10, "10/s")
		wait(time.Second)
		d.mu.Lock()
		d.noMore = nil
		d.mu.Unlock()
		d.begin("2", "x", 10, "10/s")
		wait(time.Hour)
		if r := d.stands("1"); r.State != replay.Planned || !strings.Contains(r.Reason, "retention") {
			t.Errorf("the refused one stands %+v", r)
		}
		if r := d.stands("2"); r.State != replay.Completed {
			t.Errorf("the next one stands %+v", r)
		}
		if _, err := d.Resume(as(t, "ben"), "1", api.Resume{}); err != nil {
			t.Fatal(err)
		}
		wait(10 * time.Second)
		if r := d.stands("1"); r.State != replay.Completed {
			t.Errorf("resumed, it stands %+v", r)
		}
	})
}

// TestAReplayThatGotOnFailsAnew: how long the next try waits is told by the failures in a row at the same place.
func TestAReplayThatGotOnFailsAnew(t *testing.T) {
	failing := errors.New("the broker is full")
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	tried := func(seq int64, before setback) setback {
		s := &session{known: replay.Known{Checkpoint: &replay.Checkpoint{Seq: seq}}}
		b, _ := after(s, failing, before, now)
		return b
	}
	b := tried(10, setback{})
	for range 10 {
		b = tried(10, b)
	}
	if gap := b.until.Sub(now); b.tries != 10 || gap < lastRetry/2 {
		t.Errorf("at the same place for the 11th time: %d tries, the next in %s", b.tries, gap)
	}
	if b = tried(11, b); b.tries != 0 || b.until.Sub(now) > firstRetry {
		t.Errorf("behind an event more: %d tries, the next in %s", b.tries, b.until.Sub(now))
	}
}

// TestWhatWaitsForAPersonWaitsWhateverDaemonsDo: be they killed, or their topics divided anew. What refused or stopped it is
// cured meanwhile, so that a session would go through.
func TestWhatWaitsForAPersonWaitsWhateverDaemonsDo(t *testing.T) {
	for name, c := range map[string]struct {
		meets error
		state replay.State
	}{
		"refused before it began": {&replay.Refusal{Item: "overlap", What: "another has put it there"}, replay.Planned},
		"refused when it had":     {&replay.Refusal{Item: "restart", What: "the topic was deleted"}, replay.Failed},
		"stopped":                 {&replay.StoppedOn{Choice: replay.StopOnBad}, replay.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(t *testing.T, cl *cluster) {
				first, second := cl.daemon("first", []string{"x"}), cl.daemon("second", nil)
				defer ends(second)
				first.meets(c.state == replay.Planned, c.meets)
				first.begin("1", "x", 10, "10/s")
				wait(5 * time.Second)
				first.meets(false, nil)
				why := first.stands("1").Reason
				first.gets()
				second.gets("x")
				wait(10 * time.Minute)
				first.gets("x")
				second.gets()
				wait(10 * time.Minute)
				first.kill()
				third := cl.daemon("third", []string{"x"})
				defer ends(third)
				third.begin("2", "x", 10, "10/s")
				wait(time.Hour)
				for _, d := range []*daemon{second, third} {
					if r := d.stands("1"); r.State != c.state || r.Reason != why || why == "" || r.Queued != "" {
						t.Errorf("at %s it stands %+v", d.name, r)
					}
				}
				if got := cl.came("x"); got != "2:10" {
					t.Errorf("there came %s", got)
				}
				if _, err := second.Resume(as(t, "ben"), "1", api.Resume{}); err != nil {
					t.Fatal(err)
				}
				wait(10 * time.Second)
				if got := cl.came("x"); got != "2:10 1:10" {
					t.Errorf("resumed, there came %s", got)
				}
			})
		})
	}
}

// TestWhatHasJustBeenRefusedIsNotBegunByALookThatDoesNotKnow: it has read what is known before that was written.
func TestWhatHasJustBeenRefusedIsNotBegunByALookThatDoesNotKnow(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", nil)
		d.mu.Lock()
		d.lag = time.Second
		d.mu.Unlock()
		defer ends(d)
		d.meets(true, &replay.Refusal{Item: "retention", What: "it would be deleted"})
		d.gets("x")
		d.begin("1", "x", 10, "10/s")
		wait(time.Minute)
		d.mu.Lock()
		defer d.mu.Unlock()
		if n := len(d.worked); n != 1 {
			t.Errorf("%d sessions were begun", n)
		}
	})
}

// meets lets sessions end so from now on: before they have begun, or at their first commit.
func (d *daemon) meets(early bool, err error) {
	d.mu.Lock()
	d.noMore = nil
	if early {
		d.noMore = err
	}
	d.mu.Unlock()
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	d.c.fate = nil
	if err != nil && !early {
		d.c.fate = func(string) error { return err }
	}
}

// TestWhatMayHealIsTriedAgainByWhoeverComes where the daemon that met it is no more.
func TestWhatMayHealIsTriedAgainByWhoeverComes(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		d.meets(true, errors.New("the archive's credentials are refused"))
		d.begin("1", "x", 10, "10/s")
		wait(5 * time.Second)
		d.kill()
		other := c.daemon("other", []string{"x"})
		defer ends(other)
		wait(10 * time.Second)
		if got := c.came("x"); got != "1:10" {
			t.Errorf("there came %s", got)
		}
	})
}

// TestWhatIsNotWrittenToWaitForAPersonIsTriedAgain: whoever is told that it waits may rely on that.
func TestWhatIsNotWrittenToWaitForAPersonIsTriedAgain(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d, other := c.daemon("d", []string{"x"}), c.daemon("other", nil)
		defer ends(d)
		defer ends(other)
		d.meets(true, &replay.Refusal{Item: "retention", What: "it would be deleted"})
		c.mu.Lock()
		c.unrefused = errors.New("no quorum")
		c.mu.Unlock()
		d.begin("1", "x", 10, "10/s")
		wait(2 * time.Second)
		for _, at := range []*daemon{d, other} {
			if r := at.stands("1"); r.State != replay.Failed || !strings.Contains(r.Reason, "retention") || !strings.HasPrefix(r.Queued, "tried again at ") {
				t.Errorf("at %s it stands %+v", at.name, r)
			}
		}
		c.mu.Lock()
		c.unrefused = nil
		c.mu.Unlock()
		wait(time.Minute)
		d.meets(false, nil)
		wait(time.Hour)
		for _, at := range []*daemon{d, other} {
			if r := at.stands("1"); r.State != replay.Planned || !strings.Contains(r.Reason, "retention") || r.Queued != "" {
				t.Errorf("once it is written, at %s it stands %+v", at.name, r)
			}
		}
	})
}

// TestACancelIsCarriedOutWhateverItsSessionMeets that was begun for something else.
func TestACancelIsCarriedOutWhateverItsSessionMeets(t *testing.T) {
	for name, loses := range map[string]func(*cluster){
		"the target is lost":    func(c *cluster) { c.lost = true },
		"the last commit fails": func(c *cluster) { failsOnce(c, errors.New("no quorum")) },
		"it is stopped":         func(c *cluster) { failsOnce(c, &replay.StoppedOn{Choice: replay.StopOnLate}) },
	} {
		for _, wished := range []string{"running", "paused"} {
			t.Run(name+", "+wished, func(t *testing.T) {
				simulate(t, func(t *testing.T, c *cluster) {
					d := c.daemon("d", []string{"x"})
					defer ends(d)
					d.begin("1", "x", 100, "1/s")
					wait(5500 * time.Millisecond)
					if wished == "paused" {
						if _, err := d.Pause(as(t, "ben"), "1", api.Act{}); err != nil {
							t.Fatal(err)
						}
						wait(5 * time.Second)
					}
					c.mu.Lock()
					loses(c)
					c.mu.Unlock()
					if _, err := d.Cancel(as(t, "ben"), "1", api.Act{}); err != nil {
						t.Fatal(err)
					}
					wait(3 * time.Second)
					if r := d.stands("1"); r.State != replay.Cancelled {
						t.Errorf("it stands %+v", r)
					}
				})
			})
		}
	}
}

// failsOnce lets the next commit end with err. The lock is held.
func failsOnce(c *cluster, err error) {
	c.fate = func(string) error {
		c.fate = nil
		return err
	}
}

// TestARefusalThatIsOvertakenHoldsNothingBack: it is written late, when another daemon has taken the replay over and gone on.
func TestARefusalThatIsOvertakenHoldsNothingBack(t *testing.T) {
	for name, early := range map[string]bool{"before it began": true, "when it had": false} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(t *testing.T, c *cluster) {
				d, other, third := c.daemon("d", []string{"x"}), c.daemon("other", nil), c.daemon("third", nil)
				defer ends(d, third)
				d.late = make(chan struct{})
				if early {
					d.meets(true, &replay.Refusal{Item: "retention", What: "it would be deleted"})
				}
				d.begin("1", "x", 100, "1/s")
				wait(3 * time.Second)
				if !early {
					c.mu.Lock()
					failsOnce(c, &replay.StoppedOn{Choice: replay.StopOnLate})
					c.mu.Unlock()
				}
				wait(2 * time.Second) // its session has ended
				d.gets()
				other.gets("x")
				wait(3 * time.Second)
				close(d.late)
				for range 20 {
					wait(time.Second)
					for _, at := range []*daemon{d, other, third} {
						if r := at.stands("1"); r.State != replay.Running || r.Reason != "" || r.Daemon != other.name {
							t.Fatalf("at %s it stands %+v", at.name, r)
						}
					}
				}
				other.kill()
				third.gets("x")
				wait(3 * time.Minute)
				if got := c.came("x"); got != "1:100" {
					t.Errorf("there came %s", got)
				}
			})
		})
	}
}

// TestWhoResumesWhatIsRefusedResumesIt also while words say that a session works on it: they are of one that has gone since, or
// that is about to end.
func TestWhoResumesWhatIsRefusedResumesIt(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d, other := c.daemon("d", []string{"x"}), c.daemon("other", nil)
		defer ends(d, other)
		d.begin("1", "x", 100, "10/s")
		wait(3 * time.Second)
		d.kill()
		k, _ := (*registers)(other).Find("1")
		r := replay.NewRefused(k.Wish.Token, replay.Failed, "the topic was deleted", d.name, time.Now())
		r.Incarnation = k.Incarnation
		if err := (*registers)(other).Refuse(t.Context(), "1", r); err != nil {
			t.Fatal(err)
		}
		if r := other.stands("1"); r.Daemon != d.name {
			t.Fatalf("no word says that it runs: %+v", r)
		}
		c.audits()
		if _, err := other.Resume(as(t, "ben"), "1", api.Resume{}); err != nil {
			t.Fatal(err)
		}
		if got := c.audits(); got != "resume intent, resume outcome: done" {
			t.Errorf("the audit says %s", got)
		}
		other.gets("x")
		wait(time.Minute)
		if got := c.came("x"); got != "1:100" {
			t.Errorf("there came %s", got)
		}
	})
}
