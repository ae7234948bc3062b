package manager

import (
	"cmp"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"replayd/replay"
	"replayd/replay/api"
)

// Standing is what a daemon does at an instant, for those who measure it.
type Standing struct {
	Replays  map[Kind]int  // all that are known, wherever they run; a foreground process that is not heard any more does not run: it counts as paused
	Queued   int           // replays into topics of this daemon that wait for their turn or their next try
	Turn     time.Duration // how long that one has waited for its turn which waits longest: since it was to run, or one before it ended; 0: none waits
	Approval int           // the same, that wait for a second person
	Blocked  int           // that were refused before they began, and wait for a person; wherever

	Sessions   []Working // of this daemon, by the id of their replay
	MaxRunning int       // sessions at a time
	Memory     int64     // bytes for all of them together
	MemoryUsed int64     // of it, by those that there are

	Begun     int64             // sessions, since the daemon began
	Ended     map[Outcome]int64 // the same
	Unaudited int64             // acts that were not done because the audit could not be written
	Untold    int64             // outcomes of acts that the audit does not hold
}

// Kind is what replays are counted by.
type Kind struct {
	Owner string // replay.OwnerRun, replay.OwnerDaemon
	State replay.State
}

// kindOf is what r is counted by when others could be heard until an instant.
func kindOf(r *api.Replay, listened time.Time) Kind {
	k := Kind{r.Owner, r.State}
	if k.Owner == replay.OwnerRun && k.State == replay.Running && tooLongAgo(r.HeardAt, listened) {
		k.State = replay.Paused // as it stands: at its last commit, until somebody carries it on
	}
	return k
}

// Working is a session that has told how far it is.
type Working struct {
	Archive string
	replay.Progress
}

// Outcome is how a session ended.
type Outcome string

// The outcomes.
const (
	Over      Outcome = "over"       // its replay has ended, too
	Paused    Outcome = "paused"     // its replay is
	Left      Outcome = "left"       // to another session, here or at another daemon
	Abandoned Outcome = "abandoned"  // it was to leave, and did not within 10 seconds; or its replay was forgotten
	TakenOver Outcome = "taken_over" // another daemon has the replay
	Refused   Outcome = "refused"    // and would be again: the replay waits for a person
	Failed    Outcome = "failed"     // and is tried again
)

// Outcomes are all of them.
var Outcomes = []Outcome{Over, Paused, Left, Abandoned, TakenOver, Refused, Failed}

// outcome is that of a session which ended with err.
func outcome(s *session, err error) Outcome {
	var stopped *replay.Stopped
	switch left := errors.As(err, &stopped); {
	case err == nil:
		return Over
	case s.abandoned():
		return Abandoned
	case left && stopped.State == replay.Running:
		return Left
	case errors.As(err, new(*replay.TakenOver)):
		return TakenOver
	case left && stopped.State == replay.Paused:
		return Paused
	case lasting(err):
		return Refused
	}
	return Failed
}

// tally counts what a daemon has done since it began.
type tally struct {
	begun int64             // under the manager's lock
	ended map[Outcome]int64 // the same

	refused, untold atomic.Int64
}

// Standing is what the daemon does now. How all replays stand is as of the last word to watchers, a quarter of a second ago
// at most while Run runs.
func (m *Manager) Standing() Standing {
	s := Standing{
		Replays: map[Kind]int{}, Ended: map[Outcome]int64{}, MaxRunning: m.options.MaxRunning, Memory: m.options.Memory,
		Unaudited: m.tally.refused.Load(), Untold: m.tally.untold.Load(),
	}
	now := time.Now()
	listened := m.listened(now)
	edition, _ := m.news.now()
	for _, it := range edition.items {
		if it.gone {
			continue
		}
		r := &it.replay
		s.Replays[kindOf(r, listened)]++
		if r.State == replay.Planned && r.Reason != "" {
			s.Blocked++
		}
		switch {
		case r.Queued == "" || !m.options.Work.Mine(r.Topic): // which another daemon counts
		case r.Waits:
			s.Approval++
		default:
			s.Queued++
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.turn.IsZero() {
		s.Turn = max(0, now.Sub(m.turn))
	}
	s.Begun = m.tally.begun
	for _, o := range Outcomes {
		s.Ended[o] = m.tally.ended[o]
	}
	s.MemoryUsed = min(s.Memory, int64(len(m.sessions))*(s.Memory/int64(s.MaxRunning)))
	for _, own := range m.sessions {
		if p := own.progress.Load(); p != nil {
			s.Sessions = append(s.Sessions, Working{own.known.Spec.Archive, *p})
		}
	}
	slices.SortFunc(s.Sessions, func(a, b Working) int { return cmp.Compare(a.ID, b.ID) })
	return s
}
