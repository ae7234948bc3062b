package dedupe

import "math"

// generations is how many slices of merge time are live at a time: the horizon is as long as three, and touches four.
const generations = 4

// timeline tells which generation a merge time falls into, and when it is over. Generations follow one another in lanes:
// that of slice n stands in lane n mod 4.
type timeline struct {
	horizon, width int64
	lanes          [generations]generation
	newest         int64 // slice; the generation that fills
	due            int64 // when the next generation is over
}

type generation struct {
	slice int64 // merge time divided by the width of slices
	live  bool
}

func newTimeline(horizon int64) timeline {
	width := max(1, (horizon+generations-2)/(generations-1))
	return timeline{horizon: horizon, width: width, newest: math.MinInt64, due: math.MaxInt64}
}

func laneOf(slice int64) int { return int(slice & (generations - 1)) }

// lane is where a sighting at some merge time belongs. When the generation that stood there is an older one, that one is
// replaced. When it is a younger one, no look to come can reach the sighting.
func (t *timeline) lane(at int64) (lane int, replaced, reachable bool) {
	slice := floorDiv(at, t.width)
	lane = laneOf(slice)
	g := &t.lanes[lane]
	if g.live && g.slice >= slice {
		return lane, false, g.slice == slice
	}
	replaced = g.live
	*g = generation{slice, true}
	t.newest = max(t.newest, slice)
	t.due = min(t.due, t.over(g))
	return lane, replaced, true
}

// over is when the last sighting that a generation can have is out of reach.
func (t *timeline) over(g *generation) int64 { return (g.slice+1)*t.width + t.horizon }

// expired ends the generations that are over now, and returns their lanes.
func (t *timeline) expired(now int64) (lanes []int) {
	if now < t.due {
		return nil
	}
	t.due = math.MaxInt64
	for lane := range t.lanes {
		g := &t.lanes[lane]
		switch {
		case !g.live:
		case now >= t.over(g):
			g.live = false
			lanes = append(lanes, lane)
		default:
			t.due = min(t.due, t.over(g))
		}
	}
	return lanes
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
