package archivetest

import (
	"slices"
	"time"

	"github.com/zeebo/xxh3"
)

// boundRank: the bound of an object follows the sixteenth largest time in it, so that fifteen wrong clocks are nothing.
const boundRank = 16

// objectJudge goes through the entries of one object in their order in the object.
type objectJudge struct {
	plan    *Plan
	object  *Object
	number  int32
	opening int64   // bound before the first entry
	times   []int64 // that may move the bound, ascending: event times in the window below its end
	scratch []byte

	found      []sighting
	outside    int64
	slackShort int64
	delay      int64 // the longest from an event's time to its arrival, ns
}

func newObjectJudge(p *Plan, o *Object, number int32) *objectJudge {
	return &objectJudge{plan: p, object: o, number: number, opening: opening(p, o)}
}

// opening is the earliest merge time of an object's entries: max(name's time, start of the hour) - lateness; without
// both the start of the window.
func opening(p *Plan, o *Object) int64 {
	switch {
	case !o.Hour.IsZero() && o.Named.After(o.Hour):
		return o.Named.Add(-p.Lateness).UnixNano()
	case !o.Hour.IsZero():
		return o.Hour.Add(-p.Lateness).UnixNano()
	case p.byArrival():
		return p.From.Add(-p.Lateness).UnixNano()
	}
	return p.From.UnixNano()
}

func (j *objectJudge) bound() int64 {
	if len(j.times) < boundRank {
		return j.opening
	}
	return max(j.opening, j.times[len(j.times)-boundRank]-int64(j.plan.Lateness))
}

func (j *objectJudge) entries(list []Entry) {
	for i := range list {
		e := &list[i]
		switch {
		case !j.inWindow(e):
			j.outside++
		case e.Bad != "":
			j.found = append(j.found, sighting{
				merge: j.bound(), object: j.number, offset: e.Offset, length: e.Length, bad: e.Bad, part: e.part,
			})
		default:
			j.event(e)
		}
	}
}

// inWindow decides by the time that the window goes by; of what has none by its object's hour, widened by the
// lateness.
func (j *objectJudge) inWindow(e *Entry) bool {
	p := j.plan
	if e.Bad != "" {
		hour := j.object.Hour
		return hour.IsZero() || overlap(hour.Add(-p.Lateness), hour.Add(time.Hour+p.Lateness), p.From, p.To)
	}
	t := e.Time
	if p.byArrival() {
		t = e.Arrival
	}
	return t >= p.From.UnixNano() && t < p.To.UnixNano()
}

func (j *objectJudge) event(e *Entry) {
	s := sighting{object: j.number, offset: e.Offset, length: e.Length, body: e.body, part: e.part}
	s.merge, s.flags = j.mergeTime(e)
	s.sum, j.scratch = digestOf(j.scratch, e)
	if e.ID == nil {
		s.noID = true
		s.flags |= flagNoID
	} else {
		s.id = xxh3.Hash128(e.ID)
	}
	if keep := j.plan.Policies.Keep; keep != nil {
		s.unwanted = !keep(e)
	}
	if e.Arrival != 0 {
		j.delay = max(j.delay, e.Arrival-e.Time)
	}
	j.found = append(j.found, s)
	j.slackShort += j.short(e)
	if e.Time < j.plan.To.UnixNano() {
		at, _ := slices.BinarySearch(j.times, e.Time)
		j.times = slices.Insert(j.times, at, e.Time)
	}
}

// mergeTime is the event time unless it is below the bound (late) or, when the window goes by arrival, later than its
// own arrival allows.
func (j *objectJudge) mergeTime(e *Entry) (int64, flags) {
	bound, t := j.bound(), e.Time
	var f flags
	if latest := e.Arrival + int64(j.plan.Lateness); j.plan.byArrival() && t > latest {
		t, f = latest, flagTimeClamped
	}
	if e.Time < bound {
		f |= flagLate
	}
	return max(bound, t), f
}

// short is 1 for an event of an outermost listed hour that lies more than half the slack from its object's time: there
// may be more like it beyond.
func (j *objectJudge) short(e *Entry) int64 {
	p, hour := j.plan, j.object.Hour
	first := p.From.Add(-p.SlackBefore).Truncate(time.Hour)
	last := p.To.Add(p.SlackAfter - 1).Truncate(time.Hour)
	away := j.distance(e.Time)
	if hour.Equal(first) && away > p.SlackBefore/2 || hour.Equal(last) && away > p.SlackAfter/2 {
		return 1
	}
	return 0
}

// distance is how far t lies from what the object's name says, else from its hour.
func (j *objectJudge) distance(t int64) time.Duration {
	from, to := j.object.Hour.UnixNano(), j.object.Hour.Add(time.Hour).UnixNano()
	if !j.object.Named.IsZero() {
		from, to = j.object.Named.UnixNano(), j.object.Named.UnixNano()
	}
	return time.Duration(max(from-t, t-to, 0))
}
