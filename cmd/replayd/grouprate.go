package main

import (
	"time"

	"replayd/replay"
	"replayd/replay/api"
)

// groupRate tells from a few looks at a consumer group when it will have read a replay. The zero value has seen none.
type groupRate struct{ looks []groupLook }

// groupLook is one look: the lag of the group, and what the replay had produced.
type groupLook struct {
	at            time.Time
	lag, produced int64
}

// rateOver is the time over which the rate is taken: long enough for a group that reads in batches.
const rateOver = 30 * time.Second

// seconds takes a look at a replay that stands as r and returns for how long the group will go on reading: its lag,
// and what the replay will have produced until its own end, at the rate of the last seconds. 0: nobody can tell yet.
func (g *groupRate) seconds(at time.Time, group *api.Group, r *api.Replay) float64 {
	now := groupLook{at: at, lag: group.Lag}
	p := r.Progress
	if p == nil {
		p = &replay.Report{}
	}
	now.produced = p.Produced
	for len(g.looks) > 1 && at.Sub(g.looks[1].at) >= rateOver {
		g.looks = g.looks[1:]
	}
	g.looks = append(g.looks, now)
	first := g.looks[0]
	read := first.lag - now.lag + now.produced - first.produced
	elapsed := at.Sub(first.at).Seconds()
	if read <= 0 || elapsed <= 0 {
		return 0
	}
	rate := float64(read) / elapsed
	if r.State.Terminal() {
		return float64(now.lag) / rate
	}
	if p.ETASeconds <= 0 { // its own end is not known
		return 0
	}
	return max(p.ETASeconds, (float64(now.lag)+p.EventsPerSecond*p.ETASeconds)/rate)
}
