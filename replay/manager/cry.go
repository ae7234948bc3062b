package manager

import (
	"context"
	"time"

	"replayd/replay"
)

// cry tells the other daemons, until ctx ends, why replays wait that this one has no place for: any of them is asked.
func (m *Manager) cry(ctx context.Context) {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, id := range m.waiting() {
			if l, is := m.unsaid(id); is {
				m.say(ctx, l)
			}
		}
	}
}

// waiting are the replays that this daemon has no place for.
func (m *Manager) waiting() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.full
}

// unsaid is the word of why a replay waits, false when it was said, or does not wait any more. It also says what went wrong
// with the last session, since it takes the place of the word that did.
func (m *Manager) unsaid(id string) (replay.Live, bool) {
	k, known := m.options.Registers.Find(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	reason := m.queued[id]
	if !known || reason == "" || m.sessions[id] != nil || toldQueued(&k) == reason {
		return replay.Live{}, false
	}
	b := m.setbacks[id]
	p := replay.Progress{ID: id, State: k.State(), Phase: replay.Waiting}
	l := replay.Live{Report: p.Report(), Queued: reason, Wish: wished(&k).Token, At: time.Now().UTC()}
	if state, why := wrong(&k, &b); why != "" {
		l.State, l.Error = state, why
	}
	return l, true
}
