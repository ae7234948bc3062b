package manager

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"replayd/archive"
	"replayd/replay"
)

// leaveWithin is how long a session may take to commit what it has begun when it is to leave. Then it is abandoned: whoever
// takes the replay over fences it.
const leaveWithin = 10 * time.Second

// tellEvery is between two words of a session.
const tellEvery = time.Second

// session is the work of this daemon on one replay.
type session struct {
	known   replay.Known // as the session began
	control *replay.Control
	cancel  context.CancelFunc
	done    chan struct{} // closed when nothing of it is left

	progress  atomic.Pointer[replay.Progress] // the newest; nil before there is any
	cancelled atomic.Bool

	// Of its own goroutine, once it has worked.
	name   string // its id, as checkpoints tell it
	commit int64  // the number of the newest of the replay that it knew; -1: none

	// Of the manager, under its lock.
	wish    replay.Wish // the newest that it works under
	chosen  string      // the choices that it works with, as chosen tells them
	pauses  bool
	says    bool // it began only to write that the replay is paused or cancelled, maybe beside another session of its topic
	leaving bool
}

// abandon ends the session wherever it is.
func (s *session) abandon() {
	s.cancelled.Store(true)
	s.cancel()
}

func (s *session) abandoned() bool { return s.cancelled.Load() }

// outrun reports whether the replay is to be cancelled, and this session was begun for something else. The next one is begun for
// that alone, and is not kept from it by what this one has met.
func (s *session) outrun() bool {
	return s.wish.State == replay.Cancelled && wished(&s.known).State != replay.Cancelled
}

// seq is the number of events that are known to be produced.
func (s *session) seq() int64 {
	if p := s.progress.Load(); p != nil {
		return p.Counters.Produced
	}
	if c := s.known.Checkpoint; c != nil {
		return c.Seq
	}
	return 0
}

// begin begins a session of k. The lock is held.
func (m *Manager) begin(ctx context.Context, k replay.Known) {
	w := wished(&k)
	ctx, cancel := context.WithCancel(ctx)
	s := &session{
		known: k, control: replay.NewControl(w), cancel: cancel, done: make(chan struct{}), wish: w, chosen: chosen(&k), pauses: w.State != replay.Running, says: w.State != replay.Running,
	}
	s.control.Share(m.share)
	m.sessions[k.Spec.ID] = s
	m.tally.begun++
	m.log.Info().Str("id", k.Spec.ID).Str("topic", k.Spec.Topic).Str("wished", string(w.State)).Msg("a session begins")
	go func() {
		defer close(s.done)
		defer cancel()
		err := m.serve(ctx, s)
		m.ended(ctx, s, err)
	}()
}

// serve runs the session to its end, and tells of it meanwhile.
func (m *Manager) serve(ctx context.Context, s *session) error {
	var telling sync.WaitGroup
	quiet, hush := context.WithCancel(ctx)
	telling.Go(func() { m.tell(quiet, s) })
	state, err := m.work(ctx, s)
	hush()
	telling.Wait()
	m.part(ctx, s, state, err)
	return err
}

// work opens what the replay takes and runs it. It returns the state in which the replay has ended.
func (m *Manager) work(ctx context.Context, s *session) (replay.State, error) {
	k := s.known
	sink := m.options.Sessions.Sink(&k)
	defer sink.Close()
	defer s.stood(sink)
	options, err := m.options.Sessions.Options(&k)
	if err != nil {
		return "", err
	}
	source, err := m.options.Sessions.Source(ctx, &k.Spec)
	if err != nil && wished(&k).State == replay.Running {
		return "", err
	}
	if err != nil { // what only writes a word asks nothing of it
		source = nowhere(err)
	}
	m.limit(&options)
	options.Begun = k.Checkpoint != nil && k.Checkpoint.Begun
	options.Plan, options.Most = m.agreed(&k)
	options.Control, options.Watch = s.control, sink.Watch
	options.Observe = func(p replay.Progress) { s.progress.Store(&p) }
	options.Notice = func(text string) { m.log.Warn().Str("id", k.Spec.ID).Msg(text) }
	runner := replay.Runner{Source: source, Sink: sink, Options: options}
	receipt, err := runner.Run(ctx, k.Spec)
	return receipt.State, err
}

// stood notes where the replay stands as the session knows, which may have ended before it was told so by its sink.
func (s *session) stood(sink Sink) {
	s.name, s.commit = sink.Stands()
	if c := s.known.Checkpoint; c != nil {
		s.commit = max(s.commit, c.Commit)
	}
}

