package manager

import (
	"errors"
	"strings"
	"testing"
	"time"

	"replayd/archive"
	"replayd/replay"
	"replayd/replay/api"
)

// plans is the hash of what a replay reads at the daemon.
func (d *daemon) plans(s replay.Spec) string {
	d.c.t.Helper()
	if err := s.Complete(time.Time{}); err != nil {
		d.c.t.Fatal(err)
	}
	src, err := (*sessions)(d).Source(d.c.t.Context(), &s)
	if err != nil {
		d.c.t.Fatal(err)
	}
	l, err := replay.List(d.c.t.Context(), &s, src, &archive.Fetcher{Store: src.Store, Stall: time.Second, GiveUp: time.Second})
	if err != nil {
		d.c.t.Fatal(err)
	}
	return l.Hash(&s)
}

// adds lets the archives of the daemon have an object more, or as before.
func (d *daemon) adds(more bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.more = more
}

// TestWhatWasPlannedHoldsWhileItWaits for its turn: of another archive nothing is produced, until a person says what to do.
func TestWhatWasPlannedHoldsWhileItWaits(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		start := func(id, plan string, allow ...string) {
			t.Helper()
			if _, _, err := d.Start(as(t, "anna"), api.Start{ID: id, Topic: "x", Limit: 10, Pace: "10/s", Plan: plan, Allow: allow}); err != nil {
				t.Fatal(err)
			}
		}
		plan := d.plans(specOf("any", "x", 10))
		d.begin("first", "x", 100, "10/s")
		wait(2 * time.Second) // it has begun, and goes by what it has listed
		start("planned", plan)
		start("allowed", plan, replay.ItemArchiveChange)
		start("whatever", "")
		d.adds(true)
		wait(time.Minute)
		r := d.stands("planned")
		if r.State != replay.Planned || !strings.HasPrefix(r.Reason, "archive-change: the plan "+plan) || !strings.Contains(r.Reason, "plan again") || r.Sessions != 0 {
			t.Errorf("it stands as %+v", r)
		}
		if got := c.came("x"); got != "first:100 allowed:10 whatever:10" {
			t.Errorf("there came %s", got)
		}
		d.adds(false)
		wait(time.Hour)
		if r := d.stands("planned"); r.State != replay.Planned {
			t.Errorf("nobody has resumed it: %+v", r)
		}
		if _, err := d.Resume(as(t, "anna"), "planned", api.Resume{}); err != nil {
			t.Fatal(err)
		}
		wait(time.Minute)
		if got := c.came("x"); got != "first:100 allowed:10 whatever:10 planned:10" {
			t.Errorf("with the archive as it was there came %s", got)
		}
	})
}

// TestWhoResumesMayTakeTheArchiveAsItIs unless a second person has approved of what it was.
func TestWhoResumesMayTakeTheArchiveAsItIs(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"small", "large"}, func(o *Options) { o.SecondPerson = sized(50) })
		defer ends(d)
		for topic, events := range map[string]int64{"small": 10, "large": 100} {
			plan := d.plans(specOf("any", topic, events))
			d.adds(true)
			if _, _, err := d.Start(as(t, "anna"), api.Start{ID: topic, Topic: topic, Limit: events, Pace: "10/s", Plan: plan}); err != nil {
				t.Fatal(err)
			}
			wait(time.Second)
			d.adds(false)
		}
		d.adds(true)
		if _, err := d.Approve(as(t, "ben"), "large", api.Act{}); err != nil {
			t.Fatal(err)
		}
		wait(time.Minute)
		for _, id := range []string{"small", "large"} {
			if r := d.stands(id); r.State != replay.Planned || !strings.HasPrefix(r.Reason, replay.ItemArchiveChange) {
				t.Errorf("it stands as %+v", r)
			}
			if _, err := d.Resume(as(t, "anna"), id, api.Resume{Allow: []string{replay.ItemArchiveChange}}); err != nil {
				t.Fatal(err)
			}
		}
		wait(time.Minute)
		if got := c.came("small") + "," + c.came("large"); got != "small:10," {
			t.Errorf("there came %s", got)
		}
	})
}

