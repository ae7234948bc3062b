package replay

import (
	"context"
	"errors"
	"sync"
	"time"

	"replayd/replay/pace"
)

// errStop is why Sink.Open was broken off.
var errStop = errors.New("asked to stop")

// open takes the replay over. Until that is done this session has produced nothing, so Stop ends it at once. A session that
// is killed here is no other than one that is killed later: the sink finds its way.
func (r *Runner) open(ctx context.Context, s *Spec) (Durable, error) {
	opening, end := context.WithCancelCause(ctx)
	var beside sync.WaitGroup
	beside.Go(func() {
		select {
		case <-r.Options.Stop:
			end(errStop)
		case <-opening.Done():
		}
	})
	beside.Go(func() { r.tellOfOpening(opening, s) })
	d, err := r.Sink.Open(opening, s)
	end(nil)
	beside.Wait()
	if err != nil && errors.Is(context.Cause(opening), errStop) && !decided(err) {
		err = &Stopped{State: Paused, Reason: "interrupted before anything was produced by this session"}
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
	p := Progress{
		ID: s.ID, Topic: s.Topic, State: Running, Phase: Waiting, HeldBy: HeldByBroker,
		Pace: pace.New(r.Options.Pace, pace.Options{}).State().Setting,
	}
	for wait := slowCommit; ; wait = observeEvery {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
			p.Elapsed = time.Since(began)
			r.Options.Observe(p)
		}
	}
}
