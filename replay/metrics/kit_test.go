package metrics

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/manager"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// fake is a view and a part of the work.
type fake struct{ err error }

func (f fake) Ready() error        { return f.err }
func (fake) Behind() time.Duration { return 1500 * time.Millisecond }
func (fake) Parts() int            { return 32 }

// standing is one in which everything is.
func someStanding() manager.Standing {
	p := replay.Progress{
		ID: "r", Topic: "replay.x", State: replay.Running, Phase: replay.Producing, Fetched: 7, Event: noon, Percent: 25, EventsPerSec: 100,
		BytesPerSec: 1000, HeldBy: replay.HeldByBroker, Lost: 3 * time.Second, ETA: time.Minute, SpilledBytes: 9, Error: "503",
		Counters: replay.Counters{Read: 15, Produced: 5, Duplicates: 4, Filtered: 3, Outside: 2, Quarantined: 1, Bytes: 6},
	}
	return manager.Standing{
		Replays: map[manager.Kind]int{{Owner: replay.OwnerDaemon, State: replay.Running}: 1, {Owner: replay.OwnerRun, State: replay.Failed}: 2},
		Queued:  3, Turn: 90 * time.Second, Approval: 4, Blocked: 5, Sessions: []manager.Working{{Archive: "a", Progress: p}}, MaxRunning: 6, Memory: 7, MemoryUsed: 8,
		Begun: 9, Ended: map[manager.Outcome]int64{manager.Failed: 10}, Unaudited: 11, Untold: 12,
	}
}

// watched are the metrics of a daemon that stands so.
func watched(t *testing.T, s func() manager.Standing) *Metrics {
	t.Helper()
	m := New("v1", zerolog.Nop())
	m.Watch(Daemon{
		Standing: s, Ready: func() bool { return true }, View: fake{}, Work: fake{errors.New("not joined")}, Unsure: func() int64 { return 13 },
		Streams: func() (int, int) { return 14, 2000 }, Denied: func() int64 { return 15 },
	})
	return m
}

// full are metrics of which each has a value.
func full(t *testing.T) *Metrics {
	t.Helper()
	m := watched(t, someStanding)
	s := m.Sink("r", &null{})
	if _, err := s.Open(t.Context(), &replay.Spec{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), chunk(replay.Counters{Read: 1, Produced: 1})); err != nil {
		t.Fatal(err)
	}
	m.Request(api.Observed{Operation: "getHealth", Status: 200, Took: time.Second})
	produce(t, m)
	return m
}

// produce has two clients of Kafka write and read something, and meet what goes wrong.
func produce(t *testing.T, m *Metrics) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for i := range 2 {
		k, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), m.Client(), kgo.ConsumeTopics("t"))
		if err != nil {
			t.Fatal(err)
		}
		if err := k.ProduceSync(ctx, &kgo.Record{Topic: "t", Value: []byte("value")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		for n := 0; n <= i; {
			n += k.PollFetches(ctx).NumRecords()
			if ctx.Err() != nil {
				t.Fatal("nothing is read")
			}
		}
		k.Close()
	}
	meta := kgo.BrokerMetadata{NodeID: 0} // what a broker that is well does not show
	m.client.OnBrokerConnect(meta, 0, nil, errors.New("refused"))
	m.client.OnBrokerE2E(meta, 0, kgo.BrokerE2E{WriteErr: errors.New("broken")})
	m.client.OnBrokerE2E(meta, 0, kgo.BrokerE2E{ReadErr: errors.New("broken")})
	m.client.OnBrokerThrottle(meta, time.Second, true)
}

// null takes all.
type null struct {
	base   replay.Counters
	err    error
	closed bool
}

func (n *null) Open(context.Context, *replay.Spec) (replay.Durable, error) {
	return replay.Durable{Checkpoint: replay.Checkpoint{Counters: n.base}}, n.err
}
func (n *null) Commit(context.Context, *replay.Chunk) error        { return n.err }
func (n *null) Watch(context.Context, time.Time, time.Time) string { return "watched" }
func (n *null) Stands() (string, int64)                            { return "s", -1 }
func (n *null) Close()                                             { n.closed = true }

func chunk(c replay.Counters, values ...string) *replay.Chunk {
	to := &replay.Chunk{Checkpoint: replay.Checkpoint{Counters: c}}
	for _, v := range values {
		to.Records = append(to.Records, replay.Record{Value: []byte(v)})
	}
	return to
}

// families are what is gathered, by name.
func families(t *testing.T, m *Metrics) map[string]*dto.MetricFamily {
	t.Helper()
	list, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*dto.MetricFamily{}
	for _, f := range list {
		byName[f.GetName()] = f
	}
	return byName
}

// holds compares what a scrape says of some metrics with a text, in which the comments may be left out.
func holds(t *testing.T, m *Metrics, want string) {
	t.Helper()
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	got := w.Body.String()
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); line != "" && !strings.Contains("\n"+got, "\n"+line+"\n") {
			name, _, _ := strings.Cut(line, "{")
			var like []string
			for other := range strings.Lines(got) {
				if strings.HasPrefix(other, name) {
					like = append(like, other)
				}
			}
			t.Errorf("not told: %s\nbut %s", line, like)
		}
	}
}

// lint is what promlint has to say.
func lint(t *testing.T, m *Metrics) {
	t.Helper()
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
