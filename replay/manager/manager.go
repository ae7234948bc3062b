package manager

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/pace"
)

// Options of a Manager. What is an interface or a func must be set.
type Options struct {
	Registers Registers
	Work      Work
	Sessions  Sessions
	Desk      Desk

	By func(context.Context) string // who asks, as the audit names them; empty: nobody said

	MaxRunning    int          // sessions at a time; default 4
	Memory        int64        // bytes for all sessions together; default 512 MiB for each
	Pace          pace.Setting // of all sessions together; not set: each has its own
	RequireReason bool         // acts without a reason are refused
	SecondPerson  int64        // a start that reads more stored bytes waits for a second person; 0: none does

	Version string // of the program
	Daemon  string // its name; default: host and process
	Log     zerolog.Logger
}

// Limits of what is not set.
const (
	defaultRunning = 4
	defaultMemory  = 512 << 20 // of one session, as in replay.Options
)

func (o *Options) complete() {
	if o.MaxRunning <= 0 {
		o.MaxRunning = defaultRunning
	}
	if o.Memory <= 0 {
		o.Memory = int64(o.MaxRunning) * defaultMemory
	}
	if o.Daemon == "" {
		o.Daemon = fmt.Sprintf("%s %d", host(), os.Getpid())
	}
}

func host() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

// Manager runs the replays that should run at this daemon, and answers for all. Its methods may be called by any goroutine;
// those that only ask or wish also before Run and after it.
type Manager struct {
	options Options
	log     zerolog.Logger
	wake    chan struct{} // holds a token when Run should look
	news    *news
	tally   tally

	mu       sync.Mutex
	running  bool
	sessions map[string]*session // by replay
	setbacks map[string]setback  // by replay, of those that are known
	heard    map[string]heard    // by replay, of those that are known
	queued   map[string]string   // by replay: why it waits
	full     []string            // replays that wait because this daemon is full
	turn     time.Time           // since when a replay waits for its turn, the one that waits longest; zero: none does
	working  int                 // sessions among which the pace is divided
	share    pace.Setting        // of each
}

var (
	_ api.Service = (*Manager)(nil)
	_ api.Checker = (*Manager)(nil)
)

// New returns a manager that runs nothing yet.
func New(o Options) *Manager {
	o.complete()
	return &Manager{
		options: o, log: o.Log, wake: make(chan struct{}, 1), news: newNews(time.Now()),
		tally: tally{ended: map[Outcome]int64{}}, share: o.Pace, sessions: map[string]*session{}, setbacks: map[string]setback{}, heard: map[string]heard{}, queued: map[string]string{},
	}
}

const (
	// settle is between two looks of Run where only the control topics change, as whenever any session tells anything: each copies what
	// is known of all replays. What this daemon was asked itself waits for hurry only.
	settle = 250 * time.Millisecond
	hurry  = 20 * time.Millisecond

	// unready is how often Run looks while it has not read enough to begin anything.
	unready = time.Second

	// watched is how often Run looks while any replay has not ended, though nothing was read: its own sessions go on when
	// brokers do not answer, and who watches is told so.
	watched = time.Second
)

// Run runs what should run, until ctx ends, or the control topics are gone, which is the error. Then all sessions leave, at their
// next commit, and it returns when they have. It is to be called once.
func (m *Manager) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	work := m.options.Work.Changed()
	beyond := context.WithoutCancel(ctx) // a session leaves, and is not cut off
	m.start()
	var crier sync.WaitGroup
	crier.Go(func() { m.cry(ctx) })
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	for ctx.Err() == nil {
		known := m.options.Registers.Changed()
		if m.options.Registers.Gone() != nil { // and nobody can be heard any more who wants a session to end
			stop()
			break
		}
		looked, again := time.Now(), m.look(beyond)
		select {
		case <-ctx.Done():
		case <-m.wake:
		case <-at(alarm, again):
		case <-work:
			work = m.options.Work.Changed()
			m.forgive()
		case <-known:
			select {
			case <-ctx.Done():
			case <-m.wake:
			case <-at(alarm, looked.Add(settle)):
			}
		}
		select {
		case <-ctx.Done():
		case <-at(alarm, looked.Add(hurry)):
		}
	}
	crier.Wait()
	m.end()
	return m.options.Registers.Gone()
}

// come is told always.
var come = func() <-chan time.Time {
	c := make(chan time.Time)
	close(c)
	return c
}()

// at sets alarm to an instant, and no longer to the one before, and returns what is told then; never, when the instant is zero. One
// that has come takes no timer: the race detector (go 1.26) dies of a timer in a test's own time that is due before it is waited for.
func at(alarm *time.Timer, t time.Time) <-chan time.Time {
	alarm.Stop()
	switch wait := time.Until(t); {
	case t.IsZero():
		return nil
	case wait <= 0:
		return come
	default:
		alarm.Reset(wait)
		return alarm.C
	}
}

func (m *Manager) start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running = true
}

