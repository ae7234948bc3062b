package main

import (
	"context"
	"errors"
	"time"

	"replayd/replay"
	"replayd/replay/api"
)

// settled is how long a replay must be stuck before that is believed: between a session that failed and the word of when it is
// tried again there may be events, and what is told first may be from before the last wish.
const settled = 5 * time.Second

// stuck reports whether nothing more becomes of a replay until somebody wishes something: it has failed or was refused, no
// session works on it, and no try is due.
func stuck(r *api.Replay) bool {
	if r.Queued != "" || r.Daemon != "" {
		return false
	}
	return r.State == replay.Failed || wasRefused(r)
}

// wasRefused reports whether a replay was refused before it began, and waits for a person.
func wasRefused(r *api.Replay) bool { return r.State == replay.Planned && r.Reason != "" }

// heldBack reports whether a replay was paused before it had begun: it stays planned, and no session writes anything of it.
func heldBack(r *api.Replay) bool { return r.State == replay.Planned && r.Wanted == replay.Paused }

var errStuck = errors.New("the replay is stuck")

// patience ends when a replay has been stuck for so long that it is believed.
type patience struct{ timer *time.Timer } // nil: it is not stuck

// see takes note of how the replay stands now. Ended is called at most once for each time that it is stuck.
func (p *patience) see(r *api.Replay, ended func()) {
	switch is := stuck(r); {
	case is && p.timer == nil:
		p.timer = time.AfterFunc(settled, ended)
	case !is && p.timer != nil:
		p.timer.Stop()
		p.timer = nil
	}
}

// acted is when an act was answered: what is told soon behind it may be from before.
type acted struct{ at time.Time }

func (a *acted) answered() { a.at = time.Now() }

// before reports whether an event tells how the replay stood before the act that now answers. That is told by the time of the
// wish, and not for long: another daemon's clock may be behind.
func (a *acted) before(event, now *api.Replay) bool {
	return event.WishedAt.Before(now.WishedAt) && !event.State.Terminal() && time.Since(a.at) < settled
}

// waitFor follows a replay until it is as it should be, has ended otherwise, or is stuck. R is the answer to the act that is
// waited for. The error is an exitCode where the replay stands otherwise; to have ended with quarantined events is so
// unless quarantineOK. Each way that it stands on the way there is shown to see.
func waitFor(ctx context.Context, d api.Service, r api.Replay, done func(*api.Replay) bool, quarantineOK bool, see func(*api.Replay)) (api.Replay, error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var p patience
	over := func() bool {
		p.see(&r, func() { end(errStuck) })
		if done(&r) || r.State.Terminal() {
			return true
		}
		see(&r)
		return false
	}
	if over() {
		return r, asWished(&r, done, quarantineOK)
	}
	var acts acted
	acts.answered()
	for e, err := range d.Events(ctx, r.ID, "") {
		switch {
		case err != nil:
			return r, err
		case e.Gone:
			return r, usage("replay %s was forgotten", r.ID)
		case acts.before(&e.Replay, &r):
			continue
		}
		if r = e.Replay; over() {
			return r, asWished(&r, done, quarantineOK)
		}
	}
	if err := context.Cause(ctx); !errors.Is(err, errStuck) {
		return r, err
	}
	return r, asWished(&r, done, quarantineOK)
}

// asWished is the exit code of a wait: that of how the replay stands, where that is not what was wished.
func asWished(r *api.Replay, done func(*api.Replay) bool, quarantineOK bool) error {
	code := codeOfStuck(r)
	if r.State.Terminal() {
		code = codeOfState(r.State, quarantineOK)
	}
	if done(r) || code == exitOK {
		return nil
	}
	return exitCode(code)
}
