package manager

import (
	"slices"
	"testing"
	"time"

	"replayd/replay"
	"replayd/replay/api"
)

// TestAReplayGoesOnWithOtherChoices whether it runs, is held in memory, or has failed: what was begun with the old ones leaves.
func TestAReplayGoesOnWithOtherChoices(t *testing.T) {
	for name, before := range map[string]func(*testing.T, *daemon){
		"running": func(*testing.T, *daemon) {},
		"paused": func(t *testing.T, d *daemon) {
			if _, err := d.Pause(as(t, "ben"), "1", api.Act{}); err != nil {
				t.Fatal(err)
			}
			wait(5 * time.Second)
		},
		"paused for long": func(t *testing.T, d *daemon) {
			if _, err := d.Pause(as(t, "ben"), "1", api.Act{}); err != nil {
				t.Fatal(err)
			}
			wait(5 * time.Minute)
		},
		"failed": func(_ *testing.T, d *daemon) {
			d.c.mu.Lock()
			d.c.fate = func(string) error { return &replay.StoppedOn{Choice: replay.StopOnBad} }
			d.c.mu.Unlock()
			wait(time.Minute)
			d.c.mu.Lock()
			d.c.fate = nil
			d.c.mu.Unlock()
		},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(t *testing.T, c *cluster) {
				d, other := c.daemon("d", []string{"x"}), c.daemon("other", nil)
				defer ends(d, other)
				d.begin("1", "x", 200, "20/s")
				wait(3 * time.Second)
				before(t, d)
				r := api.Resume{Act: api.Act{Reason: "the archive is bad"}, Allow: []string{"retention"}, MaxBad: "5%"}
				if _, err := other.Resume(as(t, "ben"), "1", r); err != nil {
					t.Fatal(err)
				}
				wait(time.Minute)
				if r := d.stands("1"); r.State != replay.Completed || c.came("x") != "1:200" {
					t.Errorf("it stands %+v, in the topic are %s", r, c.came("x"))
				} else if r.MaxBad != "5%" || !slices.Equal(r.Allow, []string{"retention"}) {
					t.Errorf("it is told to have gone on with %q, allowed %v", r.MaxBad, r.Allow)
				}
				d.mu.Lock()
				defer d.mu.Unlock()
				if n := len(d.worked); n < 2 || d.worked[0].MaxBad != 0 || d.worked[n-1].MaxBad != 0.05 || !d.worked[n-1].Allow.Has("retention") {
					t.Errorf("its sessions worked with %+v", d.worked)
				}
				for _, a := range c.audit[len(c.audit)-2:] {
					if a.Act != "resume" || !slices.Equal(a.Items, r.Allow) || !slices.Equal(a.Choices, []string{"max_bad=5%"}) {
						t.Errorf("audited %+v", a)
					}
				}
			})
		})
	}
}

// TestAReplayTellsWhatItWasToldOtherwise than by default, at the start and by whoever let it go on.
func TestAReplayTellsWhatItWasToldOtherwise(t *testing.T) {
	for name, c := range map[string]struct {
		start   replay.Start
		choices map[string]replay.Choice
		want    api.Replay
	}{
		"nothing": {},
		"at the start": {
			start: replay.Start{Allow: replay.Allowed{"retention", "overlap"}, MaxBad: 0.07, StopOn: []string{replay.StopOnBad}},
			want:  api.Replay{Allow: []string{"overlap", "retention"}, MaxBad: "7%", StopOn: []string{replay.StopOnBad}},
		},
		"resumed": {
			start: replay.Start{Allow: replay.Allowed{"retention"}, MaxBad: 0.07, StopOn: []string{replay.StopOnBad}},
			choices: map[string]replay.Choice{
				replay.ChoiceAllow:  {Allow: replay.Allowed{"retention", replay.ItemArchiveChange}},
				replay.ChoiceMaxBad: {MaxBad: 0.0025}, replay.StopOnBad: {}, replay.StopOnLate: {Stop: true},
			},
			want: api.Replay{Allow: []string{replay.ItemArchiveChange, "retention"}, MaxBad: "0.25%", StopOn: []string{replay.StopOnLate}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var r api.Replay
			addChosen(&replay.Known{Start: c.start, Choices: c.choices}, &r)
			if !slices.Equal(r.Allow, c.want.Allow) || r.MaxBad != c.want.MaxBad || !slices.Equal(r.StopOn, c.want.StopOn) {
				t.Errorf("it tells %v, %q, %v", r.Allow, r.MaxBad, r.StopOn)
			}
		})
	}
}
