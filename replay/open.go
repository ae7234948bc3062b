package replay

import (
	"context"
	"errors"
	"sync"
	"time"
)

// open takes the replay over. Until that is done this session has produced nothing, so Stop and Leave end it at once. A session
// that is killed here is no other than one that is killed later: the sink finds its way.
func (r *Runner) open(ctx context.Context, s *Spec) (Durable, error) {
	opening, end := context.WithCancelCause(ctx)
	var beside sync.WaitGroup
	beside.Go(func() {
		r.Options.follow(opening, func(now orders) {
			if left := now.left(); left != nil {
				end(left)
			}
		})
	})
	beside.Go(func() { r.tellOfOpening(opening, s) })
	d, err := r.Sink.Open(opening, s)
	end(nil)
	beside.Wait()
	var left *Stopped
	if err != nil && errors.As(context.Cause(opening), &left) && !decided(err) {
		err = left
	}
	return d, err
}

// decided reports whether err tells more than that a session was broken off.
func decided(err error) bool {
	return errors.As(err, new(*Refusal)) || errors.As(err, new(*TakenOver))
}

// tellOfOpening tells Observe that the sink holds the replay, once it has for as long as a commit may take.
func (r *Runner) tellOfOpening(ctx context.Context, s *Spec) {
	began := time.Now()
	p := Progress{ID: s.ID, Topic: s.Topic, State: Running, Phase: Waiting, HeldBy: HeldByBroker}
	for wait := slowCommit; ; wait = observeEvery {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
			now, _ := r.Options.orders()
			p.Elapsed, p.Pace = time.Since(began), r.Options.pace(now)
			r.Options.Observe(p)
		}
	}
}
