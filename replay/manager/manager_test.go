package manager

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"replayd/replay"
	"replayd/replay/api"
)

// simulate runs a test in fake time on a cluster of its own.
func simulate(t *testing.T, do func(t *testing.T, c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		do(t, c)
	})
}

// ends stops daemons gracefully.
func ends(daemons ...*daemon) {
	for _, d := range daemons {
		d.stop()
		<-d.runs
	}
}

func TestReplaysOfATopicRunOneAfterAnother(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x", "y"})
		defer ends(d)
		d.begin("1", "x", 50, "10/s")
		d.begin("2", "x", 30, "10/s")
		d.begin("3", "y", 20, "10/s")
		wait(time.Second)
		begun := time.Now()
		if r := d.stands("2"); r.State != replay.Planned || r.Queued != "behind 1" || r.Daemon != "" {
			t.Errorf("the second stands %+v", r)
		}
		if r := d.stands("1"); r.State != replay.Running || r.Progress == nil || r.Daemon != "d" || r.Pace != "10/s" {
			t.Errorf("the first stands %+v", r)
		}
		wait(20 * time.Second)
		for _, id := range []string{"1", "2", "3"} {
			if r := d.stands(id); r.State != replay.Completed || r.Queued != "" || r.Progress == nil || r.Progress.Percent != 100 || r.Progress.Phase != replay.Ended {
				t.Errorf("%s stands %+v", id, r)
			}
		}
		for id, took := range map[string]time.Duration{"1": 5 * time.Second, "2": 8 * time.Second} { // at 10 a second
			if at := d.stands(id).EndedAt.Sub(begun); at < took-2*time.Second || at > took+2*time.Second {
				t.Errorf("%s ended %s behind the begin of the first", id, at)
			}
		}
		if x, y := c.came("x"), c.came("y"); x != "1:50 2:30" || y != "3:20" || d.opens != 3 {
			t.Errorf("%s; %s; %d sessions", x, y, d.opens)
		}
	})
}

func TestAPausedReplayHoldsItsTopicAndACancelledOneGivesItOn(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		d.begin("1", "x", 100, "10/s")
		d.begin("2", "x", 10, "10/s")
		wait(3 * time.Second)
		if r, err := d.Pause(as(t, "ben"), "1", api.Act{Reason: "lunch"}); err != nil || r.Wanted != replay.Paused {
			t.Fatal(r, err)
		}
		wait(2 * time.Minute) // its session is over
		if r := d.stands("1"); r.State != replay.Paused || r.Reason != "paused by ben: lunch" || r.Daemon != "" && r.Progress.State != replay.Paused {
			t.Errorf("the paused one stands %+v", r)
		}
		if r := d.stands("2"); r.Queued != "behind 1, which is paused" {
			t.Errorf("the one behind it stands %+v", r)
		}
		if n := d.opens; n != 1 {
			t.Errorf("%d sessions, of a replay that began and is paused", n)
		}
		if _, err := d.Cancel(as(t, "ben"), "1", api.Act{}); err != nil {
			t.Fatal(err)
		}
		wait(10 * time.Second)
		if r := d.stands("1"); r.State != replay.Cancelled || r.Reason != "cancelled by ben" {
			t.Errorf("the cancelled one stands %+v", r)
		}
		if r := d.stands("2"); r.State != replay.Completed {
			t.Errorf("the one behind it stands %+v", r)
		}
	})
}

func TestACancelledReplayThatHadNotBegunNeverBegins(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", nil) // nothing is its own
		defer ends(d)
		d.begin("1", "x", 100, "10/s")
		if r, err := d.Cancel(as(t, "ben"), "1", api.Act{Reason: "no"}); err != nil || r.State != replay.Cancelled || r.Reason != "cancelled by ben: no" || !r.EndedAt.Equal(r.WishedAt) || r.EndedAt.IsZero() {
			t.Errorf("%+v, %v", r, err)
		}
		receipt, err := d.Receipt(t.Context(), "1")
		if err != nil || receipt.State != replay.Cancelled || receipt.Read != 0 || !receipt.Balanced() {
			t.Errorf("%+v, %v", receipt, err)
		}
		d.gets("x")
		wait(time.Minute)
		if d.opens != 0 {
			t.Error("a session began")
		}
	})
}

