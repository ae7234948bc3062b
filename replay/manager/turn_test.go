package manager

import (
	"testing"
	"time"

	"replayd/replay"
	"replayd/replay/api"
)

// TestHowLongATurnIsWaitedFor goes by what the control topics hold alone, and not by what happens in other topics. Of each replay that is
// not written here, known is that it was to run an hour before noon.
func TestHowLongATurnIsWaitedFor(t *testing.T) {
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	for name, c := range map[string]struct {
		world  string
		asOf   map[string]time.Time
		wished map[string]time.Time
		ended  map[string]time.Time
		want   time.Time
	}{
		"nobody waits":                  {world: "a x running running session; b y planned paused"},
		"behind what runs":              {world: "a x running running session; b x planned running", want: hour(-1)},
		"the one that waits longest":    {world: "a x running running session; b x planned running; c y planned paused; d y planned running", asOf: map[string]time.Time{"d": hour(-7)}, want: hour(-7)},
		"since it is to run":            {world: "a x running running session; b x planned running", wished: map[string]time.Time{"b": noon}, want: noon},
		"one that is to be paused":      {world: "a x running running session; b x planned paused"},
		"one that waits for a person":   {world: "a x running running session; b x planned running waits"},
		"another daemon's":              {world: "a other running running; b other planned running"},
		"since the one before it ended": {world: "z x completed running; a x running running session; b x planned running", asOf: map[string]time.Time{"b": hour(-7)}, ended: map[string]time.Time{"z": hour(-2)}, want: hour(-2)},
		"whatever ends in other topics": {world: "z y completed running; a x planned paused; b x planned running", asOf: map[string]time.Time{"b": hour(-50)}, ended: map[string]time.Time{"z": noon}, want: hour(-50)},
		"for a place since one was":     {world: "z w completed running; a x running running session; b y running running session; c z planned running", asOf: map[string]time.Time{"c": hour(-7)}, ended: map[string]time.Time{"z": hour(-3)}, want: hour(-3)},
	} {
		t.Run(name, func(t *testing.T) {
			w := worldOf(t, c.world)
			for i := range w.known {
				k := &w.known[i]
				k.Spec.AsOf, k.Wish.At, k.CheckpointAt = hour(-1), c.wished[k.Spec.ID], c.ended[k.Spec.ID]
				if at, is := c.asOf[k.Spec.ID]; is {
					k.Spec.AsOf = at
				}
			}
			if a := w.arrange(); !a.turn.Equal(c.want) {
				t.Errorf("since %s, and not %s", a.turn, c.want)
			}
		})
	}
}

// TestATurnThatDoesNotComeIsMeasured behind a replay that was paused before it began, while another topic has one each hour.
func TestATurnThatDoesNotComeIsMeasured(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x", "y"})
		other := c.daemon("other", nil)
		defer ends(d, other)
		c.mu.Lock()
		c.append(func(known map[string]*entry, at int64) {
			for i, id := range []string{"held", "waits"} {
				spec := specOf(id, "x", 1)
				spec.Owner, spec.AsOf = replay.OwnerDaemon, time.Now()
				known[id] = &entry{Known: replay.Known{Spec: spec, Order: at + int64(i)}}
				known[id].wanted.State = &replay.Wish{State: []replay.State{replay.Paused, replay.Running}[i]}
			}
		})
		c.mu.Unlock()
		for _, id := range []string{"1", "2", "3"} {
			d.begin(id, "y", 5, "unlimited")
			wait(time.Hour)
		}
		if s := d.Standing(); s.Ended[Over] != 3 || s.Turn < 3*time.Hour-time.Second || s.Turn > 4*time.Hour {
			t.Errorf("it stands %+v", s)
		}
		page, err := d.Replays(t.Context(), api.Query{Wanted: "paused"})
		if err != nil || len(page.Items) != 1 || page.Items[0].ID != "held" || page.Items[0].State != replay.Planned {
			t.Errorf("wished to be paused are %+v, %v", page.Items, err)
		}
		if s := other.Standing(); s.Turn != 0 {
			t.Errorf("another daemon, which has no topic, tells of %s", s.Turn)
		}
		if _, err := d.Cancel(as(t, "ben"), "held", api.Act{}); err != nil {
			t.Fatal(err)
		}
		wait(5 * time.Second)
		if s := d.Standing(); s.Turn != 0 {
			t.Errorf("when its turn has come it is told to wait for %s", s.Turn)
		}
	})
}
