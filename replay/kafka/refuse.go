package kafka

import (
	"context"

	"replayd/replay"
)

// Refuse lets a replay wait for a person, at all daemons and after restarts, until anything is wished of it anew.
func (v *View) Refuse(ctx context.Context, id string, r replay.Refused) error {
	if err := r.Validate(); err != nil {
		return err
	}
	return v.want(ctx, id, refusedKey(id), new(replay.Signed), r) // its token tells of which replay it is
}

// refusal is why k waits for a person, nil when it does not, or when somebody has wished anything since, or another session has gone
// on with it. One that cannot be read
// says nothing of what was wished under, so there its place in the topic tells. The spec stands at an offset.
func (of *registered) refusal(k *replay.Known, spec int64) *replay.Refused {
	r := &of.refused
	switch {
	case r.absent() || k.Wish == nil:
		return nil
	case r.err == nil && r.value.Wish == k.Wish.Token && !r.value.Overtaken(k.Checkpoint):
		known := *r.value
		return &known
	case r.err == nil || r.newest < max(spec, of.wanted.newest()):
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
