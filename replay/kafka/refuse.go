package kafka

import (
	"context"

	"replayd/replay"
)

// Refuse lets a replay wait for a person, at all daemons and after restarts, until anything is wished of it anew. Of which replay r is
// told says its Incarnation, as of a wish.
func (v *View) Refuse(ctx context.Context, id string, r replay.Refused) error {
	if err := r.Validate(); err != nil {
		return err
	}
	return v.want(ctx, id, refusedKey(id), &replay.Signed{Incarnation: r.Incarnation}, r)
}

// refusal is why k waits for a person, nil when it does not, or when somebody has wished anything since, or another session has gone
// on with it. One that cannot be read says nothing of what was wished under, so there its place in the topic tells.
func (of *registered) refusal(k *replay.Known, at incarnation) *replay.Refused {
	r := &of.refused
	switch said := meant(r, at); {
	case k.Wish == nil:
		return nil
	case r.err == nil && said != nil && said.Wish == k.Wish.Token && !said.Overtaken(k.Checkpoint):
		known := *said
		return &known
	case r.err == nil || r.newest < max(at.first, of.wanted.newest()):
		return nil
	}
	state := replay.Planned
	if k.Begun {
		state = replay.Failed
	}
	why := r.err.Error() + "\nOr let it go on: replayd resume " + k.Spec.ID
	unread := replay.NewRefused(k.Wish.Token, state, why, "", r.at)
	return &unread
}

// newest is the offset of what was wished last, 0 for nothing. A choice is made for a wish that follows it.
func (w *wanted) newest() int64 {
	return max(w.wish.newest, w.pace.newest, w.cancel.newest, w.approved.newest)
}
