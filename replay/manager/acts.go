package manager

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"os"
	"slices"
	"time"

	"replayd/replay"
	"replayd/replay/api"
)

const (
	// actLimit is how long Kafka may take for what one act writes, and tellLimit for word of its outcome.
	actLimit  = 30 * time.Second
	tellLimit = 10 * time.Second
)

// writes is what an act writes to the registers of a replay, nil where it is so already. It is called once the intent is
// audited.
type writes func(ctx context.Context, by replay.Signed) error

// Pause implements api.Service.
func (m *Manager) Pause(ctx context.Context, id string, a api.Act) (api.Replay, error) {
	return m.wish(ctx, id, replay.Audited{Act: "pause", Reason: a.Reason}, func(k *replay.Known, w replay.Wish) (writes, error) {
		if w.State == replay.Paused && k.Err == nil {
			return nil, nil
		}
		return m.wishing(id, w, replay.Paused), m.mayWrite(k, replay.PartState)
	})
}

// Resume implements api.Service. A replay that waits after an error is tried again at once, and one that runs begins another
// session where other choices were made.
func (m *Manager) Resume(ctx context.Context, id string, r api.Resume) (api.Replay, error) {
	act := replay.Audited{Act: "resume", Reason: r.Reason, Items: r.Allow, Choices: r.Choices()}
	return m.wish(ctx, id, act, func(k *replay.Known, w replay.Wish) (writes, error) {
		if err := notCancelled(k); err != nil {
			return nil, err
		}
		choices, err := m.options.Desk.Choices(k, r)
		if err != nil || len(choices) == 0 && w.State == replay.Running && k.Err == nil && m.runsSomewhere(k) {
			return nil, err
		}
		parts := append(slices.Collect(maps.Keys(choices)), replay.PartState)
		if len(choices) > 0 || !m.runsSomewhere(k) { // what runs with the old choices ends
			err = inVain(k, parts...)
		}
		goesOn := m.wishing(id, w, replay.Running)
		return func(ctx context.Context, by replay.Signed) error {
			for name, c := range choices {
				c.Signed = by
				if err := m.options.Registers.Choose(ctx, id, name, c); err != nil {
					return err
				}
			}
			return goesOn(ctx, by)
		}, err
	})
}

// CheckResume implements api.Checker.
func (m *Manager) CheckResume(_ context.Context, id string, r api.Resume) error {
	k, err := m.find(id)
	if err == nil {
		_, err = m.options.Desk.Choices(&k, r)
	}
	return api.Also(err, m.reasoned("body.reason", r.Reason)...)
}

// wishing writes that a replay is to run or to be paused. What else is wished stands beside it too, for daemons before the
// registers of their own that these have.
func (m *Manager) wishing(id string, w replay.Wish, state replay.State) writes {
	return func(ctx context.Context, by replay.Signed) error {
		w.Signed, w.State = by, state
		return m.options.Registers.Wish(ctx, id, w)
	}
}

// SetPace implements api.Service.
func (m *Manager) SetPace(ctx context.Context, id string, p api.Pace) (api.Replay, error) {
	asked, wrong := parsePace(p)
	act := replay.Audited{Act: "pace", Reason: p.Reason, Pace: asked.Pace.String(), MaxGap: asked.MaxGap}
	return m.wish(ctx, id, act, func(k *replay.Known, w replay.Wish) (writes, error) {
		if wrong != nil {
			return nil, wrong
		}
		if asked.MaxGap == 0 {
			asked.MaxGap = w.MaxGap
		}
		if w.Pace == asked.Pace && w.MaxGap == asked.MaxGap && k.Err == nil {
			return nil, notCancelled(k)
		}
		return func(ctx context.Context, by replay.Signed) error {
			asked.Signed = by
			return m.options.Registers.SetPace(ctx, id, asked)
		}, m.mayWrite(k, replay.PartPace)
	})
}

// CheckPace implements api.Checker.
func (m *Manager) CheckPace(_ context.Context, _ string, p api.Pace) error {
	_, err := parsePace(p)
	return api.Also(err, m.reasoned("body.reason", p.Reason)...)
}

// parsePace reads what is asked for, and names every field that is wrong.
func parsePace(p api.Pace) (w replay.PaceWish, err error) {
	var wrong []api.FieldError
	if err := w.Pace.UnmarshalText([]byte(p.Pace)); err != nil {
		wrong = append(wrong, api.FieldError{Location: "body.pace", Message: err.Error(), Value: p.Pace})
	} else if w.Pace.IsZero() {
		wrong = append(wrong, api.FieldError{Location: "body.pace", Message: "is missing: 5000/s, 20MB/s, x4, unlimited"})
	}
	if p.MaxGap != "" {
		if err := w.MaxGap.UnmarshalText([]byte(p.MaxGap)); err != nil || w.MaxGap <= 0 {
			wrong = append(wrong, api.FieldError{Location: "body.max_gap", Message: "is no length of time above 0, such as 10s", Value: p.MaxGap})
		}
	}
	return w, api.Invalid(wrong...)
}

