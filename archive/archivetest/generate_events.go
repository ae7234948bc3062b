package archivetest

import (
	"math/rand/v2"
	"time"
)

// generator decides everything about an archive but the bytes.
type generator struct {
	plan   Plan
	rng    *rand.Rand
	hours  []time.Time        // in which anything may land, ascending
	gaps   map[time.Time]bool // hours of the window in which nothing does
	parts  []part
	number uint32 // of the next event
	skewed int    // how many events of the row with the wrong clock are still to come
	skew   time.Duration
}

func newGenerator(p Plan) *generator {
	g := &generator{plan: p, rng: rand.New(rand.NewPCG(p.Seed, 0x7265706c617964)), gaps: map[time.Time]bool{}}
	g.chooseGaps()
	for h := p.Start; h.Before(p.end()); h = h.Add(time.Hour) {
		if !g.gaps[h] {
			g.hours = append(g.hours, h)
		}
	}
	return g
}

// chooseGaps takes hours that lie in the window as a whole, but leaves one of them.
func (g *generator) chooseGaps() {
	var whole []time.Time
	for h := g.plan.Start; h.Before(g.plan.end()); h = h.Add(time.Hour) {
		if !h.Before(g.plan.From) && !h.Add(time.Hour).After(g.plan.To) {
			whole = append(whole, h)
		}
	}
	if !g.plan.hourly() {
		return
	}
	g.rng.Shuffle(len(whole), func(i, j int) { whole[i], whole[j] = whole[j], whole[i] })
	for i := 0; i < g.plan.Odds.Gaps && i+1 < len(whole); i++ {
		g.gaps[whole[i]] = true
	}
}

func (g *generator) happens(rate float64) bool { return rate > 0 && g.rng.Float64() < rate }

// between draws from [low, high).
func (g *generator) between(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(g.rng.Int64N(int64(high-low)))
}

// deliveries fills g.parts: originals in order of landing, each followed by its copies.
func (g *generator) deliveries() {
	g.parts = make([]part, 0, g.plan.Events+g.plan.Events/16)
	for i := range g.plan.Events {
		p := g.original((float64(i) + g.rng.Float64()) / float64(g.plan.Events))
		g.parts = append(g.parts, p)
		g.copies(p)
	}
}

// original makes the event that lands at a share of the archive's time.
func (g *generator) original(share float64) part {
	at := share * float64(len(g.hours))
	hour := min(int(at), len(g.hours)-1)
	landed := g.hours[hour].UnixNano() + int64((at-float64(hour))*float64(time.Hour))
	p := part{number: g.next(), writer: uint16(g.rng.IntN(g.plan.Writers)), landed: landed}
	g.clock(&p)
	g.forms(&p)
	return p
}

func (g *generator) next() uint32 {
	g.number++
	return g.number - 1
}

// clock sets arrival and event time: punctual events are up to three seconds old when they land.
func (g *generator) clock(p *part) {
	odds := &g.plan.Odds
	arrived := p.landed - int64(g.between(0, 300*time.Millisecond))
	if g.happens(odds.Delayed) {
		arrived = p.landed - int64(g.between(time.Minute, 40*time.Minute))
	}
	age := g.between(2*time.Millisecond, 3*time.Second)
	if g.happens(odds.Late) {
		age = g.lateBy()
	}
	p.arrival = arrived - arrived%int64(time.Millisecond)
	p.time = g.round(p.number, arrived-int64(age)+int64(g.wrongClock(p)))
	if len(g.parts) > 0 && g.rng.IntN(20) == 0 && age < time.Minute && p.time > g.parts[len(g.parts)-1].time {
		p.time = g.round(p.number, g.parts[len(g.parts)-1].time) // bursts share an instant
	}
}

// lateBy is mostly a little around the lateness, sometimes an hour or two.
func (g *generator) lateBy() time.Duration {
	if g.rng.IntN(4) == 0 {
		return g.between(20*time.Minute, 110*time.Minute)
	}
	return g.between(g.plan.Lateness*3/4, 3*g.plan.Lateness+time.Second)
}

// round gives events milliseconds, microseconds or nanoseconds.
func (g *generator) round(number uint32, ns int64) int64 {
	switch number % 4 {
	case 0:
		return ns - ns%int64(time.Microsecond)
	case 1:
		return ns
	}
	return ns - ns%int64(time.Millisecond)
}

var wrongClocks = []time.Duration{
	20 * time.Minute, 50 * time.Minute, -35 * time.Minute, // mostly still in the window
	400 * 24 * time.Hour, -40 * 365 * 24 * time.Hour, 170 * 365 * 24 * time.Hour,
}

// wrongClock gives how far the last writer's clock is off. A row of about sixteen events with one error is what moves
// an object's bound, or just does not.
func (g *generator) wrongClock(p *part) time.Duration {
	if int(p.writer) != g.plan.Writers-1 {
		return 0
	}
	if g.skewed > 0 {
		g.skewed--
		return g.skew
	}
	if !g.happens(g.plan.Odds.WrongClock) {
		return 0
	}
	g.skew = wrongClocks[g.rng.IntN(len(wrongClocks))]
	if g.rng.IntN(4) == 0 {
		g.skewed = 13 + g.rng.IntN(6)
	}
	return g.skew
}

// forms decides what is odd about an event's fields. What would make it bad happens alone, so that the reason is
// certain.
func (g *generator) forms(p *part) {
	odds := &g.plan.Odds
	switch {
	case g.happens(odds.NoID):
		p.id = idMissing + idForm(g.rng.IntN(int(idForms-idMissing)))
	case g.happens(odds.NumericID):
		p.id = idNumber
	case g.rng.IntN(50) == 0:
		p.id = idEscaped
	}
	switch {
	case g.happens(odds.BadTime):
		p.when = 1 + timeForm(g.rng.IntN(int(timeForms-1)))
	case g.happens(odds.BadArrival):
		p.badArrival = true
	case g.plan.EventLimit < padLimit && g.happens(odds.Oversized):
		p.size = 1 + sizeForm(g.rng.IntN(int(sizeForms-1)))
		return // without the usual key there is nothing to pad
	}
	switch {
	case g.happens(odds.NoKey):
		p.key = keyMissing + keyForm(g.rng.IntN(int(keyForms-keyMissing)))
	case g.rng.IntN(10) == 0:
		p.key = keyNumber + keyForm(g.rng.IntN(2))
	}
	p.twofold = g.happens(odds.Twofold)
}
