package pace

import (
	"context"
	"sync"
	"time"
)

const (
	// MaxLag is how far the caller may fall behind a pace and still catch up. A garbage collection, a late timer
	// or a slow read stay below it and cost no throughput; what catches up is at most a tenth of a second's worth,
	// which no consumer tells from jitter.
	MaxLag = 100 * time.Millisecond

	// Step is the shortest wait. Above a thousand events a second a wait for each would cost more than the events.
	Step = time.Millisecond

	// DefaultMaxGap is the longest wait for an idle gap unless Options say otherwise.
	DefaultMaxGap = 10 * time.Second
)

// Options of a pacer that hold for all of its paces.
type Options struct {
	MaxGap time.Duration // longest wait for an idle gap of the archive under a Speed; DefaultMaxGap unless above 0
	Ramp   Ramp          // slow start, counted from the first grant
}

// Item is what a pacer knows of an event.
type Item struct {
	Time  int64 // merge time, ns; where it falls below the item before, the two count as simultaneous
	Bytes int64 // of the value, before compression
}

// Pacer holds a setting against the clock. One goroutine calls Grant; every other method may be called from any.
//
// The pacer's own clock is the time since the first grant without pauses and without the time the caller lost. Paces
// count in worked-off time, which is that clock behind the ramp.
type Pacer struct {
	ramp Ramp
	wake chan struct{} // holds a token when a waiting Grant should look again

	mu       sync.Mutex
	setting  Setting
	maxGap   time.Duration
	lanes    []lane    // one for each pace of the setting, a Speed last
	start    time.Time // zero of the pacer's clock; pauses and stalls move it forward
	started  bool
	pausedAt time.Time // zero when not paused

	next    Progress      // of the event after the last one granted, its own gap not counted
	last    Progress      // of the last event granted
	time    int64         // its merge time
	granted time.Duration // worked-off time when it was granted

	lag, lost, waited time.Duration
	waiting           time.Time // since when Grant waits for a pace; zero when it does not
}

// New returns a pacer whose clock starts with the first Grant. A setting that is not set is Default.
func New(setting Setting, o Options) *Pacer {
	p := &Pacer{ramp: max(0, o.Ramp), wake: make(chan struct{}, 1)}
	p.SetMaxGap(o.MaxGap)
	p.Set(setting)
	return p
}

// Grant says how many events from the head of the batch may go now, and waits until it is at least one. What was
// granted counts as gone; the rest is to be offered again, first of all. With a deadline, a zero until being none, it
// returns 0 when until has come and nothing is due. The only error is ctx's.
func (p *Pacer) Grant(ctx context.Context, batch []Item, until time.Time) (int, error) {
	if len(batch) == 0 {
		return 0, ctx.Err()
	}
	defer p.stopWaiting()
	for ctx.Err() == nil {
		now := time.Now()
		n, wait := p.take(now, batch)
		if n > 0 {
			return n, nil
		}
		if !until.IsZero() {
			wait = min(wait, until.Sub(now))
		}
		if wait <= 0 {
			return 0, nil
		}
		p.sleep(ctx, wait)
	}
	return 0, ctx.Err()
}

// sleep waits for d, or until there is a reason to look again.
func (p *Pacer) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.wake:
	case <-ctx.Done():
	}
}

// take grants what is due of the batch at now. When that is nothing, wait is the time to the first grant.
func (p *Pacer) take(now time.Time, batch []Item) (n int, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.pausedAt.IsZero() {
		return 0, never
	}
	if !p.started {
		p.started, p.start, p.time = true, now, batch[0].Time
	}
	p.dropLag(now, batch[0])
	clock := now.Sub(p.start)
	done := p.ramp.Done(clock)
	n, due := p.takeUntil(done, batch)
	if n == 0 {
		p.startWaiting(now)
		return 0, max(p.ramp.Due(due)-clock, Step)
	}
	p.granted = done
	return n, 0
}

// takeUntil grants what is due by done, and says when the next event is if the batch holds one.
func (p *Pacer) takeUntil(done time.Duration, batch []Item) (n int, due time.Duration) {
	if len(p.lanes) == 0 {
		p.passAll(batch)
		return len(batch), 0
	}
	for _, e := range batch {
		at := p.place(e)
		if due = p.due(at); due > done {
			break
		}
		p.pass(at, e)
		n++
	}
	return n, due
}

// place is the progress at which the next event stands.
func (p *Pacer) place(e Item) Progress {
	at := p.next
	at.Archive += p.gap(max(0, time.Duration(e.Time-p.time)))
	return at
}

// gap shortens an idle gap of the archive to what takes maxGap on the wall clock, which the ramp stretches.
func (p *Pacer) gap(archive time.Duration) time.Duration {
	if p.setting.speed == 0 || archive == 0 {
		return archive
	}
	before := p.lanes[len(p.lanes)-1].due(p.next)
	longest := p.ramp.Done(p.ramp.Due(before)+p.maxGap) - before
	return min(archive, p.setting.speed.distance(longest))
}

// due is when the event at this place may go: when the last of the paces lets it.
func (p *Pacer) due(at Progress) time.Duration {
	due := p.lanes[0].due(at)
	for i := 1; i < len(p.lanes); i++ {
		due = max(due, p.lanes[i].due(at))
	}
	return due
}

func (p *Pacer) pass(at Progress, e Item) {
	p.last = at
	p.next = Progress{at.Events + 1, at.Bytes + e.Bytes, at.Archive}
	p.time = max(p.time, e.Time)
}

// passAll counts what goes without a pace, so that a pace set later knows what went before it.
func (p *Pacer) passAll(batch []Item) {
	for _, e := range batch {
		p.next.Bytes += e.Bytes
	}
	end := batch[len(batch)-1]
	p.next.Events += int64(len(batch))
	p.next.Archive += max(0, time.Duration(end.Time-p.time))
	p.time = max(p.time, end.Time)
	p.last = Progress{p.next.Events - 1, p.next.Bytes - end.Bytes, p.next.Archive}
}

// dropLag forgets the time that the caller lost, if it is more than may be caught up: the next event is then due now.
// Then it does the same for each pace that another one has kept from being used up.
func (p *Pacer) dropLag(now time.Time, next Item) {
	if len(p.lanes) == 0 {
		return
	}
	at := p.place(next)
	p.lag = max(0, now.Sub(p.start)-p.ramp.Due(p.due(at)))
	if p.lag > MaxLag {
		p.start = p.start.Add(p.lag)
		p.lost += p.lag
	}
	done := p.ramp.Done(now.Sub(p.start))
	for i := range p.lanes {
		if lag := done - p.lanes[i].due(at); lag > MaxLag {
			p.lanes[i].anchor += lag
		}
	}
}

// lane is one pace and what it is counted from.
type lane struct {
	pace   Pace
	anchor time.Duration // worked-off time
	base   Progress      // what was due at the anchor
}

func (l *lane) due(at Progress) time.Duration { return l.anchor + l.pace.Due(at.since(l.base)) }
