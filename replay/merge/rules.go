package merge

import (
	"math"
	"slices"

	"replayd/archive"
)

// Rules say which entries belong to a replay and what their merge times are.
type Rules struct {
	From, To int64 // window, half-open, ns since 1970; all time when both are zero
	Arrival  bool  // the window goes by arrival time; order is by event time all the same
	NoTime   bool  // events have no time: all are in the window, in the order of their addresses
	Lateness int64 // disorder that is put right, ns
}

// bounded reports whether the rules have a window at all.
func (r Rules) bounded() bool { return !r.NoTime && (r.From != 0 || r.To != 0) }

func (r Rules) inWindow(e *archive.Entry) bool {
	if !r.bounded() {
		return true
	}
	t := e.Time
	if r.Arrival {
		t = e.Arrival
	}
	return r.From <= t && t < r.To
}

// Opening is the opening bound of an object whose name tells named (0: nothing) in an hour that begins at hour.
func (r Rules) Opening(named, hour int64, bounded bool) int64 {
	if !bounded && named == 0 {
		return r.flat()
	}
	return max(named, hour) - r.Lateness
}

// flat is the opening bound where nothing is known: in-window events cannot be earlier than from, but in a window by
// arrival their event times can, by the disorder that is put right.
func (r Rules) flat() int64 {
	if !r.bounded() {
		return 0
	}
	if r.Arrival {
		return r.From - r.Lateness
	}
	return r.From
}

// bound is the earliest merge time still open inside one object. It moves with the sixteenth largest event time seen,
// less the lateness: one wrong clock must not turn an object upside down.
type bound struct {
	at       int64
	lateness int64
	largest  [quorum]int64 // once all are seen, ascending
	seen     int           // of largest
}

const quorum = 16

func newBound(opening, lateness int64) bound {
	return bound{at: opening, lateness: lateness}
}

// see notes an event time.
func (b *bound) see(t int64) {
	if b.seen < quorum {
		b.largest[b.seen] = t
		if b.seen++; b.seen == quorum {
			slices.Sort(b.largest[:])
		}
	} else if t > b.largest[0] {
		i := 1
		for ; i < quorum && b.largest[i] < t; i++ {
			b.largest[i-1] = b.largest[i]
		}
		b.largest[i-1] = t
	}
	if b.seen == quorum {
		b.at = max(b.at, b.largest[0]-b.lateness)
	}
}

// place gives entry e its merge time and flags.
func (r Rules) place(e *archive.Entry, b *bound) (int64, Flags) {
	switch {
	case e.Bad != "":
		return b.at, 0
	case r.NoTime:
		return b.at, TimeMissing
	}
	t, flags := e.Time, Flags(0)
	if r.Arrival && t > e.Arrival+r.Lateness {
		t, flags = e.Arrival+r.Lateness, TimeClamped
	}
	if e.Time < b.at {
		flags |= Late
	}
	t = max(t, b.at)
	if e.Time < r.end() {
		b.see(e.Time)
	}
	return t, flags
}

func (r Rules) end() int64 {
	if !r.bounded() {
		return math.MaxInt64
	}
	return r.To
}