// Cancel implements api.Service. What could not be cancelled is tried again at once.
func (m *Manager) Cancel(ctx context.Context, id string, a api.Act) (api.Replay, error) {
	return m.wish(ctx, id, replay.Audited{Act: "cancel", Reason: a.Reason}, func(k *replay.Known, w replay.Wish) (writes, error) {
		if w.State == replay.Cancelled && m.runsSomewhere(k) {
			return nil, nil
		}
		return func(ctx context.Context, by replay.Signed) error { return m.options.Registers.Cancel(ctx, id, by) }, nil
	})
}

// Approve implements api.Service.
func (m *Manager) Approve(ctx context.Context, id string, a api.Act) (api.Replay, error) {
	return m.wish(ctx, id, replay.Audited{Act: "approve", Reason: a.Reason}, func(k *replay.Known, w replay.Wish) (writes, error) {
		switch {
		case w.Waits && m.options.By(ctx) == k.Start.By:
			p := api.NewProblem(http.StatusForbidden, "replay %s was started by %q and waits for the approval of another person", id, k.Start.By)
			p.Next = "Ask somebody else to approve it."
			return nil, p
		case !w.Waits && k.Err == nil:
			return nil, notCancelled(k)
		}
		return func(ctx context.Context, by replay.Signed) error { return m.options.Registers.Approve(ctx, id, by) }, m.mayWrite(k, replay.PartApproval)
	})
}

// notCancelled refuses what cannot be wished of a replay that is being cancelled: it cannot be called back.
func notCancelled(k *replay.Known) error {
	if wished(k).State != replay.Cancelled {
		return nil
	}
	p := api.NewProblem(http.StatusConflict, "replay %s is being cancelled", k.Spec.ID)
	p.Next = "Start another one."
	return p
}

// mayWrite refuses to write a part of what is wanted of k where it would change nothing. A session that works on k goes by what
// can be read.
func (m *Manager) mayWrite(k *replay.Known, part string) error {
	err := notCancelled(k)
	if err == nil && !m.runsSomewhere(k) {
		err = inVain(k, part)
	}
	return err
}

// inVain refuses to write these parts of what is wanted of k while another one holds it, which cannot be read.
func inVain(k *replay.Known, parts ...string) error {
	if unread := k.Unread(); unread == "" || slices.Contains(parts, unread) {
		return nil
	}
	return api.NewProblem(http.StatusConflict, "replay %s is held where it is, and this would change nothing: %s", k.Spec.ID, k.Err)
}

// runsSomewhere reports whether a session tells that it works on k. Of a replay that is refused such a word is older than that, or of
// the session that is about to end so: whatever is wished of it must be written.
func (m *Manager) runsSomewhere(k *replay.Known) bool {
	if k.Refused != nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	own := m.own(k)
	return own != nil && !own.leaving || m.alive(k) && k.State() == replay.Running
}

// wish changes what is wished of a replay that daemons run. What is so already is not written again, but audited.
func (m *Manager) wish(ctx context.Context, id string, act replay.Audited, do func(*replay.Known, replay.Wish) (writes, error)) (api.Replay, error) {
	k, err := m.find(id)
	if err == nil {
		err = m.refused(&k)
	}
	if err != nil {
		return api.Replay{}, err
	}
	write, err := do(&k, wished(&k))
	if err := api.Also(err, m.reasoned("body.reason", act.Reason)...); err != nil {
		return api.Replay{}, err
	}
	err = m.audited(ctx, act.About(&k.Spec), func(ctx context.Context) (string, error) {
		if write == nil {
			return "done: it was so already", nil
		}
		by := replay.Signed{Version: 1, Incarnation: k.Incarnation, By: m.options.By(ctx), Reason: act.Reason, At: time.Now().UTC()}
		return "done", write(ctx, by)
	})
	if err != nil {
		return api.Replay{}, unwritten(err)
	}
	m.signal()
	return m.Replay(ctx, id)
}

// steerable reports whether this program can deal with k, and be it only to say anew what is wanted of it.
func steerable(k *replay.Known) bool { return k.Err == nil || k.Unread() != "" }

// refused is why k cannot be steered from here.
func (m *Manager) refused(k *replay.Known) error {
	id, state := k.Spec.ID, m.state(k)
	var p *api.Problem
	switch {
	case !steerable(k):
		p = api.NewProblem(http.StatusConflict, "replay %s: %s", id, k.Err)
	case state.Terminal():
		p = api.NewProblem(http.StatusConflict, "replay %s has ended: it is %s", id, state)
		p.Next = "Look at its receipt, or start another one."
	case k.Spec.Owner != replay.OwnerDaemon:
		p = m.beyond(k)
	default:
		return nil
	}
	return p
}

