package integration

import (
	"fmt"
	"testing"

	"replayd/archive/archivetest"
	"replayd/integration/harness"
	"replayd/replay"
	"replayd/replay/api"
)

// TestARollingUpgradeAndTheWayBackLoseNothing has two daemons of the previous version, each of which is stopped for one of this
// version, and then the other way round. Replays go on all the time, and what was wished of them at one version holds at the other.
func TestARollingUpgradeAndTheWayBackLoseNothing(t *testing.T) {
	t.Parallel()
	before := harness.Previous(t)
	k := harness.StartKafka(t, harness.KafkaOptions{})
	st := newStage(t, k, nil, archivetest.Plan{Seed: *seed, Events: 12_000, MeanSize: 700, Odds: archivetest.Everyday()})
	st.env = append(st.env, "REPLAYD_SERVER_MAX_RUNNING=6")
	stages := st.targets(t, 6)
	old := *st
	old.binary = before
	two := []*daemonOn{old.daemon(t), old.daemon(t)}
	begin := func(d *daemonOn, i int) {
		t.Helper()
		if _, created, err := d.Start(t.Context(), stages[i].asking(fmt.Sprint("r", i), "100/s")); err != nil || !created {
			t.Fatalf("r%d: created %v, %v", i, created, err)
		}
	}
	for i := range 4 {
		begin(two[i%2], i)
	}
	two[0].produces(t, "r0")
	if _, err := two[0].Pause(t.Context(), "r0", api.Act{Reason: "until the upgrade is through"}); err != nil {
		t.Fatal(err)
	}
	roll := func(to *stage, paused replay.State) {
		t.Helper()
		for _, d := range two {
			if code := d.stop(t); code != 0 {
				t.Fatalf("a daemon ended with %d:\n%s", code, d.err.String())
			}
			d.sound(t)
			d.stage = to
			d.begin(t)
			d.ready(t)
			for i := 1; i < 4; i++ {
				d.produces(t, fmt.Sprint("r", i))
			}
			d.until(t, "r0", "r0 to stand as it was wished", func(r api.Replay) bool { return r.State == paused })
		}
	}
	roll(st, replay.Paused)
	if _, err := two[1].Resume(t.Context(), "r0", api.Resume{}); err != nil {
		t.Fatal(err)
	}
	begin(two[0], 4)
	roll(&old, replay.Running)
	begin(two[1], 5)
	for i, of := range stages {
		id := fmt.Sprint("r", i)
		if _, err := two[i%2].SetPace(t.Context(), id, api.Pace{Pace: "unlimited"}); err != nil {
			t.Fatal(err)
		}
		two[0].until(t, id, id+" to end", func(r api.Replay) bool { return r.State.Terminal() })
		r, err := two[0].Receipt(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		of.sameCounts(t, r)
		of.verify(t, id)
		if i > 0 && i < 4 && r.Sessions < 3 { // the first one was paused half of the time
			t.Errorf("%s had %d sessions: it has not gone from one version to the other and back", id, r.Sessions)
		}
	}
}

// produces waits until more of a replay has been produced than now.
func (d *daemonOn) produces(t *testing.T, id string) {
	t.Helper()
	var before int64 = -1
	d.until(t, id, id+" to go on", func(r api.Replay) bool {
		if r.Progress == nil {
			return false
		}
		if before < 0 {
			before = r.Progress.Produced
		}
		return r.Progress.Produced > before
	})
}
