package manager

import (
	"time"

	"replayd/replay"
)

// heard is the newest word of a session, anywhere, that this daemon has read.
type heard struct {
	said time.Time // by the clock of the daemon that told it; zero: there is no word
	at   time.Time // when it was read, by our own clock, which that one may differ from
}

// hear takes note of the word that k has now. It is to be called of all replays, and only once what was there at the beginning has
// been read. The lock is held.
func (m *Manager) hear(k *replay.Known, now time.Time) { m.heard[k.Spec.ID] = m.newest(k, now) }

// newest is the word that k has now. Of a replay that was not heard before, nobody here can tell since when it has been there:
// then the clock counts of whoever told it. The lock is held.
func (m *Manager) newest(k *replay.Known, now time.Time) heard {
	before, seen := m.heard[k.Spec.ID]
	said := saidAt(k)
	switch {
	case said.IsZero():
		return heard{}
	case seen && before.said.Equal(said):
		return before
	case seen || said.After(now):
		return heard{said, now}
	}
	return heard{said, said}
}

// saidAt is when the newest word of a session was told. A foreground process tells none: its newest checkpoint is its word, or that
// it begins.
func saidAt(k *replay.Known) time.Time {
	switch {
	case k.Spec.Owner == replay.OwnerRun && k.Checkpoint != nil:
		return k.CheckpointAt
	case k.Spec.Owner == replay.OwnerRun:
		return k.Spec.AsOf
	case k.Live == nil:
		return time.Time{}
	}
	return k.Live.At
}

// alive reports whether a session tells that it works on k, and not that it has left it, or how it went wrong. Of as long as
// nothing can be read, it tells how that was before. The lock is held.
func (m *Manager) alive(k *replay.Known) bool {
	l, now := k.Live, time.Now()
	if l == nil || left(k) || l.State == replay.Failed || l.State == replay.Planned {
		return false
	}
	return m.newest(k, now).at.Add(silent).After(m.listened(now))
}

// listened is until when others could be heard: now, but for an outage of the brokers, in which silence says nothing of anybody.
func (m *Manager) listened(now time.Time) time.Time {
	if stale := m.options.Registers.Stale(); !stale.IsZero() {
		return stale
	}
	return now
}

// left reports whether the last session of k has left it to others.
func left(k *replay.Known) bool { return k.Live != nil && k.Live.Daemon == "" }
