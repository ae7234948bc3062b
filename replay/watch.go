package replay

import (
	"context"
	"time"
)

// watchEvery is between two looks at what the passing of time does to a replay.
const watchEvery = time.Minute

// watch asks, when the session begins to work and each minute from then on, what a person should know of a replay that
// lasts. It is told once, and stands in the progress for as long as it is so.
func (p *pipeline) watch(ctx context.Context) error {
	if p.options.Watch == nil {
		return nil
	}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	told := false
	for {
		now := time.Now()
		warning := p.options.Watch(ctx, now, p.meter.end(now))
		if warning != "" && !told && ctx.Err() == nil {
			p.options.Notice(warning)
		}
		told = warning != ""
		p.meter.warn(warning)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// warn notes what progress is to warn of; empty: nothing.
func (m *meter) warn(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Warnings = nil
	if text != "" {
		m.now.Warnings = []string{text}
	}
}

// end is when the replay is expected to end, as of now; zero when that is not known.
func (m *meter) end(now time.Time) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if eta := m.eta(now); eta > 0 {
		return now.Add(eta)
	}
	return time.Time{}
}

// eta is the time to the end at the rate since the session began to produce; 0 when it is not known.
func (m *meter) eta(now time.Time) time.Duration {
	done := m.now.Percent - m.base
	if done <= 0 || m.now.Percent >= 100 || now.Sub(m.began) <= time.Second {
		return 0
	}
	return time.Duration(float64(now.Sub(m.baseAt)) * (100 - m.now.Percent) / done).Round(time.Second)
}
