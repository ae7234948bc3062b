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