// reasoned is what is wrong with the reason at a location of a request: there is none where one is required, or it is no line of
// text.
func (m *Manager) reasoned(location, reason string) []api.FieldError {
	why := ""
	if err := replay.ValidReason(reason); err != nil {
		why = err.Error()
	} else if m.options.RequireReason && reason == "" {
		why = "is required here: say why, for the audit"
	}
	if why == "" {
		return nil
	}
	return []api.FieldError{{Location: location, Message: why}}
}

// Forget implements api.Service.
func (m *Manager) Forget(ctx context.Context, id string, a api.Act) error {
	k, err := m.find(id)
	if err != nil {
		return err
	}
	if err := api.Invalid(m.reasoned("query.reason", a.Reason)...); err != nil {
		return err
	}
	forget, result, err := m.forgetting(&k)
	if err != nil {
		return err
	}
	err = m.audited(ctx, replay.Audited{Act: "forget", Reason: a.Reason}.About(&k.Spec), func(ctx context.Context) (string, error) {
		return result, forget(ctx, id, k.Incarnation)
	})
	return unwritten(err)
}

// forgetting is how k is forgotten, and what the audit says of that; or why it is not.
func (m *Manager) forgetting(k *replay.Known) (forget func(ctx context.Context, id, incarnation string) error, result string, err error) {
	now := time.Now()
	switch state := m.state(k); {
	case !steerable(k) || state.Terminal():
		return m.options.Registers.Forget, "done", nil
	case !foreground(k):
		p := api.NewProblem(http.StatusConflict, "replay %s is %s: only one that has ended can be forgotten", k.Spec.ID, state)
		p.Next = "Cancel it first."
		return nil, "", p
	case m.options.Registers.Ready() != nil: // it may be we who do not hear
		return nil, "", unread(m.options.Registers.Ready())
	case !tooLongAgo(m.heardAt(k, now), now):
		return nil, "", m.beyond(k)
	}
	return m.options.Registers.ForgetSilent, "done: it had not ended, and was last heard " + replay.Ago(now.Sub(m.heardAt(k, now))) + " ago", nil
}

// audited does what somebody should be able to answer for: its intent is written before and its outcome after. Without the
// first nothing is done. A caller who goes away in between leaves it to be done and told all the same. The error is a *api.Problem
// where the intent could not be written, else that of do.
func (m *Manager) audited(ctx context.Context, a replay.Audited, do func(context.Context) (string, error)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actLimit)
	defer cancel()
	a.Version, a.Phase, a.User, a.Host, a.PID, a.At = 1, "intent", m.options.By(ctx), host(), os.Getpid(), time.Now().UTC()
	if a.Items == nil {
		a.Items = []string{}
	}
	if err := m.options.Registers.Audit(ctx, a); err != nil {
		m.tally.refused.Add(1)
		return unaudited(err)
	}
	result, err := do(ctx)
	if err != nil {
		result = err.Error()
	}
	a.Phase, a.Result, a.At = "outcome", result, time.Now().UTC()
	after, hush := context.WithTimeout(context.WithoutCancel(ctx), tellLimit)
	defer hush()
	if err := m.options.Registers.Audit(after, a); err != nil {
		m.tally.untold.Add(1)
		m.log.Error().Err(err).Str("id", a.ID).Str("act", a.Act).Str("result", result).Msg("the outcome of an act could not be written to the audit")
	}
	return err
}

// unaudited is why an act was not done whose intent could not be written.
func unaudited(err error) *api.Problem {
	const undone = "the act could not be written to the audit, so it was not done: "
	if refusal := new(replay.Refusal); errors.As(err, &refusal) { // such as that the topic is lost, which no waiting cures
		p := conflict(refusal)
		p.Detail = undone + p.Detail
		return p
	}
	p := api.NewProblem(http.StatusServiceUnavailable, "%s%s", undone, err)
	p.Next = "Try again when Kafka answers."
	return p
}

// unwritten is why the control topics did not take something, as the one who asks may deal with it: what Kafka did not do may
// be tried again.
func unwritten(err error) error {
	var p *api.Problem
	var refusal *replay.Refusal
	var stands *replay.Conflict
	switch {
	case err == nil, errors.As(err, &p):
		return err
	case errors.As(err, &refusal):
		return conflict(refusal)
	case errors.As(err, &stands):
		return api.NewProblem(http.StatusConflict, "%s", stands)
	}
	p = api.NewProblem(http.StatusServiceUnavailable, "the control topics: %s", err)
	p.Next = "It may have been done all the same: look, and try again when Kafka answers."
	return p
}

// conflict is a refusal of the control topics.
func conflict(r *replay.Refusal) *api.Problem {
	p := api.NewProblem(http.StatusConflict, "%s", r.What)
	p.Item, p.Next = r.Item, r.Next
	return p
}