// TestWhatIsCancelledWhileItBeginsHasNotEndedBeforeItsSession cancels at the daemon that begins a replay, and at another.
func TestWhatIsCancelledWhileItBeginsHasNotEndedBeforeItsSession(t *testing.T) {
	for _, other := range []bool{false, true} {
		simulate(t, func(t *testing.T, c *cluster) {
			d, e := c.daemon("d", []string{"x"}), c.daemon("e", nil)
			defer ends(d)
			defer ends(e)
			at := d
			if other {
				at = e
			}
			d.slow = 3 * time.Second
			d.begin("1", "x", 100, "10/s")
			wait(time.Second) // it opens its sink
			if r, err := at.Cancel(as(t, "ben"), "1", api.Act{}); err != nil || r.State != replay.Planned || r.Wanted != replay.Cancelled {
				t.Errorf("%+v, %v", r, err)
			}
			if err := at.Forget(as(t, "ben"), "1", api.Act{}); problem(err) != "409" {
				t.Errorf("before its end it is forgotten: %v", err)
			}
			var states []replay.State
			for range 200 {
				states = append(states, at.stands("1").State)
				wait(50 * time.Millisecond)
			}
			states = slices.Compact(states)
			if i := slices.Index(states, replay.Cancelled); i != len(states)-1 {
				t.Errorf("it stands, one after the other: %v", states)
			}
			if err := at.Forget(as(t, "ben"), "1", api.Act{}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestASessionOfWhatIsForgottenEnds(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		d.begin("1", "x", 1000, "10/s")
		wait(5 * time.Second)
		count := func() int {
			c.mu.Lock()
			defer c.mu.Unlock()
			return len(c.topics["x"])
		}
		c.mu.Lock()
		c.append(func(known map[string]*entry, _ int64) { delete(known, "1") })
		c.mu.Unlock()
		wait(2 * time.Second)
		came := count()
		wait(10 * time.Second)
		if now := count(); came == 0 || now != came {
			t.Errorf("%d events came, and %d of what is forgotten", came, now-came)
		}
	})
}

func TestAnArchiveThatIsGoneHindersNoCancel(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		d.begin("1", "x", 100, "10/s")
		wait(3 * time.Second)
		if _, err := d.Pause(as(t, "ben"), "1", api.Act{}); err != nil {
			t.Fatal(err)
		}
		wait(2 * time.Minute)
		d.mu.Lock()
		d.noMore = errors.New("the archive is not in the configuration")
		d.mu.Unlock()
		if _, err := d.Cancel(as(t, "ben"), "1", api.Act{}); err != nil {
			t.Fatal(err)
		}
		wait(time.Second)
		if r := d.stands("1"); r.State != replay.Cancelled {
			t.Errorf("it stands %+v", r)
		}
	})
}

// TestAReplayWhoseTopicIsLostCanBeCancelledAndForgotten cancels one whose session has been refused already, and one whose session
// learns of both at once.
func TestAReplayWhoseTopicIsLostCanBeCancelledAndForgotten(t *testing.T) {
	for _, refused := range []bool{true, false} {
		t.Run(fmt.Sprintf("refused before %t", refused), func(t *testing.T) {
			simulate(t, func(t *testing.T, c *cluster) {
				d := c.daemon("d", []string{"x"})
				defer ends(d)
				d.begin("1", "x", 100, "10/s")
				wait(3 * time.Second)
				c.mu.Lock()
				c.lost = true
				c.mu.Unlock()
				if refused {
					wait(3 * time.Second)
					if r := d.stands("1"); r.State != replay.Failed || !strings.Contains(r.Reason, "was deleted") {
						t.Errorf("it stands %+v", r)
					}
				}
				if err := d.Forget(as(t, "ben"), "1", api.Act{}); problem(err) != "409" {
					t.Errorf("before its end it is forgotten: %v", err)
				}
				if _, err := d.Cancel(as(t, "ben"), "1", api.Act{}); err != nil {
					t.Fatal(err)
				}
				wait(3 * time.Second)
				if r := d.stands("1"); r.State != replay.Cancelled {
					t.Errorf("it stands %+v", r)
				}
				if err := d.Forget(as(t, "ben"), "1", api.Act{}); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestNoMoreSessionsRunThanMayAndWhatOnlyWritesAWordWaitsForNone(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x", "y", "z"}, func(o *Options) { o.MaxRunning = 1 })
		defer ends(d)
		d.begin("1", "x", 10, "10/s")
		wait(500 * time.Millisecond)
		if _, err := d.Pause(as(t, "ben"), "1", api.Act{}); err != nil {
			t.Fatal(err)
		}
		wait(2 * time.Minute)
		d.begin("2", "y", 1000, "1/s")
		d.begin("3", "z", 10, "10/s")
		wait(time.Second)
		if r := d.stands("3"); r.Queued != "as many replays run at d as may at a time: 1" || r.State != replay.Planned {
			t.Errorf("it stands %+v", r)
		}
		if _, err := d.Cancel(as(t, "ben"), "1", api.Act{}); err != nil {
			t.Fatal(err)
		}
		wait(time.Second)
		if r := d.stands("1"); r.State != replay.Cancelled {
			t.Errorf("it stands %+v", r)
		}
	})
}

func TestThePaceForAllIsDividedAmongThoseThatRun(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x", "y"}, func(o *Options) { o.Pace = mustPace(t, "100/s") })
		defer ends(d)
		d.begin("1", "x", 5000, "unlimited")
		d.begin("2", "y", 5000, "unlimited")
		wait(2 * time.Second)
		for _, id := range []string{"1", "2"} {
			if r := d.stands(id); r.Progress.Pace != "50/s" {
				t.Errorf("of two, %s has %s", id, r.Progress.Pace)
			}
		}
		if _, err := d.Pause(as(t, "ben"), "1", api.Act{}); err != nil {
			t.Fatal(err)
		}
		wait(time.Second)
		if r := d.stands("2"); r.Progress.Pace != "100/s" {
			t.Errorf("alone it has %s", r.Progress.Pace)
		}
		if _, err := d.Resume(as(t, "ben"), "1", api.Resume{}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.SetPace(as(t, "ben"), "2", api.Pace{Pace: "7/s"}); err != nil {
			t.Fatal(err)
		}
		wait(time.Second)
		if a, b := d.stands("1").Progress.Pace, d.stands("2").Progress.Pace; a != "50/s" || b != "7/s" {
			t.Errorf("they have %s and %s", a, b)
		}
	})
}

func TestTheNextInALineGetsTheShareOfTheOneBefore(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"}, func(o *Options) { o.Pace = mustPace(t, "100/s") })
		defer ends(d)
		d.begin("1", "x", 100, "unlimited")
		d.begin("2", "x", 5000, "unlimited")
		wait(5 * time.Second)
		if r := d.stands("2"); r.State != replay.Running || r.Progress.Pace != "100/s" {
			t.Errorf("it stands %+v, %+v", r, r.Progress)
		}
	})
}

func TestWhatWentWrongHereIsNoLongerSoWhereAnotherDaemonRunsIt(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		a, b := c.daemon("a", []string{"x"}), c.daemon("b", nil)
		defer ends(a, b)
		a.mu.Lock()
		a.noMore = errors.New("a has no right to read")
		a.mu.Unlock()
		a.begin("1", "x", 100, "10/s")
		wait(2 * time.Second)
		if ra, rb := a.stands("1"), b.stands("1"); ra.Reason == "" || rb.Reason != ra.Reason || rb.State != replay.Failed {
			t.Errorf("it stands %+v and %+v", ra, rb)
		}
		a.gets()
		b.gets("x")
		wait(4 * time.Second)
		if ra, rb := a.stands("1"), b.stands("1"); ra.Reason != "" || ra.State != replay.Running || rb.Reason != "" || ra.Daemon != "b" {
			t.Errorf("it stands %+v and %+v", ra, rb)
		}
		wait(15 * time.Second)
		if r := a.stands("1"); r.State != replay.Completed || r.Reason != "" {
			t.Errorf("it stands %+v", r)
		}
	})
}

