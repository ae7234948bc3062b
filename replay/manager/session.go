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

	// Of the manager, under its lock.
	token   string // of the newest wish that it works under
	chosen  string // the choices that it works with, as chosen tells them
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
		known: k, control: replay.NewControl(w), cancel: cancel, done: make(chan struct{}), token: w.Token, chosen: chosen(&k), pauses: w.State != replay.Running, says: w.State != replay.Running,
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
	sink := m.options.Sessions.Sink(&k)
	defer sink.Close()
	m.limit(&options)
	if !k.Begun && !m.mayDiffer(&k) { // later sessions go by what the first has listed
		options.Plan = k.Start.Plan
	}
	options.Control, options.Watch = s.control, sink.Watch
	options.Observe = func(p replay.Progress) { s.progress.Store(&p) }
	options.Notice = func(text string) { m.log.Warn().Str("id", k.Spec.ID).Msg(text) }
	runner := replay.Runner{Source: source, Sink: sink, Options: options}
	receipt, err := runner.Run(ctx, k.Spec)
	return receipt.State, err
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
	return replay.Live{Report: p.Report(), Daemon: m.options.Daemon, Wish: s.token, At: time.Now().UTC()}
}

func (m *Manager) say(ctx context.Context, l replay.Live) {
	if err := m.options.Registers.Tell(ctx, l); err != nil && ctx.Err() == nil {
		m.log.Debug().Err(err).Str("id", l.ID).Msg("how far a session is could not be told")
	}
}

// ended takes note of how a session ended, and tells others what went wrong: the checkpoint may not say it.
func (m *Manager) ended(ctx context.Context, s *session, err error) {
	b, is := m.note(s, err)
	m.signal()
	log := m.log.With().Str("id", s.known.Spec.ID).Logger()
	switch {
	case is && b.reason != "":
		log.Warn().Err(err).Str("next", b.next()).Msg("a session has failed")
	case err != nil:
		log.Info().Str("how", err.Error()).Msg("a session has ended")
	default:
		log.Info().Msg("a replay has ended")
	}
	if is && b.reason != "" {
		l := m.word(s)
		l.State, l.Error, l.Queued = b.state(), b.reason, b.again()
		m.say(ctx, l)
	}
}

func (m *Manager) note(s *session, err error) (setback, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := s.known.Spec.ID
	delete(m.sessions, id)
	m.tally.ended[outcome(s, err)]++
	before := m.setbacks[id]
	delete(m.setbacks, id)
	b, is := after(s, err, before, time.Now())
	if is {
		m.setbacks[id] = b
	}
	return b, is
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

// obey tells a session what is wished now. Of one that leaves its end says nothing about that. The lock is held.
func (s *session) obey(w replay.Wish) {
	if w.Token == s.token {
		return
	}
	if !s.leaving {
		s.token = w.Token
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
