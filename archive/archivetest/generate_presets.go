package archivetest

import "time"

// Everyday odds: what a healthy archive shows in a quiet month.
func Everyday() Odds {
	return Odds{
		Duplicates: 0.01, Conflicts: 0.0002, Late: 0.001, Delayed: 0.001, WrongClock: 0.0005,
		BadTime: 0.00002, Broken: 0.00002, NoID: 0.0001, NumericID: 0.001, NoKey: 0.001,
		Misfiled: 0.01, Empty: 0.01, Marks: 0.5,
	}
}

// Rough odds: all that can go wrong does, often enough to be met within some hundred events.
func Rough() Odds {
	return Odds{
		Duplicates: 0.2, Conflicts: 0.06, Late: 0.06, Delayed: 0.05, WrongClock: 0.1,
		BadTime: 0.03, BadArrival: 0.02, Oversized: 0.03, Broken: 0.05, NoID: 0.04, NumericID: 0.04, NoKey: 0.06, Twofold: 0.03,
		Faults: 0.3, Misfiled: 0.15, Empty: 0.15, Marks: 0.4, Gaps: 1, Edges: 3,
	}
}

// Small plans a rough archive of some hundred events. 96 seeds in a row meet every layout with every format, codec and
// window; the rest is drawn.
func Small(seed uint64) Plan {
	d := newDice(seed, 0)
	p := Plan{
		Seed: seed, Odds: Rough(),
		Layout:     []string{LayoutPismo, LayoutFirehose, LayoutHive, LayoutFlat}[seed%4],
		WindowOn:   []string{WindowOnEvent, WindowOnArrival}[seed/4%2],
		Format:     []string{FormatJSON, FormatLines, FormatArray}[seed/8%3],
		Codec:      []string{CodecNone, CodecGzip, CodecZstd, CodecMixed}[seed/24%4],
		Events:     250 + d.below(350),
		MeanSize:   300 + d.below(500),
		Hours:      5 + d.below(3),
		Writers:    1 + d.below(3),
		FlushEvery: time.Duration(10+d.below(40)) * time.Minute,
	}
	p.Lateness = []time.Duration{5 * time.Minute, time.Minute, 30 * time.Second, 12 * time.Minute}[d.below(4)]
	p.Horizon = []time.Duration{0, 20 * time.Minute, 45 * time.Minute}[d.below(3)]
	p.SlackAfter = []time.Duration{0, 0, 2 * time.Hour}[d.below(3)]
	if d.oneIn(3) {
		p.EventLimit = 16 << 10
	}
	if d.oneIn(2) { // a window that no hour cares for
		p = p.withDefaults()
		p.From = p.From.Add(time.Duration(d.below(int(time.Hour))))
		p.To = p.To.Add(-time.Duration(d.below(int(30 * time.Minute))))
	}
	return p
}

// Big plans 500,000 everyday events in six hours, about 600 MB before compression.
func Big() Plan {
	return Plan{Seed: 1, Events: 500_000, Hours: 6, Writers: 8, Odds: Everyday()}
}