func TestADaemonThatStopsLeavesItsReplaysToOthers(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		a, b := c.daemon("a", []string{"x"}), c.daemon("b", nil)
		defer ends(b)
		b.begin("1", "x", 100, "10/s")
		wait(5 * time.Second)
		if r := b.stands("1"); r.Daemon != "a" || r.Progress == nil || r.Progress.Produced == 0 {
			t.Errorf("at the other one it stands %+v", r)
		}
		began := time.Now()
		ends(a)
		if took := time.Since(began); took > time.Second {
			t.Errorf("to leave took %s", took)
		}
		wait(time.Second)
		if r := b.stands("1"); r.State != replay.Running || r.Daemon != "" || r.Progress == nil {
			t.Errorf("left, it stands %+v", r)
		}
		b.gets("x")
		wait(10 * time.Second)
		if r, x := b.stands("1"), c.came("x"); r.State != replay.Completed || x != "1:100" {
			t.Errorf("it stands %+v; %s", r, x)
		}
	})
}

func TestADaemonThatIsKilledIsFollowedByOthersAndFenced(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		a, b := c.daemon("a", []string{"x"}), c.daemon("b", nil)
		defer ends(b)
		a.begin("1", "x", 100, "10/s")
		wait(5 * time.Second)
		a.kill()
		b.gets("x")
		wait(15 * time.Second)
		if r, x := b.stands("1"), c.came("x"); r.State != replay.Completed || x != "1:100" {
			t.Errorf("it stands %+v; %s", r, x)
		}
		<-a.runs
	})
}

