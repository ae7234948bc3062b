package replay

import (
	"context"
	"errors"
	"sync"
	"time"

	"replayd/replay/pace"
)

// steering brings orders, which come at any time, to the pacer and to the goroutine that feeds. That one works in stretches,
// each under a context of its own which the next order ends.
type steering struct {
	options *Options
	pacer   *pace.Pacer
	changed chan struct{} // holds a token when there are other orders

	mu      sync.Mutex
	orders  orders
	stretch context.CancelFunc // of the newest stretch; nil before the first
}

func newSteering(o *Options) *steering {
	now, _ := o.orders()
	return &steering{
		options: o, orders: now, changed: make(chan struct{}, 1),
		pacer: pace.New(o.pace(now), pace.Options{MaxGap: o.maxGap(now), Ramp: pace.Ramp(o.Ramp)}),
	}
}

// obey takes other orders.
func (s *steering) obey(now orders) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders = now
	s.pacer.Set(s.options.pace(now))
	s.pacer.SetMaxGap(s.options.maxGap(now))
	if now.order() != toWork {
		s.pacer.Pause()
		s.end()
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// begin begins a stretch, if the session is told to work.
func (s *steering) begin(ctx context.Context) (context.Context, order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.orders.order(); t != toWork {
		return nil, t
	}
	s.end()
	ctx, s.stretch = context.WithCancel(ctx)
	s.pacer.Resume()
	return ctx, toWork
}

func (s *steering) end() {
	if s.stretch != nil {
		s.stretch()
	}
}

// now returns what the session is told, and why, for people.
func (s *steering) now() (order, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.orders.order(), s.orders.wish.Why()
}

// drive works until the archive ends (io.EOF), or says why it stopped before.
func (p *pipeline) drive(ctx context.Context) error {
	for {
		var err error
		switch stretch, next := p.steering.begin(ctx); next {
		case toCancel:
			return errCancelled
		case toLeave:
			return &Stopped{State: Running, Reason: "left to another session"}
		case toStop:
			return &Stopped{State: Paused, Reason: "interrupted"}
		case toPause:
			err = p.pause(ctx)
		default:
			err = p.work(stretch)
			if stretch.Err() != nil && ctx.Err() == nil && onlyBrokenOff(err) {
				err = nil // there are other orders
			}
		}
		if err != nil {
			return err
		}
	}
}

// errCancelled ends the work on a replay that is to be cancelled.
var errCancelled = errors.New("cancelled")

// onlyBrokenOff reports whether err tells no more than that its context has ended.
func onlyBrokenOff(err error) bool {
	return errors.Is(err, context.Canceled) && !decided(err) && !errors.As(err, new(*Stopped))
}

// pauseHeld is how long a paused session keeps what it has in memory, its streams and its producer. A person who looks at
// something and goes on is spared the rebuilding; one who goes home holds nothing.
const pauseHeld = time.Minute

// pause makes durable that the replay is paused, and returns nil when the session is told something else.
func (p *pipeline) pause(ctx context.Context) error {
	p.meter.pausing(true)
	defer p.meter.pausing(false)
	held := time.NewTimer(pauseHeld)
	defer held.Stop()
	for {
		now, reason := p.steering.now()
		if now != toPause {
			return nil
		}
		if err := p.say(ctx, Paused, reason); err != nil {
			return err
		}
		ended := &Stopped{State: Paused, Reason: reason}
		if !p.prepared { // it holds nothing yet
			return ended
		}
		select {
		case <-p.steering.changed:
		case <-held.C:
			return ended
		case <-p.committed:
			return errCommitFailed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
