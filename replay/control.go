package replay

import (
	"context"
	"sync"
	"time"

	"replayd/replay/pace"
)

// Control steers one session from outside, through Options.Control. Its methods may be called by any goroutine at any time,
// before the session begins and after it has ended, too: of an ended one they change nothing. The newest wish holds.
//
// A wish acts between transactions: a commit that is under way is always awaited, for as long as the sink takes
// for it. What only waits, for the archive, its pace or the end of a pause, does so no longer.
type Control struct {
	mu      sync.Mutex
	orders  orders
	changed chan struct{} // closed at the next change
}

// NewControl returns the control of a session that begins under w.
func NewControl(w Wish) *Control {
	return &Control{orders: orders{wish: w}, changed: make(chan struct{})}
}

// Wish tells what is wished of the replay from now on.
//
//   - Running: at its pace, or that of Options when it is not set. A change takes effect at once and never bursts.
//   - Paused: nothing more is granted, and what was is committed in state Paused. The session is held for a
//     minute, in case it goes on soon; then Run returns *Stopped in that state. One that had not begun to read the archive
//     is not held.
//   - Cancelled: what was granted is committed in state Cancelled, and Run returns the receipt. The archive is not asked.
func (c *Control) Wish(w Wish) { c.change(func(o *orders) { o.wish = w }) }

// Share limits the pace, whatever is wished: the slower of the two holds. A setting that is not set is no limit.
func (c *Control) Share(s pace.Setting) { c.change(func(o *orders) { o.share = s }) }

// Leave ends the session at its next commit and leaves the replay as it is, to another session: Run returns *Stopped in state
// Running. While the sink is being opened that is broken off. Of a replay that is to be cancelled this is told first, unless
// the sink is not open. Who cannot wait for a commit cancels Run's context.
func (c *Control) Leave() { c.change(func(o *orders) { o.leaves = true }) }

func (c *Control) change(do func(*orders)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do(&c.orders)
	close(c.changed)
	c.changed = make(chan struct{})
}

// look returns what holds, and a channel that is closed when that has changed. Nobody steers with a Control that is nil.
func (c *Control) look() (orders, <-chan struct{}) {
	if c == nil {
		return orders{}, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.orders, c.changed
}

// orders are what a session was told from outside.
type orders struct {
	wish    Wish
	share   pace.Setting
	leaves  bool
	stopped bool // by Options.Stop
}

// order is what all orders together amount to.
type order int

const (
	toWork order = iota
	toPause
	toStop
	toLeave
	toCancel
)

// order: a cancelled replay is over, so that comes first. A session that ends need not pause before.
func (o orders) order() order {
	switch {
	case o.wish.State == Cancelled:
		return toCancel
	case o.leaves:
		return toLeave
	case o.stopped:
		return toStop
	case o.wish.State == Paused:
		return toPause
	}
	return toWork
}

// left is how a session ends that need not wait for a commit of its own, nil for one that goes on.
func (o orders) left() error {
	switch {
	case o.leaves:
		return &Stopped{State: Running, Reason: "left to another session before anything was produced by this one"}
	case o.stopped:
		return &Stopped{State: Paused, Reason: "interrupted before anything was produced by this session"}
	}
	return nil
}

// orders are the present ones.
func (o *Options) orders() (orders, <-chan struct{}) {
	now, changed := o.Control.look()
	select {
	case <-o.Stop:
		now.stopped = true
	default:
	}
	return now, changed
}

// follow calls obey with the orders, at once and whenever they may have changed, until ctx ends.
func (o *Options) follow(ctx context.Context, obey func(orders)) {
	for {
		now, changed := o.orders()
		obey(now)
		stop := o.Stop
		if now.stopped {
			stop = nil
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-stop:
		}
	}
}

// pace is the setting under which the session works.
func (o *Options) pace(now orders) pace.Setting {
	s := now.wish.Pace
	if s.IsZero() {
		s = o.Pace
	}
	if s.IsZero() {
		s = pace.Default()
	}
	return s.Join(now.share)
}

// maxGap is the longest wait for an idle gap; 0: the default.
func (o *Options) maxGap(now orders) time.Duration {
	if now.wish.MaxGap > 0 {
		return now.wish.MaxGap.Std()
	}
	return o.MaxGap
}
