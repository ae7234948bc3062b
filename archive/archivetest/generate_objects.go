package archivetest

import (
	"cmp"
	"slices"
	"time"
)

// style is how an object's bytes are put around its parts.
type style struct {
	separator string // between events; lines: the line end
	bom       bool
	blank     bool // lines: an empty line now and then
	last      bool // something stands behind the last event: a line end, white space
	codec     string
	members   int // gzip members or zstd frames
	fault     fault
}

// fault is damage to a gzip object that leaves every event of it readable and one thing to quarantine at its end.
type fault uint8

const (
	faultNone     fault = iota
	faultChecksum       // the last checksum is wrong
	faultGarbage        // something that is no gzip member follows
	faultHeader         // a further member was cut off within its header
	faults
)

// objects turns deliveries into objects, unsorted.
func (g *generator) objects() []*Object {
	edges := g.edges()
	slices.SortStableFunc(g.parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(a.writer, b.writer), cmp.Compare(a.landed, b.landed))
	})
	var list []*Object
	for rest := g.parts; len(rest) > 0; {
		n := g.flushed(rest)
		list = append(list, g.object(rest[:n:n], time.Unix(0, rest[0].landed).UTC()))
		rest = rest[n:]
	}
	for _, e := range edges {
		list = append(list, g.objectAt([]part{e.copy}, e.opens, e.opens))
	}
	g.parts = nil
	list = append(list, g.empties(list)...)
	return append(list, g.marks()...)
}

// flushed is how many of the parts, one writer's and following ones', fill its buffer. A buffer starts to wait with its
// first event and never waits through a gap.
func (g *generator) flushed(parts []part) int {
	most := max(1, g.plan.FlushBytes/max(1, g.plan.MeanSize))
	deadline := parts[0].landed + int64(g.plan.FlushEvery)
	for i := range parts {
		if i == most || parts[i].writer != parts[0].writer || parts[i].landed > deadline {
			return i
		}
	}
	return len(parts)
}

// object puts parts under a key that says when the oldest landed, if keys of the layout say so.
func (g *generator) object(parts []part, first time.Time) *Object {
	last := time.Unix(0, parts[len(parts)-1].landed).UTC()
	opens := first.Truncate(time.Second)
	folder := opens.Truncate(time.Hour)
	if g.happens(g.plan.Odds.Misfiled) {
		folder = last.Truncate(time.Hour)
	}
	o := g.objectAt(g.broken(parts), opens, folder)
	o.Modified = last.Add(g.between(time.Second, 5*time.Second)).Truncate(time.Millisecond)
	return o
}

func (g *generator) objectAt(parts []part, opens, folder time.Time) *Object {
	o := &Object{parts: parts, Modified: opens.Add(2 * time.Second)}
	o.style = g.style(parts)
	g.place(o, opens, folder.Truncate(time.Hour))
	return o
}

// style draws one that leaves no doubt what the object's bad entries are.
func (g *generator) style(parts []part) style {
	s := style{codec: g.plan.Codec, members: 1 + g.rng.IntN(3), bom: g.rng.IntN(12) == 0 && !parts[0].bad()}
	if s.codec == CodecMixed {
		s.codec = []string{CodecNone, CodecGzip, CodecZstd}[g.rng.IntN(3)]
	}
	broken := slices.ContainsFunc(parts, func(p part) bool { return p.kind != partEvent })
	if s.codec == CodecGzip && !broken && g.happens(g.plan.Odds.Faults) {
		s.fault = 1 + fault(g.rng.IntN(int(faults-1)))
	}
	switch g.plan.Format {
	case FormatLines:
		s.separator, s.blank = "\n", g.rng.IntN(8) == 0
		// An unfinished last line would be part of the damage.
		s.last = s.fault != faultNone || g.rng.IntN(2) == 0
		if !slices.ContainsFunc(parts, func(p part) bool { return p.bad() }) && g.rng.IntN(6) == 0 {
			s.separator = "\r\n"
		}
	case FormatArray:
		s.separator = []string{",", ",\n", " ,\r\n  "}[g.rng.IntN(3)]
	default:
		s.separator = []string{"", "", "", "\n", " ", "\r\n\t"}[g.rng.IntN(6)]
		s.last = !broken && g.rng.IntN(2) == 0
	}
	return s
}

// empties are objects without a byte beside some of the others.
func (g *generator) empties(objects []*Object) []*Object {
	var list []*Object
	for _, o := range objects {
		if !g.happens(g.plan.Odds.Empty) {
			continue
		}
		e := &Object{Modified: o.Modified, style: style{codec: CodecNone}}
		first := time.Unix(0, o.parts[0].landed).UTC()
		g.place(e, first.Truncate(time.Second), first.Truncate(time.Hour))
		list = append(list, e)
	}
	return list
}

// marks are what tools leave beside the data, with events that were never handed over.
func (g *generator) marks() []*Object {
	var list []*Object
	for h := g.plan.Start; h.Before(g.plan.end()); h = h.Add(time.Hour) {
		if !g.happens(g.plan.Odds.Marks) && !g.gaps[h] {
			continue
		}
		at := h.Add(30 * time.Minute)
		folder := g.folder(h)
		attempt := g.punctual(at)
		data := style{codec: CodecNone}
		list = append(list,
			&Object{Key: folder + "_temporary/0/attempt_" + h.Format("15") + "/part-0", parts: []part{attempt}, style: data, Ignored: true, Modified: at},
			&Object{Key: folder + "." + h.Format("15") + ".crc", parts: []part{attempt}, style: data, Ignored: true, Modified: at})
		if g.plan.hourly() {
			list = append(list,
				&Object{Key: folder + "_SUCCESS", style: data, Ignored: true, Modified: at},
				&Object{Key: folder, style: data, Ignored: true, Modified: at})
		}
	}
	if !g.plan.hourly() && len(list) > 0 {
		list = append(list, &Object{Key: "_SUCCESS", style: style{codec: CodecNone}, Ignored: true, Modified: g.plan.Start})
	}
	return list
}