// end lets all sessions leave, waits for them, and ends the streams of events.
func (m *Manager) end() {
	m.mu.Lock()
	m.running = false
	m.mu.Unlock()
	for _, s := range m.leaving(func(string) bool { return true }) {
		<-s.done
	}
	m.news.end()
}

// Leave lets the sessions of all topics that lost names leave, and returns when they have, or have been abandoned after 10
// seconds. Work must not call those topics ours any more.
func (m *Manager) Leave(lost func(topic string) bool) {
	late := time.NewTimer(leaveWithin)
	defer late.Stop()
	for _, s := range m.leaving(lost) {
		select {
		case <-s.done:
		case <-late.C:
			return // each of them is abandoned at this time, too
		}
	}
}

// leaving asks the sessions of topics to leave, and returns them.
func (m *Manager) leaving(lost func(topic string) bool) []*session {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []*session
	for _, s := range m.sessions {
		if lost(s.known.Spec.Topic) {
			s.leave()
			list = append(list, s)
		}
	}
	m.divide()
	return list
}

// look is what Run does again and again: it brings what runs in line with what should, and tells of what has changed. It returns when to look again at the
// latest.
func (m *Manager) look(ctx context.Context) time.Time {
	whole := m.options.Registers.Whole() // before all: what is read first is of nobody knows when
	all := m.options.Registers.All()
	ready := m.options.Registers.Ready()
	m.mu.Lock()
	m.steer(all, whole)
	w := world{now: time.Now(), daemon: m.options.Daemon, known: all, mine: m.options.Work.Mine, sessions: m.here(), setbacks: m.setbacks, most: m.options.MaxRunning}
	a := w.arrange()
	m.queued, m.full, m.turn = a.queued, a.full, a.turn
	if ready != nil {
		a.lookBy(w.now.Add(unready))
		a.begin = nil // what is wished may not have been read yet
	}
	for _, k := range a.begin {
		m.begin(ctx, k)
	}
	m.divide()
	m.mu.Unlock()
	if next := m.news.publish(w.now, all, m.replay); !next.IsZero() {
		a.lookBy(next)
	}
	if slices.ContainsFunc(all, func(k replay.Known) bool { return !k.State().Terminal() }) {
		a.lookBy(w.now.Add(watched))
	}
	return a.again
}

// own is the session that k has here, nil: none. The lock is held.
func (m *Manager) own(k *replay.Known) *session {
	if s := m.sessions[k.Spec.ID]; s != nil && s.of(k) {
		return s
	}
	return nil
}

// here are the ids of replays that have a session. The lock is held.
func (m *Manager) here() map[string]bool {
	ids := map[string]bool{}
	for id := range m.sessions {
		ids[id] = true
	}
	return ids
}

// steer tells the sessions what is wished, lets those leave whose topic is another daemon's, or which were to work otherwise, and
// forgets the setbacks of what is not known any more, or is another daemon's to try. What others tell is heard once all that was
// there at the beginning had been read, whole. The lock is held.
func (m *Manager) steer(all []replay.Known, whole bool) {
	ours, now := map[string]bool{}, time.Now()
	for i := range all {
		k := &all[i]
		ours[k.Spec.ID] = m.options.Work.Mine(k.Spec.Topic)
		if whole {
			m.hear(k, now)
		}
		if s := m.sessions[k.Spec.ID]; s != nil {
			s.steer(k)
		}
		if b, set := m.setbacks[k.Spec.ID]; set {
			b.hear(m.heard[k.Spec.ID].at)
			m.setbacks[k.Spec.ID] = b
		}
	}
	for id, s := range m.sessions {
		switch _, known := ours[id]; {
		case !known: // forgotten: there is nothing to come back to
			s.abandon()
		case !m.options.Work.Mine(s.known.Spec.Topic):
			s.leave()
		}
	}
	for id := range m.setbacks {
		if !ours[id] {
			delete(m.setbacks, id)
		}
	}
	maps.DeleteFunc(m.heard, func(id string, _ heard) bool { _, known := ours[id]; return !known })
}

// forgive forgets that others have taken replays over: work has been divided anew since.
func (m *Manager) forgive() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, b := range m.setbacks {
		if b.taken {
			delete(m.setbacks, id)
		}
	}
}

// signal lets Run look.
func (m *Manager) signal() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Ready implements api.Service.
func (m *Manager) Ready(context.Context) (api.Readiness, error) {
	r := api.Readiness{Reasons: []string{}}
	if err := m.options.Registers.Ready(); err != nil {
		r.Reasons = append(r.Reasons, err.Error())
	}
	if err := m.options.Work.Ready(); err != nil {
		r.Reasons = append(r.Reasons, err.Error())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.running {
		r.Reasons = append(r.Reasons, "the daemon is starting or stopping")
	}
	r.Ready = len(r.Reasons) == 0
	return r, nil
}

// Version implements api.Service.
func (m *Manager) Version(context.Context) (api.Version, error) {
	return api.Version{Version: m.options.Version, ReasonRequired: m.options.RequireReason}, nil
}
