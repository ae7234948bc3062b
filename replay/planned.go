package replay

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"

	"replayd/archive"
)

// needless is why what a session does before its replay begins is not needed any more, nil while it is. One that is cancelled
// asks nothing of the archive.
func (o orders) needless() error {
	if o.order() == toCancel {
		return errCancelled
	}
	return o.left()
}

// asPlanned refuses to begin a replay of another archive than that of Options.Plan, or of more of it than Options.Most. It returns
// what each hour of a plan holds, by its name: each must be listed so when the session comes to it.
func (r *Runner) asPlanned(ctx context.Context, s *Spec) (map[string]Listed, error) {
	o := &r.Options
	if o.Begun || o.Plan == "" && o.Most == 0 {
		return nil, nil
	}
	if now, _ := o.orders(); now.order() == toCancel { // and the archive may not be there
		return nil, nil
	}
	var byHour map[string]Listed
	err := r.before(ctx, s, Progress{Phase: Listing, HeldBy: HeldByArchive}, orders.needless, func(ctx context.Context) (err error) {
		fetcher := &archive.Fetcher{Store: r.Source.Store, Stall: o.Stall, GiveUp: o.GiveUp}
		h := newHours(s, r.Source, fetcher, Durable{}, nil)
		byHour, err = h.sums(ctx, h.list)
		return err
	})
	switch {
	case errors.Is(err, errCancelled):
		return nil, nil
	case err != nil:
		return nil, err
	}
	listed := joined(byHour)
	if err := cmp.Or(listed.planned(s, o.Plan), listed.within(o.Most)); err != nil {
		return nil, err
	}
	if o.Plan == "" {
		return nil, nil
	}
	return byHour, nil
}

// asPlanned is the same for a replay that has begun. Hours that are recorded count as they were listed first, whatever has become of
// them since: they may have been replayed long ago.
func (h *hours) asPlanned(ctx context.Context, plan string) error {
	if plan == "" || h.planned != nil {
		return nil
	}
	var all Listed
	var ahead []archive.Hour
	for _, hour := range h.list {
		r, recorded := h.records[hour.Name]
		switch {
		case !recorded:
			ahead = append(ahead, hour)
		case len(r.Sum) != sumSize: // of a session that might read what nobody planned, or of a replayd that did not note it
			return nil
		default:
			all.joinSum(r.Sum)
		}
	}
	byHour, err := h.sums(ctx, ahead)
	if err != nil {
		return err
	}
	all.join(joined(byHour))
	if err := all.planned(h.spec, plan); err != nil {
		return err
	}
	h.planned = byHour
	return nil
}

// hourAsPlanned refuses an hour that is listed otherwise than when the session began.
func (h *hours) hourAsPlanned(l *listing) error {
	planned, is := h.planned[l.hour.Name]
	if !is || bytes.Equal(planned.Sum(), l.record.Sum) {
		return nil
	}
	return &Refusal{
		Item: ItemArchiveChange, Next: unplanned,
		What: fmt.Sprintf("hour %s is no longer what was planned: the archive has changed since this session began", l.hour.Name),
	}
}

// within is the refusal of what is listed where it is more than somebody alone may begin.
func (l *Listed) within(most int64) error {
	if most == 0 || l.Bytes <= most {
		return nil
	}
	return &Refusal{
		Item: ItemSecondPerson,
		What: fmt.Sprintf("its hours hold %d stored bytes by now, and above %d a second person must approve of the start: there were fewer when it was started", l.Bytes, most),
		Next: "Cancel it, and start it again: that start waits for the approval of somebody else.",
	}
}

// unplanned is what to do where another archive was planned.
const unplanned = "Put the archive back as it was and resume this replay; or, unless a second person had to approve it, resume it with " +
	"--allow archive-change, which takes the archive as it is. Or cancel it, plan again, and start what that tells."

// planned is the refusal of what is listed where something else was planned.
func (l *Listed) planned(s *Spec, plan string) error {
	now := l.Hash(s)
	if plan == "" || now == plan {
		return nil
	}
	return &Refusal{
		Item: ItemArchiveChange,
		What: fmt.Sprintf("the plan %s is no longer what would be replayed, which is %s: the archive has changed since the replay was started", plan, now),
		Next: unplanned,
	}
}
