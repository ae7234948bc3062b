package integration

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"replayd/archive/archivetest"
	"replayd/integration/harness"
	"replayd/replay"
	"replayd/replay/api"
)

var (
	latencyRounds = flag.Int("latency-rounds", 1, "of the measurement of the API")
	latencyFor    = flag.Duration("latency-for", time.Second, "how long each half of a round asks")
	latencyMost   = flag.Float64("latency-most", 0, "how many times as long answers may take beside replays, in the median of the rounds; 0: that is not judged")
)

const (
	busyReplays = 20
	busyPace    = 500 // events a second, of each
)

// TestLatencyOfTheAPI measures how long answers take beside twenty replays of 500 events a second, and at the same daemon while
// they are paused, round after round. It prints ratios, which make latency judges.
func TestLatencyOfTheAPI(t *testing.T) {
	k := harness.StartKafka(t, harness.KafkaOptions{})
	events := busyPace * int(float64(*latencyRounds)*(latencyFor.Seconds()+10)+20)
	st := newStage(t, k, nil, archivetest.Plan{Seed: *seed, Events: 2 * events, MeanSize: 700})
	st.env = append(st.env, fmt.Sprint("REPLAYD_SERVER_MAX_RUNNING=", busyReplays), "REPLAYD_LIMITS_MEMORY=1GiB")
	stages := st.targets(t, busyReplays)
	d := st.daemon(t)
	m := &latency{daemonOn: d}
	for i, of := range stages {
		m.ids = append(m.ids, fmt.Sprint("r", i))
		if _, _, err := d.Start(t.Context(), of.asking(m.ids[i], fmt.Sprint(busyPace, "/s"))); err != nil {
			t.Fatal(err)
		}
	}
	ratios := map[string][]float64{}
	for round := range *latencyRounds {
		m.all(t, func(ctx context.Context, id string, a api.Act) (api.Replay, error) {
			return d.Resume(ctx, id, api.Resume{Act: a})
		}, replay.Running)
		for _, id := range m.ids {
			d.produces(t, id)
		}
		busy := m.measure(t)
		m.all(t, d.Pause, replay.Paused)
		idle := m.measure(t)
		for _, what := range slices.Sorted(maps.Keys(asked)) {
			b, i := p99(busy[what]), p99(idle[what])
			ratios[what] = append(ratios[what], float64(b)/float64(i))
			t.Logf("round %d: %s: p99 %s beside %d replays, %s beside none: %.1f; of %d and %d answers", round, what,
				b.Round(10*time.Microsecond), busyReplays, i.Round(10*time.Microsecond), float64(b)/float64(i), len(busy[what]), len(idle[what]))
		}
	}
	for _, what := range slices.Sorted(maps.Keys(asked)) {
		slices.Sort(ratios[what])
		median := ratios[what][len(ratios[what])/2]
		t.Logf("%s: p99 is %.1f times as long (median of %d rounds)", what, median, *latencyRounds)
		if *latencyMost > 0 && median > *latencyMost {
			t.Errorf("%s: more than %g times as long", what, *latencyMost)
		}
	}
}

// asked are the requests that are measured, each by somebody of its own, and how often. A pace is written to Kafka, and the audit
// before and after it.
var asked = map[string]time.Duration{"show": 20 * time.Millisecond, "list": 20 * time.Millisecond, "pace": 200 * time.Millisecond}

// latency asks a daemon.
type latency struct {
	*daemonOn
	ids []string
}

// all wishes the same of all replays, and waits until they stand so.
func (m *latency) all(t *testing.T, act func(context.Context, string, api.Act) (api.Replay, error), want replay.State) {
	t.Helper()
	for _, id := range m.ids {
		if _, err := act(t.Context(), id, api.Act{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range m.ids {
		m.until(t, id, id+" to be "+string(want), func(r api.Replay) bool { return r.State == want })
	}
}

// measure asks for all kinds side by side and returns how long the answers took.
func (m *latency) measure(t *testing.T) map[string][]time.Duration {
	t.Helper()
	took := map[string][]time.Duration{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for what, every := range asked {
		all.Go(func() {
			times := m.ask(t, what, every)
			mu.Lock()
			defer mu.Unlock()
			took[what] = times
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return took
}

// ask asks again and again, at most once in a while.
func (m *latency) ask(t *testing.T, what string, every time.Duration) (took []time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for began, n := time.Now(), 0; time.Since(began) < *latencyFor; n++ {
		<-tick.C
		id, sent := m.ids[n%len(m.ids)], time.Now()
		var err error
		switch what {
		case "show":
			_, err = m.Replay(t.Context(), id)
		case "list":
			_, err = m.Replays(t.Context(), api.Query{})
		case "pace":
			_, err = m.SetPace(t.Context(), id, api.Pace{Pace: fmt.Sprint(busyPace+n%2, "/s")})
		}
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return took
		}
		took = append(took, time.Since(sent))
	}
	return took
}

// p99 is what 99 of 100 answers take at most.
func p99(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[(len(took)*99-1)/100]
}
