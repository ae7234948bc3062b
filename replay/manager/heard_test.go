package manager

import (
	"testing"
	"time"

	"replayd/replay"
)

// TestASessionIsHeardWhateverItsClockSays at another daemon, by when its words came there.
func TestASessionIsHeardWhateverItsClockSays(t *testing.T) {
	for _, skew := range []time.Duration{-time.Hour, -silent, 0, silent, time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			simulate(t, func(t *testing.T, c *cluster) {
				d, other := c.daemon("d", []string{"x"}), c.daemon("other", nil)
				defer ends(other)
				d.mu.Lock()
				d.skew = skew
				d.mu.Unlock()
				d.begin("1", "x", 1000, "1/s")
				wait(3 * time.Second)
				late := c.daemon("late", nil) // it finds words there
				defer ends(late)
				wait(3 * time.Second)
				for _, at := range []*daemon{other, late} {
					if r := at.stands("1"); r.Daemon != "d" || r.Progress.Phase != replay.Producing || r.Progress.Produced < 2 {
						t.Errorf("at %s it runs at %q and is %+v", at.name, r.Daemon, r.Progress)
					}
				}
				d.kill()
				wait(silent + 2*time.Second)
				for _, at := range []*daemon{other, late} {
					if r := at.stands("1"); r.Daemon != "" {
						t.Errorf("at %s it runs at %q, which is dead", at.name, r.Daemon)
					}
				}
			})
		})
	}
}

// TestWordsOfLongAgoAreNoSession at a daemon that begins.
func TestWordsOfLongAgoAreNoSession(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		d.begin("1", "x", 1000, "1/s")
		wait(3 * time.Second)
		d.kill()
		wait(time.Hour)
		late := c.daemon("late", nil, func(o *Options) { o.Registers.(*registers).unread = true })
		defer ends(late)
		wait(time.Second)
		k, _ := late.options.Registers.Find("1")
		before := *k.Live
		before.At = before.At.Add(-time.Second)
		k.Live = &before
		late.Manager.mu.Lock()
		late.steer([]replay.Known{k}, false) // while it reads, it comes by words that have been replaced since
		late.Manager.mu.Unlock()
		late.mu.Lock()
		late.unread = false
		late.mu.Unlock()
		for range 3 {
			if r := late.stands("1"); r.State != replay.Running || r.Daemon != "" {
				t.Errorf("it stands %s, at %q", r.State, r.Daemon)
			}
			wait(time.Second)
		}
		if err := late.options.Registers.Forget(t.Context(), "1", ""); err != nil {
			t.Fatal(err)
		}
		wait(time.Second)
		late.Manager.mu.Lock()
		defer late.Manager.mu.Unlock()
		if len(late.heard) != 0 {
			t.Errorf("of what is forgotten it keeps %v", late.heard)
		}
	})
}

// TestWhatOthersDoIsToldAsItWasReadLast while nothing can be read, with the time of that.
func TestWhatOthersDoIsToldAsItWasReadLast(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d, other := c.daemon("d", []string{"x"}), c.daemon("other", []string{"y", "z"})
		defer ends(d, other)
		d.begin("1", "x", 1000, "1/s")
		other.begin("ended", "y", 1, "1/s")
		other.begin("own", "z", 1000, "1/s")
		wait(4 * time.Second)
		r := other.reads("1", "")
		defer r.stop()
		before := other.stands("1")
		say := func(stale time.Time) {
			other.freeze(!stale.IsZero())
			other.mu.Lock()
			defer other.mu.Unlock()
			other.stale = stale
		}
		since := time.Now().UTC().Truncate(time.Second)
		say(since)
		wait(10 * time.Minute)
		if got := other.stands("1"); !got.Stale.Equal(since) || got.Daemon != "d" || got.Progress.Produced < before.Progress.Produced {
			t.Errorf("it stood %+v, and is told to stand %+v", before, got)
		}
		for _, id := range []string{"own", "ended"} {
			if got := other.stands(id); !got.Stale.IsZero() {
				t.Errorf("%s is told as of %s", id, got.Stale)
			}
		}
		if got := r.newest(); !got.Stale.Equal(since) {
			t.Errorf("who watches is told %+v", got)
		}
		say(time.Time{})
		wait(2 * time.Second)
		if got := r.newest(); !got.Stale.IsZero() || got.Progress.Produced < 500 {
			t.Errorf("when it is over, who watches is told %+v", got)
		}
	})
}
