package pace

import (
	"math"
	"time"
)

// Ramp is a slow start: during it the rate grows linearly from 0 to the full one. The zero Ramp starts in full.
//
// At rate 1, t²/2R is done after t < R, and R/2 after R. A ramp is therefore a way to read the clock, the same for
// every pace: what is due after d in full is due after sqrt(2dR), and R/2 later once the ramp is over.
type Ramp time.Duration

// Due is when, counted from the start of the ramp, falls due what without it were due after d.
func (r Ramp) Due(d time.Duration) time.Duration {
	if d >= time.Duration(r)/2 {
		return d + time.Duration(r)/2
	}
	// Rounded up: what is read off the clock at that moment must not fall short of d.
	return time.Duration(math.Ceil(math.Sqrt(2 * float64(d) * float64(r))))
}

// Done is how much of the full rate's time has been worked off after t: the inverse of Due.
func (r Ramp) Done(t time.Duration) time.Duration {
	if t >= time.Duration(r) {
		return t - time.Duration(r)/2
	}
	return nanoseconds(float64(t) * float64(t) / (2 * float64(r)))
}
