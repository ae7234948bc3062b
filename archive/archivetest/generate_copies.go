package archivetest

import "time"

// copies appends what redelivers p or contradicts it.
func (g *generator) copies(p part) {
	odds := &g.plan.Odds
	if g.happens(odds.Duplicates) {
		for _, after := range g.distances(p) {
			g.copyAt(p, p.landed+int64(after))
		}
	}
	if !g.happens(odds.Conflicts) {
		return
	}
	other := p
	other.variant = 1 + variant(g.rng.IntN(int(variants-1)))
	if other.variant == bodyTime {
		other.time += int64(g.between(time.Millisecond, 40*time.Second))
	}
	distances := g.distances(p)
	for _, after := range distances {
		g.copyAt(other, p.landed+int64(after))
	}
	if len(distances) == 1 && g.rng.IntN(2) == 0 { // and the first body once more
		g.copyAt(p, p.landed+int64(distances[0]+g.between(0, time.Minute)))
	}
}

// distances says how long after p its copies land. Near copies are punctual and stand right beside their original;
// the far ones are clamped to the bound of their object, which lags by the lateness.
func (g *generator) distances(p part) []time.Duration {
	switch g.rng.IntN(10) {
	case 0, 1:
		return []time.Duration{1} // the next entry of the same object, as a rule
	case 2, 3, 4:
		return []time.Duration{g.between(0, 10*time.Second)}
	case 5:
		return []time.Duration{g.between(5*time.Minute, 30*time.Minute)}
	case 6:
		return []time.Duration{g.between(time.Hour, 80*time.Minute)}
	case 7:
		return []time.Duration{g.horizons(p, 0.9)}
	case 8:
		return []time.Duration{g.horizons(p, 0.9), g.horizons(p, 1.8)} // the second only counts because of the first
	}
	return []time.Duration{g.horizons(p, []float64{1.1, 1.8}[g.rng.IntN(2)])}
}

// horizons is how long after p something lands whose bound lies so many horizons after p.
func (g *generator) horizons(p part, n float64) time.Duration {
	return time.Duration(p.time-p.landed) + time.Duration(n*float64(g.plan.Horizon)) + g.plan.Lateness
}

// copyAt delivers p again: redelivered as it was, or published anew with its own arrival time. What would land where
// nothing does is left out.
func (g *generator) copyAt(p part, landed int64) {
	at := time.Unix(0, landed).UTC()
	if !at.Before(g.plan.end()) || at.Before(g.plan.Start) || g.gaps[at.Truncate(time.Hour)] {
		return
	}
	near := landed-p.landed <= 1
	if !near && g.rng.IntN(3) > 0 {
		p.writer = uint16(g.rng.IntN(g.plan.Writers))
	}
	if g.rng.IntN(2) == 0 {
		p.arrival = landed - landed%int64(time.Millisecond)
	}
	p.landed = landed
	g.parts = append(g.parts, p)
}

// edge is a copy that stands first in an object of its own, where the bound is known to the nanosecond.
type edge struct {
	opens time.Time // what the object's name says, or the start of its hour
	copy  part
}

// edges places pairs whose distance is exactly the horizon, one nanosecond more and one less, in turn. It appends the
// originals to g.parts. A flat folder has no bound that a copy could be tied to.
func (g *generator) edges() []edge {
	var list []edge
	for i := range g.plan.Odds.Edges {
		opens, ok := g.edgeInstant()
		if !ok {
			break
		}
		distance := g.plan.Horizon + time.Duration((i+1)%3-1)
		e := edge{opens: opens, copy: g.punctual(opens.Add(-g.plan.Lateness - distance))}
		g.parts = append(g.parts, e.copy)
		e.copy.landed = opens.UnixNano()
		list = append(list, e)
	}
	return list
}

// punctual is a plain event of the first writer, whose clock is right.
func (g *generator) punctual(at time.Time) part {
	landed := at.UnixNano() + int64(500*time.Millisecond)
	return part{number: g.next(), time: at.UnixNano(), arrival: landed - landed%int64(time.Millisecond), landed: landed}
}

// edgeInstant finds an instant at which an object may open and whose originals are in the window.
func (g *generator) edgeInstant() (time.Time, bool) {
	back := g.plan.Lateness + g.plan.Horizon + time.Second
	if !g.plan.hourly() {
		return time.Time{}, false
	}
	for range 50 {
		opens := g.hours[g.rng.IntN(len(g.hours))]
		if g.plan.named() {
			opens = opens.Add(g.between(0, time.Hour).Truncate(time.Second))
		}
		original := opens.Add(-back)
		listed := opens.Before(g.plan.To.Add(g.plan.SlackAfter))
		inside := original.After(g.plan.From) && original.Add(2*time.Second).Before(g.plan.To)
		if listed && inside && !g.gaps[original.Truncate(time.Hour)] && !g.gaps[original.Add(2*time.Second).Truncate(time.Hour)] {
			return opens, true
		}
	}
	return time.Time{}, false
}
