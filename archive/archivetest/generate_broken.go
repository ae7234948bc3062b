package archivetest

// broken puts broken parts before some of an object's events, where what becomes of them is certain.
func (g *generator) broken(parts []part) []part {
	if g.plan.Odds.Broken <= 0 {
		return parts
	}
	if g.plan.Format == FormatArray {
		return g.brokenEnd(parts)
	}
	out := make([]part, 0, len(parts)+len(parts)/8)
	landing := false // the last event is where a reader finds its way back
	for i := range parts {
		p := parts[i]
		if kind, ok := g.breakage(landing); ok && (p.plain() || g.plan.Format == FormatLines) {
			out = append(out, g.breakageOf(p, kind))
			landing = true
		} else {
			landing = false
		}
		out = append(out, p)
	}
	if landing {
		return out
	}
	return g.brokenEnd(out)
}

// breakage draws what may stand before the next event. Concatenated JSON is read on at an event that another object
// follows; so behind such a landing only something that begins like an object may be broken.
func (g *generator) breakage(landing bool) (partKind, bool) {
	if !g.happens(g.plan.Odds.Broken) {
		return 0, false
	}
	if g.plan.Format == FormatLines {
		return partCut + partKind(g.rng.IntN(5)), true
	}
	if landing {
		return partCut, true
	}
	return partCut + partKind(g.rng.IntN(4)), true
}

// brokenEnd cuts the last event off, as a writer does that was killed.
func (g *generator) brokenEnd(parts []part) []part {
	if len(parts) == 0 || !g.happens(g.plan.Odds.Broken) {
		return parts
	}
	return append(parts[:len(parts):len(parts)], g.breakageOf(parts[len(parts)-1], partCut))
}

// breakageOf is a broken part that lies beside p, with content of its own.
func (g *generator) breakageOf(p part, kind partKind) part {
	return part{number: g.next(), writer: p.writer, kind: kind, time: p.time, arrival: p.arrival, landed: p.landed}
}
