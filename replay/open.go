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
	var d Durable
	waits := Progress{Phase: Waiting, HeldBy: HeldByBroker}
	err := r.before(ctx, s, waits, orders.left, func(ctx context.Context) (err error) {
		d, err = r.Sink.Open(ctx, s)
		return err
	})
	return d, err
}

// before does what comes before the session works, and tells Observe how that is, once it has lasted for as long as a commit may.
// As soon as the orders end it, so does the context of do. Their error is then returned, unless that of do tells more.
func (r *Runner) before(ctx context.Context, s *Spec, how Progress, ends func(orders) error, do func(context.Context) error) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	var beside sync.WaitGroup
	var ended error // by the orders
	beside.Go(func() {
		r.Options.follow(ctx, func(now orders) {
			if why := ends(now); why != nil {
				ended = why
				end()
			}
		})
	})
	beside.Go(func() { r.tell(ctx, s, how) })
	err := do(ctx)
	end()
	beside.Wait()
	if err != nil && ended != nil && !decided(err) {
		return ended
	}
	return err
}

// decided reports whether err tells more than that a session was broken off.
func decided(err error) bool {
	return errors.As(err, new(*Refusal)) || errors.As(err, new(*TakenOver))
}

// tell tells Observe of p until ctx ends, once it has lasted for as long as a commit may take.
func (r *Runner) tell(ctx context.Context, s *Spec, p Progress) {
	began := time.Now()
	p.ID, p.Topic, p.State = s.ID, s.Topic, Running
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
