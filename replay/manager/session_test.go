package manager

import (
	"testing"

	"replayd/replay"
)

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
