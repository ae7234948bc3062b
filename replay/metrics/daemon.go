package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"replayd/replay"
	"replayd/replay/manager"
)

// Daemon is what is looked at when somebody scrapes. All of it must be set.
type Daemon struct {
	Standing func() manager.Standing
	Ready    func() bool // what /readyz says
	View     View
	Work     Work
	Unsure   func() int64           // transactions that did not end well
	Streams  func() (now, most int) // of events
	Denied   func() int64           // requests and acts
}

// View is what is known of the control topics.
type View interface {
	Ready() error
	Behind() time.Duration
}

// Work is the daemon's part of all targets.
type Work interface {
	Ready() error
	Parts() int
}

// Watch has scrapes look at d. It is to be called once.
func (m *Metrics) Watch(d Daemon) { m.registry.MustRegister(&collector{d, &m.commits}) }

// collector looks at a daemon.
type collector struct {
	Daemon

	commits *commits
}

// metric is one that is collected.
type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

// described are all metrics that are collected.
var described []*prometheus.Desc

func describe(kind prometheus.ValueType, name, help string, labels ...string) metric {
	d := prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
	described = append(described, d)
	return metric{d, kind}
}

func gauge(name, help string, labels ...string) metric {
	return describe(prometheus.GaugeValue, name, help, labels...)
}

func counter(name, help string, labels ...string) metric {
	return describe(prometheus.CounterValue, name, help, labels...)
}

// The metrics of a daemon.
var (
	ready        = gauge("ready", "1 when the daemon can do its work and could know people by their issuer, as /readyz says, else 0.")
	viewReady    = gauge("control_topics_ready", "1 while the control topics are read, else 0.")
	viewBehind   = gauge("control_topics_age_seconds", "How old what this daemon knows of replays may be.")
	workReady    = gauge("work_ready", "1 while this daemon is one of those that share the work, else 0.")
	workParts    = gauge("work_parts_owned", "Parts of all topics that this daemon has; all daemons together have 64.")
	replays      = gauge("replays", "Replays that are known, wherever they run, by who runs them and how they stand; one in the foreground that was not heard for 10 minutes counts as paused.", "owner", "state")
	queued       = gauge("replays_queued", "Replays into this daemon's topics that wait for their turn or their next try.")
	turn         = gauge("queue_wait_seconds", "How long a replay into this daemon's topics has waited for its turn, the one that waits longest: since it was to run, or since one before it ended; 0 when none waits.")
	approval     = gauge("replays_awaiting_approval", "Replays into this daemon's topics that wait for a second person.")
	blocked      = gauge("replays_refused", "Replays that were refused before they began and wait for a person, wherever.")
	sessions     = gauge("sessions", "Sessions of this daemon that have told how far they are.")
	sessionsMost = gauge("sessions_limit", "Sessions that this daemon may have at a time.")
	begun        = counter("sessions_started_total", "Sessions that this daemon has begun.")
	ended        = counter("sessions_ended_total", "Sessions that have ended, by how.", "outcome")
	memory       = gauge("memory_budget_bytes", "Memory that all sessions together may take.")
	memoryUsed   = gauge("memory_budget_used_bytes", "What of it the sessions that there are may take.")
	unsure       = counter("commit_retries_total", "Transactions that did not end well, so that the log had to be asked what became of them.")
	auditRefused = counter("audit_refusals_total", "Acts that were not done because the audit could not be written.")
	auditUntold  = counter("audit_outcomes_lost_total", "Acts whose outcome the audit does not hold.")
	denied       = counter("api_denials_total", "Requests and acts that were denied: nobody known, too low a role, another's archive or topic.")
	streams      = gauge("event_streams", "Streams of events that are open.")
	streamsMost  = gauge("event_streams_limit", "Streams of events that may be open.")
)

// Describe implements prometheus.Collector.
func (*collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range described {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	put := func(m metric, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(m.desc, m.kind, value, labels...)
	}
	put(ready, bit(c.Ready()))
	put(viewReady, bit(c.View.Ready() == nil))
	put(viewBehind, c.View.Behind().Seconds())
	put(workReady, bit(c.Work.Ready() == nil))
	put(workParts, float64(c.Work.Parts()))
	put(unsure, float64(c.Unsure()))
	put(denied, float64(c.Denied()))
	now, most := c.Streams()
	put(streams, float64(now))
	put(streamsMost, float64(most))
	s := c.Standing()
	standing(put, &s)
	for i := range s.Sessions[:min(len(s.Sessions), mostReplays)] {
		at, _ := c.commits.newest(s.Sessions[i].ID)
		working(put, &s.Sessions[i], at)
	}
}

// put hands one value on.
type put func(m metric, value float64, labels ...string)

// The values of labels that replays and sessions are counted by.
var (
	owners = []string{replay.OwnerDaemon, replay.OwnerRun}
	states = []replay.State{
		replay.Planned, replay.Running, replay.Paused, replay.Completed, replay.CompletedWithQuarantine, replay.Cancelled, replay.Failed,
	}
)

func standing(put put, s *manager.Standing) {
	for _, owner := range owners {
		for _, state := range states {
			put(replays, float64(s.Replays[manager.Kind{Owner: owner, State: state}]), owner, string(state))
		}
	}
	put(queued, float64(s.Queued))
	put(turn, s.Turn.Seconds())
	put(approval, float64(s.Approval))
	put(blocked, float64(s.Blocked))
	put(sessions, float64(len(s.Sessions)))
	put(sessionsMost, float64(s.MaxRunning))
	put(begun, float64(s.Begun))
	for _, outcome := range manager.Outcomes {
		put(ended, float64(s.Ended[outcome]), string(outcome))
	}
	put(memory, float64(s.Memory))
	put(memoryUsed, float64(s.MemoryUsed))
	put(auditRefused, float64(s.Unaudited))
	put(auditUntold, float64(s.Untold))
}

func bit(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