func TestASessionThatCannotCommitIsAbandoned(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		d.begin("1", "x", 100, "10/s")
		wait(3 * time.Second)
		d.mu.Lock()
		d.dead = true // its commits hang
		d.mu.Unlock()
		wait(3 * time.Second)
		began := time.Now()
		d.gets()
		if took := time.Since(began); took != leaveWithin {
			t.Errorf("it was waited for %s", took)
		}
		wait(0)
		d.Manager.mu.Lock()
		defer d.Manager.mu.Unlock()
		if len(d.Manager.sessions) != 0 || len(d.setbacks) != 0 {
			t.Errorf("%d sessions, %v", len(d.Manager.sessions), d.setbacks)
		}
	})
}

func TestAReplayThatAnotherHasTakenIsLetGoUntilThatOneIsSilent(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		a, b := c.daemon("a", []string{"x"}), c.daemon("b", nil)
		defer ends(a)
		a.begin("1", "x", 600, "10/s")
		wait(3 * time.Second)
		b.mu.Lock()
		b.mine["x"] = true // both think so
		close(b.divided)
		b.divided = make(chan struct{})
		b.mu.Unlock()
		wait(25 * time.Second)
		if r := a.stands("1"); r.Daemon != "b" {
			t.Errorf("it stands %+v", r)
		}
		if a.opens != 1 || b.opens != 1 {
			t.Errorf("sessions: %d and %d", a.opens, b.opens)
		}
		b.kill()
		wait(silent + 5*time.Second)
		if r := a.stands("1"); r.Daemon != "a" || a.opens != 2 {
			t.Errorf("it stands %+v after %d sessions", r, a.opens)
		}
		wait(time.Minute)
		if x := c.came("x"); x != "1:600" {
			t.Error(x)
		}
		<-b.runs
	})
}

func TestAReplayThatWasTakenIsTakenUpAgainWhenWorkIsDivided(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		a, b := c.daemon("a", []string{"x"}), c.daemon("b", nil)
		defer ends(a, b)
		a.begin("1", "x", 600, "10/s")
		wait(3 * time.Second)
		b.mu.Lock()
		b.mine["x"] = true
		close(b.divided)
		b.divided = make(chan struct{})
		b.mu.Unlock()
		wait(5 * time.Second)
		b.gets()
		a.gets("x")
		wait(time.Second)
		if r := a.stands("1"); r.Daemon != "a" || a.opens != 2 {
			t.Errorf("it stands %+v after %d sessions", r, a.opens)
		}
	})
}

func TestNothingBeginsBeforeAllWasRead(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		d.mu.Lock()
		d.unready = errors.New("still reading")
		d.mu.Unlock()
		d.begin("1", "x", 10, "10/s")
		wait(time.Minute)
		if r, err := d.Ready(t.Context()); err != nil || r.Ready || len(r.Reasons) != 1 || d.opens != 0 {
			t.Errorf("%+v, %v, %d sessions", r, err, d.opens)
		}
		d.mu.Lock()
		d.unready = nil
		d.mu.Unlock()
		wait(10 * time.Second)
		if r := d.stands("1"); r.State != replay.Completed {
			t.Errorf("it stands %+v", r)
		}
	})
}
