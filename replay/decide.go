package replay

import (
	"fmt"
	"math"

	"replayd/archive"
	"replayd/replay/dedupe"
	"replayd/replay/merge"
)

// outcome is what becomes of an entry.
type outcome uint8

const (
	produced outcome = iota
	duplicate
	quarantined
	ended     // the end of an object
	accounted // for by an earlier session
)

type verdict struct {
	outcome outcome
	flags   merge.Flags
}

// decider judges entries in merge order. Entries outside the window were left out by the merge; the rest is decided in
// this order: bad, duplicate or conflict, produce.
type decider struct {
	spec  *Spec
	index *dedupe.Index

	resume  archive.Position // entries up to here are known
	resumed bool
	recall  int64 // known events from this merge time on are sighted again

	entries, bad int64 // in the window, for maxBad
	maxBad       float64
}

// badFrom is the number of entries from which on the share of bad ones is judged.
const badFrom = 1000

func newDecider(s *Spec, o *Options, from *Checkpoint) *decider {
	d := &decider{
		spec: s, maxBad: o.MaxBad,
		index:   dedupe.New(dedupe.Options{Horizon: s.Horizon.Std(), BitsPerID: o.bloomBits}),
		resume:  from.Position,
		resumed: from.Begun,
		recall:  from.Position.Time - int64(s.Horizon),
	}
	c := &from.Counters
	d.entries, d.bad = c.Read-c.Outside, badEntries(c)
	return d
}

// badEntries are the entries that were bad by themselves.
func badEntries(c *Counters) int64 {
	n := int64(0)
	for _, reason := range []string{archive.BadCodec, archive.BadJSON, archive.BadTime, archive.BadArrival, archive.BadOversized} {
		n += c.QuarantinedBy[reason]
	}
	return n
}

// judge decides about it. An error stops the replay before this entry.
func (d *decider) judge(it *merge.Item) (verdict, error) {
	if d.resumed {
		if it.Compare(d.resume) <= 0 {
			d.recallEvent(it)
			return verdict{outcome: accounted}, nil
		}
		d.resumed = false
	}
	if it.Kind == merge.End {
		return verdict{outcome: ended}, nil
	}
	if err := d.count(it); err != nil {
		return verdict{}, err
	}
	if it.Kind == merge.Bad {
		return verdict{outcome: quarantined}, nil
	}
	return d.sight(it), nil
}

func (d *decider) sight(it *merge.Item) verdict {
	if !d.dedupes(it) {
		return verdict{produced, it.Flags}
	}
	switch d.index.Sight(it.IDHash, it.Body, it.Time) {
	case dedupe.Duplicate:
		return verdict{outcome: duplicate}
	case dedupe.Conflict:
		return verdict{produced, it.Flags | merge.Conflict}
	}
	return verdict{produced, it.Flags}
}

// recallEvent puts an event that an earlier session has accounted for back into the index.
func (d *decider) recallEvent(it *merge.Item) {
	if it.Kind == merge.Event && it.Time >= d.recall && d.dedupes(it) {
		d.index.Insert(it.IDHash, it.Body, it.Time)
	}
}

func (d *decider) dedupes(it *merge.Item) bool { return d.spec.Dedupe && it.Flags&merge.NoID == 0 }

// count judges the share of bad entries, this one included.
func (d *decider) count(it *merge.Item) error {
	entries, bad := d.entries+1, d.bad
	if it.Kind == merge.Bad {
		bad++
	}
	if entries >= badFrom && float64(bad) > d.maxBad*float64(entries) {
		return &TooBad{it: it.Position, reason: it.Reason, detail: it.Detail, bad: bad, entries: entries, share: d.maxBad}
	}
	d.entries, d.bad = entries, bad
	return nil
}

// TooBad stops a replay of which more is bad than Options.MaxBad. Continued with the same share it stops again.
type TooBad struct {
	it             archive.Position
	reason, detail string
	bad, entries   int64
	share          float64
}

// Percent is a share under which the replay would go on: twice what was met.
func (t *TooBad) Percent() int64 { return min(100, 1+200*t.bad/t.entries) }

func (t *TooBad) Error() string {
	what := t.reason
	if t.detail != "" {
		what += ": " + t.detail
	}
	return fmt.Sprintf("%d of the first %d entries are bad, more than the %g %% of --max-bad; the last of them, at byte %d of object %s: %s",
		t.bad, t.entries, math.Round(t.share*1e8)/1e6, t.it.Offset, t.it.Object, what)
}