// agreed is what k may begin with: the plan, where there is one, and, where nobody was asked to approve of its size, no more than that
// takes.
func (m *Manager) agreed(k *replay.Known) (plan string, most int64) {
	if !m.mayDiffer(k) {
		plan = k.Start.Plan
	}
	if !m.large(k.Start.Size) {
		most = m.options.SecondPerson
	}
	return plan, most
}

// mayDiffer reports whether k may begin with another archive than the one that was planned: its start allowed that, or it was
// resumed so and nobody had approved of the size of what was planned.
func (m *Manager) mayDiffer(k *replay.Known) bool {
	if k.Start.Allow.Has(replay.ItemArchiveChange) {
		return true
	}
	return k.Chosen().Allow.Has(replay.ItemArchiveChange) && !m.large(k.Start.Size)
}

// part is the last word of a session that went well: that the replay has ended, or that nobody is at work on it now.
func (m *Manager) part(ctx context.Context, s *session, state replay.State, err error) {
	l := m.word(s)
	switch stopped := new(replay.Stopped); {
	case err == nil:
		l.State = state
	case errors.As(err, &stopped) && stopped.State != replay.Failed:
		l.State, l.Daemon = stopped.State, ""
	default:
		return
	}
	m.say(ctx, l)
}

// limit gives a session its part of what the daemon may take.
func (m *Manager) limit(o *replay.Options) {
	n := m.options.MaxRunning
	o.Memory, o.Disk = m.options.Memory/int64(n), o.Disk/int64(n)
	if o.Open > 0 {
		o.Open = max(1, o.Open/n)
	}
}

// tell spreads the word of a session from its beginning, until ctx ends.
func (m *Manager) tell(ctx context.Context, s *session) {
	m.say(ctx, m.word(s))
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			m.say(ctx, m.word(s))
		}
	}
}

