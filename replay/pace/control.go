package pace

import "time"

// State is what a progress report says of a pacer.
type State struct {
	Setting Setting
	Paused  bool
	Lag     time.Duration // how long the first event of the last Grant had been due; 0 when the pace holds back
	Lost    time.Duration // how much longer all took than the pace would have: lags that were dropped, added up
	Waited  time.Duration // spent in Grant until something was due, pauses not counted
}

// State may be asked at any time, also while Grant waits. Between two calls the pace was what held the replay back if
// Waited grew by most of the time between them.
func (p *Pacer) State() State {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	s := State{Setting: p.setting, Paused: !p.pausedAt.IsZero(), Lag: p.lag, Lost: p.lost, Waited: p.waited}
	if !p.waiting.IsZero() {
		s.Waited += now.Sub(p.waiting)
	}
	return s
}

// Set changes the pace. The new one counts from the last event granted, so that setting paces in quick succession
// grants nothing extra; setting the same one again changes nothing. The ramp goes on.
func (p *Pacer) Set(s Setting) {
	if s.IsZero() {
		s = Default()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s == p.setting {
		return
	}
	p.setting, p.lanes, p.lag = s, nil, 0
	for _, pace := range s.Paces() {
		p.lanes = append(p.lanes, lane{pace: pace, anchor: p.granted, base: p.last})
	}
	p.signal()
}

// SetMaxGap changes the longest wait for an idle gap of the archive; it holds for a wait that is under way, too. DefaultMaxGap
// unless above 0.
func (p *Pacer) SetMaxGap(d time.Duration) {
	if d <= 0 {
		d = DefaultMaxGap
	}
	d = min(d, never)
	p.mu.Lock()
	defer p.mu.Unlock()
	if d == p.maxGap {
		return
	}
	p.maxGap = d
	p.signal()
}

// Pause stops the pacer's clock: Grant waits until Resume. Pausing twice is pausing once.
func (p *Pacer) Pause() {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.pausedAt.IsZero() {
		return
	}
	p.pausedAt = now
	p.endWait(now)
	p.signal()
}

// Resume lets the clock go on where it stood: what was due in a second is due in a second.
func (p *Pacer) Resume() {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pausedAt.IsZero() {
		return
	}
	p.start = p.start.Add(now.Sub(p.pausedAt))
	p.pausedAt = time.Time{}
	p.signal()
}

// signal wakes a waiting Grant, or the next one, which then looks once more than it had to.
func (p *Pacer) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *Pacer) startWaiting(now time.Time) {
	if p.waiting.IsZero() {
		p.waiting = now
	}
}

func (p *Pacer) stopWaiting() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.waiting.IsZero() {
		p.endWait(time.Now())
	}
}

func (p *Pacer) endWait(now time.Time) {
	if !p.waiting.IsZero() {
		p.waited += now.Sub(p.waiting)
		p.waiting = time.Time{}
	}
}
