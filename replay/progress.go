package replay

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"replayd/replay/merge"
	"replayd/replay/pace"
)

// Phase is what a replay is doing.
type Phase string

// The phases.
const (
	Listing    Phase = "listing"
	Rebuilding Phase = "rebuilding" // reading the horizon before the checkpoint again
	Producing  Phase = "running"
	Waiting    Phase = "waiting" // for an archive that does not answer, the broker, or the end of a pause
	Ended      Phase = "ended"   // of a replay that does nothing any more
	Untold     Phase = ""        // nobody tells what it does, nor how fast: of a foreground process its commits alone are known
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
	Opened       int64     // objects that this session has begun to read
	Fetched      int64     // bytes of objects that this session has got from the store, counted twice where they are read twice
	Event        time.Time // merge time reached, at most the end of the window
	Percent      float64   // of the window, or of what is rebuilt
	Elapsed      time.Duration
	EventsPerSec float64 // produced, over the last seconds
	BytesPerSec  float64 // of values produced
	Pace         pace.Setting
	Lost         time.Duration // how much longer this session took than its pace would have, at most 100 ms of lag aside
	HeldBy       Holder
	Error        string        // for people: that is being waited out
	ETA          time.Duration // until it is done; 0: not known
	ReadTwice    int64         // objects that did not fit into memory: of this session, as all that depends on memory
	Spilled      int64         // objects
	SpilledBytes int64         // on disk, all in all
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

	supply  merge.Supply
	fetched atomic.Int64 // bytes

	mu        sync.Mutex
	now       Progress
	from      int64 // merge time that percent counts from, for rebuilding
	resume    int64
	reading   Phase // what comes behind listing
	bytes     int64
	pausedAt  time.Time // when the newest pause began
	busySince time.Time // of the commit under way
	handing   stopwatch // a chunk waits for the one before it
	starving  stopwatch // the feed waits for entries
	waiting   int       // store requests that are being retried
	rates     []moment
	base      float64   // percent when this session began to produce
	baseAt    time.Time // and when that was
}

const (
	rateWindow  = 5 * time.Second // that rates are of
	judgedAfter = 2 * time.Second // of work it can be told where most of them went
)

func newMeter(s *Spec, c *Checkpoint, pacer *pace.Pacer) *meter {
	m := &meter{spec: s, pacer: pacer, began: time.Now(), reading: Producing}
	m.now = Progress{ID: s.ID, Topic: s.Topic, State: Running, Phase: Listing, Counters: scalars(&c.Counters)}
	if c.Begun {
		m.reading = Rebuilding
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

// pausing notes that the replay is paused, or no longer. A pause is no time that the rest of it is measured by, nor its rates, nor what
// holds it: it waits for nothing then, and would seem to be busy.
func (m *meter) pausing(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if on {
		m.now.State, m.pausedAt = Paused, time.Now()
		return
	}
	m.now.State, m.rates = Running, nil
	m.baseAt = m.baseAt.Add(time.Since(m.pausedAt))
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

// measure has w go on until what it returns is called: while a full chunk waits for the transaction before it, or the feed for
// entries.
func (m *meter) measure(w *stopwatch) (done func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w.start()
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		w.stop()
	}
}

// came notes that so many bytes of an object have come.
func (m *meter) came(n int) { m.fetched.Add(int64(n)) }

// archiveWaits notes that a store request waits for its next try because of err, or, with nil, no longer.
func (m *meter) archiveWaits(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		if m.waiting = max(0, m.waiting-1); m.waiting == 0 {
			m.now.Error = ""
		}
		return
	}
	m.waiting++
	m.now.Error = err.Error()
}

// misfit notes what did not fit into memory.
func (m *meter) misfit(f merge.Fit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.ReadTwice, m.now.Spilled, m.now.SpilledBytes = f.ReadTwice, f.Spilled, f.SpilledBytes
}

// report tells observe of the progress ten times a second until ctx ends, and once more then.
func (m *meter) report(ctx context.Context, observe func(Progress)) error {
	tick := time.NewTicker(observeEvery)
	defer tick.Stop()
	_ = m.progress(time.Now()) // what holds it is told of the time from here on
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
	p.Elapsed, p.Pace, p.Lost = now.Sub(m.began), state.Setting, state.Lost
	p.Opened, p.Fetched = m.supply.Opened(), m.fetched.Load()
	first, last := m.look(now, state.Waited)
	if span := last.at.Sub(first.at); span > 0 {
		p.EventsPerSec = float64(last.events-first.events) / span.Seconds()
		p.BytesPerSec = float64(last.bytes-first.bytes) / span.Seconds()
		p.HeldBy = m.holder(first, last)
	}
	if p.State == Paused {
		p.EventsPerSec, p.BytesPerSec = 0, 0 // and not what they were before
		p.HeldBy, p.Phase, p.Error = HeldByNothing, Waiting, ""
		return p
	}
	switch {
	case m.waiting > 0 || p.HeldBy == HeldByBroker:
		p.Phase = Waiting
	case p.Phase == Listing && p.Opened > 0: // its first event may be long in coming
		p.Phase = m.reading
	}
	p.ETA = m.eta(now)
	return p
}

// look adds the moment that now is.
func (m *meter) look(now time.Time, paced time.Duration) (first, last moment) {
	m.rates = append(m.rates, moment{
		at: now, events: m.now.Counters.Produced, bytes: m.bytes,
		paced: paced, broker: m.handing.until(now), starved: m.starving.until(now), archive: m.supply.Waited(),
	})
	for len(m.rates) > 2 && now.Sub(m.rates[0].at) > rateWindow {
		m.rates = m.rates[1:]
	}
	return m.rates[0], m.rates[len(m.rates)-1]
}
