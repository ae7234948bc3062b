package pace

import (
	"math"
	"math/bits"
	"time"
)

// Progress is the place of an event among those a pace has counted since its anchor.
type Progress struct {
	Events  int64         // that went before it
	Bytes   int64         // of the values that went before it
	Archive time.Duration // from the anchor's event time to its own, idle gaps capped
}

func (p Progress) since(anchor Progress) Progress {
	return Progress{p.Events - anchor.Events, p.Bytes - anchor.Bytes, p.Archive - anchor.Archive}
}

// Pace says when progress is due.
type Pace interface {
	// Due is the time from the anchor to the moment the event at p may go. It never falls as p grows, and is 0
	// for the zero Progress.
	Due(p Progress) time.Duration
}

var (
	_ Pace = EventsPerSecond(0)
	_ Pace = BytesPerSecond(0)
	_ Pace = Speed(0)
)

// never is the latest due time: far enough, and safe to add a clock reading to.
const never = time.Duration(1 << 62)

// EventsPerSecond spaces events evenly. It is at least 1.
type EventsPerSecond int64

// Due counts the events that went before.
func (r EventsPerSecond) Due(p Progress) time.Duration { return quotient(p.Events, int64(r)) }

// BytesPerSecond lets an event go when the bytes before it have had their time, so that one event of any size may
// stand out. It is at least 1 and counts values before compression.
type BytesPerSecond int64

// Due counts the bytes that went before.
func (r BytesPerSecond) Due(p Progress) time.Duration { return quotient(p.Bytes, int64(r)) }

// quotient is n/perSecond seconds, in whole nanoseconds.
func quotient(n, perSecond int64) time.Duration {
	hi, lo := bits.Mul64(uint64(n), uint64(time.Second))
	if hi >= uint64(perSecond) {
		return never
	}
	ns, _ := bits.Div64(hi, lo, uint64(perSecond))
	return time.Duration(min(ns, uint64(never)))
}

// Speed keeps the original spacing of events, divided by this factor: 1 is as it was, 4 is four times as fast.
type Speed float64

// Due scales the distance in the archive.
func (s Speed) Due(p Progress) time.Duration { return nanoseconds(float64(p.Archive) / float64(s)) }

// distance is how far the archive moves in d: the inverse of Due.
func (s Speed) distance(d time.Duration) time.Duration { return nanoseconds(float64(d) * float64(s)) }

func nanoseconds(f float64) time.Duration {
	if f >= float64(never) {
		return never
	}
	return time.Duration(math.Round(f))
}
