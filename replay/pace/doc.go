// Package pace decides when each event may go, and is the one place of a replay that waits.
//
// The paces are pure functions: a Pace says when, counted from an anchor, a given Progress is due. A Setting is what
// people write (5000/s, 20MB/s, x4, several with commas). The Pacer holds a setting against the clock:
//
//	events ──> Grant(batch) ──> how many may go now
//	             │   sleeps, about a millisecond at high rates, until the first of the batch is due
//	             └── wakes on cancel, Pause, Resume and Set
//
// What holds:
//
//   - Every pace is anchored to one instant, never to the event before, so that rounding and late timers do not add
//     up: at each grant the number granted is what is due, to within 1 event or 1 %.
//   - Nothing bursts. A caller that was kept away longer than MaxLag does not find the missed time saved up, nor does
//     a pause or a change of pace save any. Over every span of time a pace is exceeded by at most MaxLag's worth and
//     one event.
//   - Of several paces the slowest holds at every moment. Each has an anchor of its own: with a common one, an hour
//     in which bytes held it back would save up an hour's worth of events, to be let go at once.
package pace
