package replay

import (
	"context"
	"sync"
	"time"

	"replayd/replay/pace"
)

// Phase is what a running replay is doing.
type Phase string

// The phases.
const (
	Listing    Phase = "listing"
	Rebuilding Phase = "rebuilding" // reading the horizon before the checkpoint again
	Producing  Phase = "running"
	Waiting    Phase = "waiting" // for the archive or the broker
)

// Holder is what keeps a replay from being faster.
type Holder string

// The holders.
const (
	HeldByNothing Holder = ""
	HeldByArchive Holder = "archive"
	HeldByCPU     Holder = "cpu"
	HeldByBroker  Holder = "broker"
	HeldByPace    Holder = "pace"
)

// Progress is a running replay at an instant.
type Progress struct {
	ID           string
	Topic        string
	State        State
	Phase        Phase
	Counters     Counters  // as of what was handed on; without its maps and lists
	Event        time.Time // merge time reached, at most the end of the window
	Percent      float64   // of the window, or of what is rebuilt
	Elapsed      time.Duration
	EventsPerSec float64 // produced, over the last seconds
	BytesPerSec  float64 // of values produced
	Pace         pace.Setting
	HeldBy       Holder
	Waits        string        // for people: the error that is being waited out
	Left         time.Duration // 0: not known
	Warnings     []string      // for people, what Options.Watch says now; not to be changed
}

// slowCommit is how long a transaction may take before the broker is said to hold the replay.
const slowCommit = 5 * time.Second

// observeEvery is between two words of progress.
const observeEvery = 100 * time.Millisecond

// meter gathers progress. Its methods may be called from any goroutine.
type meter struct {
	spec  *Spec
	pacer *pace.Pacer
	began time.Time

	mu        sync.Mutex
	now       Progress
	from      int64 // merge time that percent counts from, for rebuilding
	resume    int64
	bytes     int64
	busySince time.Time // of the commit under way
	handed    time.Time // since when a chunk waits for the one before it
	blocked   time.Duration
	waiting   int // store requests that are being retried
	rates     []moment
	base      float64   // percent when this session began to produce
	baseAt    time.Time // and when that was
}

// moment is one of the last seconds, from which rates are taken.
type moment struct {
	at            time.Time
	events, bytes int64
	paced, broker time.Duration // waited until then
}

// window of rates.
const rateWindow = 5 * time.Second

func newMeter(s *Spec, c *Checkpoint, pacer *pace.Pacer) *meter {
	m := &meter{spec: s, pacer: pacer, began: time.Now()}
	m.now = Progress{ID: s.ID, Topic: s.Topic, State: Running, Phase: Listing, Counters: scalars(&c.Counters)}
	if c.Begun {
		m.resume, m.from = c.Position.Time, c.Position.Time-int64(s.Horizon)
	}
	return m
}

// scalars are the counters without what is shared.
func scalars(c *Counters) Counters {
	d := *c
	d.FilteredBy, d.QuarantinedBy, d.Gaps = nil, nil, nil
	return d
}

// recalled notes that the index was rebuilt up to merge time t.
func (m *meter) recalled(t int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Phase = Rebuilding
	if width := m.resume - m.from; width > 0 {
		m.now.Percent = 100 * min(1, max(0, float64(t-m.from)/float64(width)))
	}
}

// passed notes how far the account is.
func (m *meter) passed(c *Checkpoint, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !c.Begun || m.resume != 0 && c.Counters.Read == m.now.Counters.Read && m.now.Phase == Rebuilding {
		return
	}
	m.now.Counters = scalars(&c.Counters)
	m.bytes = bytes
	m.now.Event = time.Unix(0, c.Position.Time).UTC()
	w := m.spec.Window
	if w.Bounded() {
		if m.now.Event.After(w.To) {
			m.now.Event = w.To
		}
		done, all := m.now.Event.Sub(w.From), w.To.Sub(w.From)
		percent := 100 * min(1, max(0, float64(done)/float64(all)))
		if m.now.Phase != Producing {
			m.base, m.baseAt = percent, time.Now()
		}
		m.now.Percent = percent
	}
	m.now.Phase = Producing
}

// committing notes that a transaction begins or has ended.
func (m *meter) committing(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busySince = time.Time{}
	if on {
		m.busySince = time.Now()
	}
}

// handing notes that a full chunk waits for the transaction before it, or no longer does.
func (m *meter) handing(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if on {
		m.handed = time.Now()
		return
	}
	m.blocked += time.Since(m.handed)
	m.handed = time.Time{}
}

// archiveWaits notes that a store request waits for its next try because of err, or, with nil, no longer.
func (m *meter) archiveWaits(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.waiting = max(0, m.waiting-1)
		return
	}
	m.waiting++
	m.now.Waits = err.Error()
}

// report tells observe of the progress ten times a second until ctx ends, and once more then.
func (m *meter) report(ctx context.Context, observe func(Progress)) error {
	tick := time.NewTicker(observeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			observe(m.progress(time.Now()))
			return nil
		case now := <-tick.C:
			observe(m.progress(now))
		}
	}
}

// progress is the state as of now.
func (m *meter) progress(now time.Time) Progress {
	state := m.pacer.State()
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.now
	p.Elapsed, p.Pace = now.Sub(m.began), state.Setting
	first, last := m.look(now, state.Waited)
	if span := last.at.Sub(first.at); span > 0 {
		p.EventsPerSec = float64(last.events-first.events) / span.Seconds()
		p.BytesPerSec = float64(last.bytes-first.bytes) / span.Seconds()
		p.HeldBy = m.holder(now, first, last, span)
	}
	if p.HeldBy == HeldByArchive || p.HeldBy == HeldByBroker {
		p.Phase = Waiting
	} else {
		p.Waits = ""
	}
	p.Left = m.left(now)
	return p
}

func (m *meter) look(now time.Time, paced time.Duration) (first, last moment) {
	blocked := m.blocked
	if !m.handed.IsZero() {
		blocked += now.Sub(m.handed)
	}
	m.rates = append(m.rates, moment{now, m.now.Counters.Produced, m.bytes, paced, blocked})
	for len(m.rates) > 2 && now.Sub(m.rates[0].at) > rateWindow {
		m.rates = m.rates[1:]
	}
	return m.rates[0], m.rates[len(m.rates)-1]
}

// holder is where most of the last seconds went.
func (m *meter) holder(now time.Time, first, last moment, span time.Duration) Holder {
	switch {
	case m.waiting > 0:
		return HeldByArchive
	case !m.busySince.IsZero() && now.Sub(m.busySince) > slowCommit, last.broker-first.broker > span/2:
		return HeldByBroker
	case last.paced-first.paced > span/4:
		return HeldByPace
	}
	return HeldByCPU
}
