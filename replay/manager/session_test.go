package manager

import (
	"errors"
	"testing"
	"time"

	"replayd/replay"
	"replayd/replay/api"
)

// TestASessionIsAtItsDaemonFromItsBeginning, however long its archive takes to open: who watches would take it for one that nobody
// tries again. When its replay has ended it is nowhere.
func TestASessionIsAtItsDaemonFromItsBeginning(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d, other := c.daemon("d", []string{"x"}), c.daemon("other", nil)
		defer ends(d)
		defer ends(other)
		c.fate = func(string) error { return errors.New("no quorum") }
		d.begin("1", "x", 50, "10/s")
		for d.stands("1").State != replay.Failed {
			wait(100 * time.Millisecond)
		}
		d.mu.Lock()
		d.opening = time.Minute
		d.mu.Unlock()
		c.mu.Lock()
		c.fate = nil
		c.mu.Unlock()
		if _, err := d.Resume(as(t, "ben"), "1", api.Resume{}); err != nil {
			t.Fatal(err)
		}
		wait(2 * time.Second)
		for range 50 {
			for _, at := range []*daemon{d, other} {
				if r := at.stands("1"); r.Daemon != "d" || r.Queued != "" || r.Progress.Phase != replay.Listing || r.Progress.Pace != "10/s" {
					t.Fatalf("at %s it stands %+v", at.name, r)
				}
			}
			wait(time.Second)
		}
		wait(time.Minute)
		for e, err := range d.Events(t.Context(), "1", "") {
			if r := e.Replay; err != nil || r.State != replay.Completed || r.Daemon != "" || r.Progress.Phase != replay.Ended {
				t.Errorf("in the end it is told as %+v, %v", r, err)
			}
			break
		}
	})
}

func TestASessionGetsItsShareOfTheLimits(t *testing.T) {
	for name, c := range map[string]struct {
		running   int
		memory    int64
		has, want replay.Options
	}{
		"all of one":          {1, 512, replay.Options{Memory: 512, Disk: 1000, Open: 256}, replay.Options{Memory: 512, Disk: 1000, Open: 256}},
		"a quarter":           {4, 512, replay.Options{Memory: 512, Disk: 1000, Open: 256}, replay.Options{Memory: 128, Disk: 250, Open: 64}},
		"one object at least": {4, 512, replay.Options{Memory: 512, Disk: 1000, Open: 3}, replay.Options{Memory: 128, Disk: 250, Open: 1}},
	} {
		m, got := New(Options{MaxRunning: c.running, Memory: c.memory}), c.has
		m.limit(&got)
		if got.Memory != c.want.Memory || got.Disk != c.want.Disk || got.Open != c.want.Open {
			t.Errorf("%s: %d bytes, %d spilled, %d objects, want %+v", name, got.Memory, got.Disk, got.Open, c.want)
		}
	}
}
