package main

import (
	"time"

	"replayd/replay/api"
)

// groupRate tells from a few looks at a consumer group when it will have read a replay. The zero value has seen none.
type groupRate struct{ looks []groupLook }

// groupLook is one look: what the group had committed.
type groupLook struct {
	at        time.Time
	committed map[int32]int64 // of partitions where it had
}

// rateOver is the time over which the rate is taken: long enough for a group that reads in batches.
const rateOver = 30 * time.Second

// seconds takes a look at a replay that stands as r and returns for how long the group will go on reading: its lag,
// and what the replay will have produced until its own end, at the rate of the last seconds. 0: nobody can tell, or nobody reads.
func (g *groupRate) seconds(at time.Time, group *api.Group, r *api.Replay) float64 {
	if !readers(group) {
		g.looks = nil
		return 0
	}
	rate := g.rate(at, group)
	p := r.Progress
	switch {
	case rate <= 0:
		return 0
	case r.State.Terminal():
		return float64(group.Lag) / rate
	case p == nil || p.ETASeconds <= 0: // its own end is not known
		return 0
	}
	return max(p.ETASeconds, (float64(group.Lag)+p.EventsPerSecond*p.ETASeconds)/rate)
}

// readers reports whether a group has members that could read.
func readers(g *api.Group) bool { return g.State != groupUnknown && g.State != groupEmpty }

// States of groups, as Kafka calls them, in which nobody reads.
const (
	groupUnknown = "Dead" // there is no such group
	groupEmpty   = "Empty"
)

// rate is by how many offsets a second the group has read on, where it had committed before: where it begins nobody can tell. The
// lag would not do: it is of another instant than what the replay says that it has produced.
func (g *groupRate) rate(at time.Time, group *api.Group) float64 {
	now := groupLook{at: at, committed: map[int32]int64{}}
	for _, p := range group.Partitions {
		if p.Committed >= 0 {
			now.committed[p.Partition] = p.Committed
		}
	}
	for len(g.looks) > 1 && at.Sub(g.looks[1].at) >= rateOver {
		g.looks = g.looks[1:]
	}
	g.looks = append(g.looks, now)
	first := g.looks[0]
	var on int64
	for partition, before := range first.committed {
		if is, known := now.committed[partition]; known {
			on += is - before
		}
	}
	if elapsed := at.Sub(first.at).Seconds(); elapsed > 0 {
		return float64(on) / elapsed
	}
	return 0
}
