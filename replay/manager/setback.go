package manager

import (
	"errors"
	"math/rand/v2"
	"time"

	"replayd/replay"
)

const (
	// firstRetry and lastRetry are between a session that failed and the next try.
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute

	// silent is how long a session tells nothing before it is taken for dead: it tells once a second.
	silent = 15 * time.Second
)

// setback is how a session ended whose replay should go on, and when it does. It holds while nobody wishes anew. What another
// session would end in, too, is none: that stands in the control topics, as replay.Refused, and outlives the daemon.
type setback struct {
	token  string    // of the wish under which the session ended
	until  time.Time // of the next try
	reason string    // for people; empty: nothing went wrong

	over  bool  // the replay has ended, or is refused, which a look that has begun may not have read yet
	taken bool  // another daemon has it
	tries int   // that failed in a row
	seq   int64 // of the last event that was durable then
}

// after is the setback that a session's end means, false for none. Before is the one that it began under.
func after(s *session, err error, before setback, now time.Time) (setback, bool) {
	b := setback{token: s.wish.Token, seq: s.seq()}
	switch how := outcome(s, err); {
	case how == Over:
		b.over, b.until = true, now.Add(silent)
	case how == Abandoned, how == Left, s.outrun():
		return b, false
	case how == TakenOver:
		b.taken, b.until = true, now.Add(silent)
	case how == Paused:
		b.until = now.Add(silent) // until it is read back: then nothing is needed
	default: // also where it could not be written that it is refused: nobody knows, and it may be tried again
		b.reason = cause(s, err)
		if before.reason != "" && before.seq == b.seq {
			b.tries = before.tries + 1
		}
		b.until = now.Add(backoff(b.tries))
	}
	return b, true
}

// refusal is what is to be written of a session that ended as another would, too, false for any other end.
func refusal(s *session, err error, daemon string, now time.Time) (replay.Refused, bool) {
	if outcome(s, err) != Refused || s.outrun() {
		return replay.Refused{}, false
	}
	state := replay.Failed
	if errors.As(err, new(*replay.Refusal)) && !s.known.Begun {
		state = replay.Planned
	}
	r := replay.NewRefused(s.wish.Token, state, cause(s, err), daemon, now)
	r.Incarnation, r.Session, r.Commit = s.known.Incarnation, s.name, s.commit
	return r, true
}

// cause is what went wrong, and how it is resumed with other choices where that helps.
func cause(s *session, err error) string {
	goesOn := "replayd resume " + s.known.Spec.ID
	var on *replay.StoppedOn
	var bad *replay.TooBad
	switch {
	case errors.As(err, &on):
		return err.Error() + "\n" + on.Next(goesOn+" --on-"+on.Choice+"="+s.known.Spec.Policies.Without(on.Choice))
	case errors.As(err, &bad):
		return err.Error() + "\n" + bad.Next(goesOn)
	}
	return err.Error()
}

// lasting reports whether err is met again whenever the same is tried.
func lasting(err error) bool {
	return errors.As(err, new(*replay.Refusal)) || errors.As(err, new(*replay.TooBad)) || errors.As(err, new(*replay.StoppedOn)) ||
		errors.As(err, new(*replay.Taken))
}

// backoff doubles, and is jittered between half and all of it: replays that failed together do not come back together.
func backoff(tries int) time.Duration {
	d := lastRetry
	if tries < 6 {
		d = min(d, firstRetry<<tries)
	}
	return d/2 + rand.N(d/2)
}

// holds reports whether the setback still says something of k.
func (b *setback) holds(k *replay.Known, now time.Time) bool {
	return wished(k).Token == b.token && now.Before(b.until)
}

// hear takes note of when the session that has taken the replay told its newest word: it is left alone until that one is silent.
func (b *setback) hear(at time.Time) {
	if until := at.Add(silent); b.taken && until.After(b.until) {
		b.until = until
	}
}

// again is when the replay is tried again, for people.
func (b *setback) again() string { return "tried again at " + b.until.UTC().Format(time.RFC3339) }