// TestAPlanHoldsAlsoBetweenTheFirstSessionAndTheFirstEvent, when the replay has begun and of no hour is recorded what was listed.
func TestAPlanHoldsAlsoBetweenTheFirstSessionAndTheFirstEvent(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"}, func(o *Options) { o.SecondPerson = sized(50) })
		plan := d.plans(specOf("any", "x", 100))
		d.meets(false, errors.New("no quorum"))
		if _, _, err := d.Start(as(t, "anna"), api.Start{ID: "r", Topic: "x", Limit: 100, Pace: "10/s", Plan: plan}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Approve(as(t, "ben"), "r", api.Act{}); err != nil {
			t.Fatal(err)
		}
		wait(2 * time.Second)
		if k, _ := (*registers)(d).Find("r"); !k.Begun || k.Checkpoint.Begun {
			t.Fatalf("it has not begun, or has read: %+v", k.Checkpoint)
		}
		d.kill()
		d.meets(false, nil)
		other := c.daemon("other", nil, func(o *Options) { o.SecondPerson = sized(50) })
		defer ends(other)
		other.adds(true)
		other.gets("x")
		wait(time.Minute)
		for _, allow := range [][]string{nil, {replay.ItemArchiveChange}} {
			if r := other.stands("r"); r.State != replay.Failed || !strings.HasPrefix(r.Reason, "archive-change: the plan "+plan) {
				t.Errorf("it stands as %+v", r)
			}
			if _, err := other.Resume(as(t, "anna"), "r", api.Resume{Allow: allow}); err != nil {
				t.Fatal(err)
			}
			wait(time.Minute)
		}
		other.adds(false)
		if _, err := other.Resume(as(t, "anna"), "r", api.Resume{}); err != nil {
			t.Fatal(err)
		}
		wait(time.Minute)
		if got := c.came("x"); got != "r:100" {
			t.Errorf("with the archive as it was there came %s", got)
		}
	})
}

// TestWhatIsReadIsNotHeldAgainstThePlan any more: later sessions go by what is recorded of it.
func TestWhatIsReadIsNotHeldAgainstThePlan(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		plan := d.plans(specOf("any", "x", 100))
		if _, _, err := d.Start(as(t, "anna"), api.Start{ID: "r", Topic: "x", Limit: 100, Pace: "10/s", Plan: plan}); err != nil {
			t.Fatal(err)
		}
		wait(3 * time.Second)
		d.adds(true)
		d.gets()
		wait(time.Second)
		d.gets("x")
		wait(time.Minute)
		if r := d.stands("r"); strings.Contains(r.Reason, plan) || !strings.Contains(r.Reason, "archive-change: hour 2026-11-01T12Z") {
			t.Errorf("it stands as %+v", r)
		}
	})
}

// TestWhatGrowsWhileItWaitsDoesNotBeginWithoutASecondPerson where its start was too small to take one, whatever it or a resume allows.
// One that was approved of is held against its plan alone.
func TestWhatGrowsWhileItWaitsDoesNotBeginWithoutASecondPerson(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		most := func(o *Options) { o.SecondPerson = sized(10) + 1 }
		d := c.daemon("d", []string{"x", "y"}, most)
		defer ends(d)
		d.begin("first", "x", 10, "1/s")
		wait(2 * time.Second) // it has begun, and is not looked at again
		if _, _, err := d.Start(as(t, "anna"), api.Start{ID: "grown", Topic: "x", Limit: 10, Pace: "10/s", Allow: []string{replay.ItemArchiveChange}}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.Start(as(t, "anna"), api.Start{ID: "large", Topic: "y", Limit: 20, Pace: "10/s", Allow: []string{replay.ItemArchiveChange}}); err != nil {
			t.Fatal(err)
		}
		d.adds(true)
		wait(time.Minute)
		r := d.stands("grown")
		if r.State != replay.Planned || r.Sessions != 0 || !strings.HasPrefix(r.Reason, "second-person: its hours hold ") || !strings.Contains(r.Reason, "start it again") {
			t.Errorf("it stands as %+v", r)
		}
		if _, err := d.Resume(as(t, "anna"), "grown", api.Resume{Allow: []string{replay.ItemArchiveChange}}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Approve(as(t, "ben"), "large", api.Act{}); err != nil {
			t.Fatal(err)
		}
		wait(time.Minute)
		if got := c.came("x") + ", " + c.came("y"); got != "first:10, large:20" {
			t.Errorf("there came %s", got)
		}
		d.adds(false)
		if _, err := d.Resume(as(t, "anna"), "grown", api.Resume{}); err != nil {
			t.Fatal(err)
		}
		wait(time.Minute)
		if got := c.came("x"); got != "first:10 grown:10" {
			t.Errorf("with the archive as it was there came %s", got)
		}
	})
}
