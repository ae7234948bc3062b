package metrics

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"replayd/replay"
	"replayd/replay/manager"
)

// commits count what sessions make durable, so that a counter never tells of an event twice: what was handed on and not
// committed when a session ended is produced by the next one.
type commits struct {
	events    *prometheus.CounterVec
	objects   prometheus.Counter // bytes
	produced  prometheus.Counter // bytes
	durations prometheus.Histogram
	failures  prometheus.Counter

	mu   sync.Mutex
	last map[string]time.Time // of the sessions that there are, by replay
}

func newCommits() commits {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	}
	return commits{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "events_total", Help: "Events that sessions of this daemon have committed, by what became of them.",
		}, []string{"outcome"}),
		objects:  counter("object_bytes_total", "Stored size of the objects that sessions of this daemon have read to their end."),
		produced: counter("produced_bytes_total", "Values that sessions of this daemon have committed, before compression."),
		durations: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "commit_duration_seconds", Help: "Time that commits took, with all that was tried again for them.",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 15, 60, 300},
		}),
		failures: counter("commit_failures_total", "Commits that were given up. Those that another session or the daemon's end cut off are none."),
		last:     map[string]time.Time{},
	}
}

func (c *commits) register(r prometheus.Registerer) {
	for _, outcome := range outcomes {
		c.events.WithLabelValues(outcome.name) // 0 is there from the beginning, so that the first is an increase
	}
	r.MustRegister(c.events, c.objects, c.produced, c.durations, c.failures)
}

// outcomes are what may become of an event that was read. Each becomes one of these.
var outcomes = []struct {
	name string
	of   func(*replay.Counters) int64
}{
	{"produced", func(c *replay.Counters) int64 { return c.Produced }},
	{"duplicate", func(c *replay.Counters) int64 { return c.Duplicates }},
	{"filtered", func(c *replay.Counters) int64 { return c.Filtered }},
	{"outside", func(c *replay.Counters) int64 { return c.Outside }},
	{"quarantined", func(c *replay.Counters) int64 { return c.Quarantined }},
}

// Sink counts what a session commits through next.
func (m *Metrics) Sink(id string, next manager.Sink) manager.Sink {
	return &sink{Sink: next, to: &m.commits, id: id}
}

// sink is that of one session.
type sink struct {
	manager.Sink

	to      *commits
	id      string
	durable replay.Checkpoint
}

func (s *sink) Open(ctx context.Context, spec *replay.Spec) (replay.Durable, error) {
	d, err := s.Sink.Open(ctx, spec)
	if err == nil {
		s.durable = d.Checkpoint
		s.to.at(s.id, time.Now())
	}
	return d, err
}

func (s *sink) Commit(ctx context.Context, c *replay.Chunk) error {
	began, size := time.Now(), int64(0)
	for i := range c.Records {
		size += int64(len(c.Records[i].Value))
	}
	err := s.Sink.Commit(ctx, c)
	switch {
	case err == nil:
		s.to.committed(&s.durable.Counters, &c.Checkpoint.Counters, size, time.Since(began))
		if c.Checkpoint.State != s.durable.State || c.Checkpoint.Position != s.durable.Position { // or it only tells that it is alive
			s.to.at(s.id, time.Now())
		}
		s.durable = c.Checkpoint
	case ctx.Err() == nil && !errors.As(err, new(*replay.TakenOver)):
		s.to.failures.Inc()
	}
	return err
}

func (s *sink) Close() {
	s.Sink.Close()
	s.to.mu.Lock()
	defer s.to.mu.Unlock()
	delete(s.to.last, s.id)
}

func (c *commits) committed(before, now *replay.Counters, size int64, took time.Duration) {
	for _, outcome := range outcomes {
		c.events.WithLabelValues(outcome.name).Add(float64(max(0, outcome.of(now)-outcome.of(before))))
	}
	c.objects.Add(float64(max(0, now.Bytes-before.Bytes)))
	c.produced.Add(float64(size))
	c.durations.Observe(took.Seconds())
}

// at notes when a session committed last; opening the sink counts as that.
func (c *commits) at(id string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last[id] = now
}

// newest is when the session of a replay committed last.
func (c *commits) newest(id string) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, known := c.last[id]
	return at, known
}
