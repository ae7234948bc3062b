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

// setback is how a session ended whose replay should go on, and what that means for the next one. It holds while nobody
// wishes anew.
type setback struct {
	token   string    // of the wish under which the session ended
	until   time.Time // of the next try; zero: there is none
	reason  string    // for people; empty: nothing went wrong
	planned bool      // it was refused, and had not begun

	over  bool      // the replay has ended, and that is still to be read back
	taken bool      // another daemon has it
	heard time.Time // when that one told its newest word, by its own clock
	tries int       // that failed in a row
	seq   int64     // of the last event that was durable then
}

// after is the setback that a session's end means, false for none. Before is the one that it began under.
func after(s *session, err error, before setback, now time.Time) (setback, bool) {
	b := setback{token: s.token, seq: s.seq()}
	switch outcome(s, err) {
	case Over:
		b.over, b.until = true, now.Add(silent)
	case Abandoned, Left:
		return b, false
	case TakenOver:
		b.taken, b.until = true, now.Add(silent)
	case Paused:
		b.until = now.Add(silent) // until it is read back: then nothing is needed
	case Refused:
		b.reason = cause(s, err)
		b.planned = errors.As(err, new(*replay.Refusal)) && !s.known.Begun
	case Failed:
		b.reason = err.Error()
		if before.reason != "" && before.seq == b.seq {
			b.tries = before.tries + 1
		}
		b.until = now.Add(backoff(b.tries))
	}
	return b, true
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
	if wished(k).Token != b.token {
		return false
	}
	return b.until.IsZero() || now.Before(b.until)
}

// hear takes note of a word of the session that has taken the replay: it is left alone until that one is silent. When a word
// came is told by our own clock, which the other's may differ from.
func (b *setback) hear(l *replay.Live, now time.Time) {
	if b.taken && l != nil && !l.At.Equal(b.heard) {
		b.heard, b.until = l.At, now.Add(silent)
	}
}

// lasts reports whether the replay gives up its place in its line.
func (b *setback) lasts() bool { return b.over || b.until.IsZero() }

// state is that of a replay on which something went wrong.
func (b *setback) state() replay.State {
	if b.planned {
		return replay.Planned
	}
	return replay.Failed
}

// again is why the replay waits, empty when it is not tried again.
func (b *setback) again() string {
	if b.until.IsZero() {
		return ""
	}
	return "tried again " + b.next()
}

// next is when the replay is tried again, for people.
func (b *setback) next() string {
	if b.until.IsZero() {
		return "when it is resumed"
	}
	return "at " + b.until.UTC().Format(time.RFC3339)
}
