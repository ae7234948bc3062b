package replay

import (
	"context"
	"errors"
	"fmt"

	"replayd/archive"
)

// needless is why what a session does before its replay begins is not needed any more, nil while it is. One that is cancelled
// asks nothing of the archive.
func (o orders) needless() error {
	if o.told() == toCancel {
		return errCancelled
	}
	return o.left()
}

// asPlanned refuses to begin a replay of another archive than that of Options.Plan. What a replay reads is recorded hour by
// hour as it comes to them; before it has begun, the plan is all that says what was agreed to.
func (r *Runner) asPlanned(ctx context.Context, s *Spec) error {
	o := &r.Options
	if o.Plan == "" {
		return nil
	}
	if now, _ := o.orders(); now.told() == toCancel { // and the archive may not be there
		return nil
	}
	var listed Listed
	err := r.before(ctx, s, Progress{Phase: Listing, HeldBy: HeldByArchive}, orders.needless, func(ctx context.Context) (err error) {
		fetcher := &archive.Fetcher{Store: r.Source.Store, Stall: o.Stall, GiveUp: o.GiveUp}
		listed, err = List(ctx, s, r.Source, fetcher)
		return err
	})
	switch {
	case errors.Is(err, errCancelled):
		return nil
	case err != nil:
		return err
	}
	return listed.planned(s, o.Plan)
}

// planned is the refusal of what is listed where something else was planned.
func (l *Listed) planned(s *Spec, plan string) error {
	now := l.Hash(s)
	if now == plan {
		return nil
	}
	return &Refusal{
		Item: ItemArchiveChange,
		What: fmt.Sprintf("the plan %s is no longer what would be replayed, which is %s: the archive has changed since the replay was started", plan, now),
		Next: "Put the archive back as it was and resume this replay; or, unless a second person had to approve it, resume it with " +
			"--allow archive-change, which takes the archive as it is. Or cancel it, plan again, and start what that tells.",
	}
}
