package integration

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"replayd/archive/archivetest"
	"replayd/integration/harness"
	"replayd/replay/api"
)

var daemonKills = flag.Int("daemon-kills", 6, "how often one of two daemons is killed")

const (
	fleetReplays = 10
	fleetEvents  = 6_000
	killedAfter  = 3 * time.Second  // at the latest
	backAfter    = 12 * time.Second // at the latest: by then the other one has taken over what it had, or not
)

// busy waits until the daemon is at work on some replay.
func (d *daemonOn) busy(t *testing.T) {
	t.Helper()
	own := fmt.Sprint(" ", d.cmd.Process.Pid)
	await(t, "the daemon to be at work", func() bool {
		page, err := d.Replays(t.Context(), api.Query{})
		return err == nil && slices.ContainsFunc(page.Items, func(r api.Replay) bool { return strings.HasSuffix(r.Daemon, own) })
	})
}

// TestOfTwoDaemonsEitherIsKilledAtRandom has ten replays, each into a topic of its own, and two daemons, of which
// either is killed at random instants and comes back at once or later. In the end every topic is right.
func TestOfTwoDaemonsEitherIsKilledAtRandom(t *testing.T) {
	t.Parallel()
	t.Logf("-seed=%d -daemon-kills=%d", *seed, *daemonKills)
	rng := rand.New(rand.NewPCG(*seed, 6))
	k := harness.StartKafka(t, harness.KafkaOptions{Control: true})
	st := newStage(t, k, nil, archivetest.Plan{Seed: *seed, Events: fleetEvents, MeanSize: 700, Odds: archivetest.Everyday()})
	st.env = append(st.env, fmt.Sprint("REPLAYD_SERVER_MAX_RUNNING=", fleetReplays))
	stages := st.targets(t, fleetReplays)
	two := []*daemonOn{st.daemon(t), st.daemon(t)}
	pace := fmt.Sprintf("%d/s", max(1, fleetEvents/(15**daemonKills))) // slow enough to be there when the last is killed
	for i, of := range stages {
		if _, _, err := two[i%2].Start(t.Context(), of.asking(fmt.Sprint("r", i), pace)); err != nil {
			t.Fatal(err)
		}
	}
	sessions := 0
	for range *daemonKills {
		d := two[rng.IntN(2)]
		if rng.IntN(3) > 0 { // else perhaps before it has anything to do
			d.busy(t)
		}
		time.Sleep(time.Duration(rng.Int64N(int64(killedAfter)))) // a random instant of real daemons
		d.kill()
		d.sound(t)
		if rng.IntN(2) == 0 {
			time.Sleep(time.Duration(rng.Int64N(int64(backAfter))))
		}
		d.begin(t)
	}
	for i, d := range two {
		d.ready(t)
		t.Logf("daemon %d is ready again", i)
	}
	for i, of := range stages {
		id := fmt.Sprint("r", i)
		if _, err := two[i%2].SetPace(t.Context(), id, api.Pace{Pace: "unlimited"}); err != nil {
			t.Fatalf("%s had ended before the last kill, or cannot be told: %v", id, err)
		}
		for _, d := range two {
			d.until(t, id, "replay "+id+" to end", func(r api.Replay) bool { return r.State.Terminal() })
		}
		r, err := two[1].Receipt(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		of.sameCounts(t, r)
		of.verify(t, id)
		sessions += r.Sessions
	}
	t.Logf("%d sessions of %d replays", sessions, fleetReplays)
	for _, d := range two {
		if code := d.stop(t); code != 0 {
			t.Errorf("a daemon ended with %d:\n%s", code, d.err.String())
		}
		d.sound(t)
	}
}