// word is how far a session is; at first as far as the replay was, and looking at its archive.
func (m *Manager) word(s *session) replay.Live {
	p := s.progress.Load()
	if p == nil {
		before := progressOf(&s.known)
		before.State, before.Phase = replay.Running, replay.Listing
		p = &before
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return replay.Live{Report: p.Report(), Daemon: m.options.Daemon, Wish: s.wish.Token, At: time.Now().UTC()}
}

func (m *Manager) say(ctx context.Context, l replay.Live) {
	if err := m.options.Registers.Tell(ctx, l); err != nil && ctx.Err() == nil {
		m.log.Debug().Err(err).Str("id", l.ID).Msg("how far a session is could not be told")
	}
}

// ended takes note of how a session ended, and tells others what went wrong: the checkpoint may not say it. What lasts is
// written before anybody is told of it.
func (m *Manager) ended(ctx context.Context, s *session, err error) {
	if k, ok := m.options.Registers.Find(s.known.Spec.ID); !ok || !s.of(&k) {
		s.abandon() // its replay is forgotten, and what it has met says nothing of one that has the id now
	}
	r, err := m.refuse(ctx, s, err)
	b := m.note(s, err, r)
	m.signal()
	log := m.log.With().Str("id", s.known.Spec.ID).Logger()
	l := m.word(s)
	switch {
	case r != nil:
		log.Warn().Err(err).Str("next", "tried again when it is resumed").Msg("a session has failed")
		l.State, l.Error = r.State, r.Error
	case b.reason != "":
		log.Warn().Err(err).Str("next", b.again()).Msg("a session has failed")
		l.State, l.Error, l.Queued = replay.Failed, b.reason, b.again()
	case s.abandoned():
		log.Info().Str("how", string(Abandoned)).Msg("a session has ended")
		return
	case err != nil:
		log.Info().Str("how", err.Error()).Msg("a session has ended")
		return
	default:
		log.Info().Msg("a replay has ended")
		return
	}
	m.say(ctx, l)
}

// refuse lets the replay wait for a person where another session would end as this one has, nil where it would not. Until that
// stands in the control topics for all daemons, nothing is known of it, and the replay is tried again. The error is err, or that
// another session has the replay by now: then there is nothing to wait for.
func (m *Manager) refuse(ctx context.Context, s *session, err error) (*replay.Refused, error) {
	id := s.known.Spec.ID
	m.mu.Lock()
	r, is := refusal(s, err, m.options.Daemon, time.Now())
	m.mu.Unlock()
	if !is {
		return nil, err
	}
	if taken := m.overtaken(id, &r); taken != nil {
		return nil, taken
	}
	ctx, cancel := context.WithTimeout(ctx, actLimit)
	defer cancel()
	failed := m.options.Registers.Refuse(ctx, id, r)
	if taken := m.overtaken(id, &r); taken != nil {
		return nil, taken
	}
	if failed != nil {
		m.log.Warn().Err(failed).Str("id", id).Msg("that a replay waits for a person could not be written: it is tried again")
		return nil, err
	}
	return &r, err
}

// overtaken is the error of a session that would end in r, where another one has the replay by now.
func (m *Manager) overtaken(id string, r *replay.Refused) error {
	k, ok := m.options.Registers.Find(id)
	if !ok || !r.Overtaken(k.Checkpoint) {
		return nil
	}
	return &replay.TakenOver{Host: k.Checkpoint.Host, PID: k.Checkpoint.PID}
}

// note forgets the session and keeps what follows from its end; of what is refused the control topics tell, nil: it is not.
func (m *Manager) note(s *session, err error, r *replay.Refused) setback {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := s.known.Spec.ID
	delete(m.sessions, id)
	m.tally.ended[outcome(s, err)]++
	before := m.setbacks[id]
	delete(m.setbacks, id)
	b, is := after(s, err, before, time.Now())
	if r != nil {
		b, is = setback{token: r.Wish, over: true, until: time.Now().Add(silent)}, true
	}
	if is {
		m.setbacks[id] = b
	}
	return b
}

// leave asks a session to leave, once. The lock is held.
func (s *session) leave() {
	if s.leaving {
		return
	}
	s.leaving = true
	s.control.Leave()
	go func() {
		late := time.NewTimer(leaveWithin)
		defer late.Stop()
		select {
		case <-s.done:
		case <-late.C:
			s.abandon()
		}
	}()
}

// of reports whether the session is of k, and not of a replay that had its id before and is forgotten. One that cannot be read may be
// either.
func (s *session) of(k *replay.Known) bool {
	return k.Incarnation == "" || k.Incarnation == s.known.Incarnation
}

// steer tells a session what is wished of the replay that has its id now. The lock is held.
func (s *session) steer(k *replay.Known) {
	if !s.of(k) {
		s.abandon() // there is nothing to come back to
		return
	}
	if s.chosen != chosen(k) || s.says && wished(k).State == replay.Running {
		s.leave() // to one that works with the other choices, or when it is its turn
	}
	s.obey(wished(k))
}

// obey tells a session what is wished now. Of one that leaves its end says nothing about that. The lock is held.
func (s *session) obey(w replay.Wish) {
	if w.Token == s.wish.Token {
		return
	}
	if !s.leaving {
		s.wish = w
	}
	s.pauses = w.State != replay.Running
	s.control.Wish(w)
}

// chosen names the choices that were made of k: by other ones it is another text.
func chosen(k *replay.Known) string {
	var tokens strings.Builder
	for _, name := range replay.Choices {
		tokens.WriteString(k.Choices[name].Token + " ")
	}
	return tokens.String()
}

// divide gives each session that works its part of the pace for all. The lock is held.
func (m *Manager) divide() {
	working := 0
	for _, s := range m.sessions {
		if !s.pauses && !s.leaving {
			working++
		}
	}
	if working == m.working {
		return
	}
	m.working = working
	m.share = m.options.Pace.Part(working)
	for _, s := range m.sessions {
		s.control.Share(m.share)
	}
}

// nowhere is an archive of which nothing can be read, because of err.
func nowhere(err error) archive.Source {
	n := absent{&archive.Permanent{Err: err}}
	return archive.Source{Store: n, Layout: n, Format: n, Decoder: func() archive.Decoder { return nil }}
}

type absent struct{ err error }

func (a absent) Name() string { return "absent" }

func (a absent) String() string { return "nowhere" }

func (a absent) List(context.Context, string) iter.Seq2[archive.Object, error] {
	return func(yield func(archive.Object, error) bool) { yield(archive.Object{}, a.err) }
}

func (a absent) Open(context.Context, archive.Object, int64) (io.ReadCloser, error) {
	return nil, a.err
}

func (a absent) Hours(time.Time, time.Time) []archive.Hour { return []archive.Hour{{Name: "all"}} }

func (a absent) Time(string) (time.Time, bool) { return time.Time{}, false }

func (a absent) Scan(io.Reader, archive.Fields, archive.Limits, archive.Slabs) archive.Scanner {
	return nil
}
