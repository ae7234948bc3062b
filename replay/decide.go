package replay

import (
	"fmt"
	"math"
	"slices"

	"replayd/archive"
	"replayd/replay/dedupe"
	"replayd/replay/merge"
	"replayd/replay/shelf"
)

// outcome is what becomes of an entry.
type outcome uint8

const (
	produced outcome = iota
	duplicate
	filtered
	quarantined
	ended     // the end of an object
	accounted // for by an earlier session
)

type verdict struct {
	outcome outcome
	flags   merge.Flags
	reason  string // why it is filtered or quarantined
	detail  string // for people
}

// decider judges entries in merge order. Entries outside the window were left out by the merge; the rest is decided in
// this order: bad, duplicate or conflict or without id, filter, late, produce. Late comes behind duplicates, else each
// redelivered copy would trip it.
type decider struct {
	spec  *Spec
	index *dedupe.Index

	resume  archive.Position // entries up to here are known
	resumed bool
	recall  int64 // known events from this merge time on are sighted again

	entries, bad int64  // in the window, for maxBad
	lastBad      TooBad // of this session: where and why
	maxBad       float64
	stopOn       []string
}

// badFrom is the number of entries from which on the share of bad ones is judged.
const badFrom = 1000

// newDecider returns a decider that is to be closed. Its index takes so many bytes of memory, and on what it needs beyond.
func newDecider(s *Spec, o *Options, from *Checkpoint, memory int64, on *shelf.Shelf) *decider {
	d := &decider{
		spec: s, maxBad: o.MaxBad, stopOn: o.StopOn,
		index:   dedupe.New(dedupe.Options{Horizon: s.Horizon.Std(), Memory: max(1, memory), Shelf: on}),
		resume:  from.Position,
		resumed: from.Begun,
		recall:  from.Position.Time - int64(s.Horizon),
	}
	c := &from.Counters
	d.entries, d.bad = c.Read-c.Outside, badEntries(c)
	return d
}

// badReasons are those of entries that nobody asked to hold back: bad by themselves, or beyond what the filter takes. Much
// of either says that the archive, or what it was said to be, is wrong.
var badReasons = []string{
	archive.BadCodec, archive.BadJSON, archive.BadTime, archive.BadArrival, archive.BadValue, archive.BadKey, archive.BadOversized,
	ReasonFilterError,
}

// badEntries are the entries that count for Options.MaxBad.
func badEntries(c *Counters) int64 {
	n := int64(0)
	for _, reason := range badReasons {
		n += c.QuarantinedBy[reason]
	}
	return n
}

// judge decides about it. An error stops the replay before this entry.
func (d *decider) judge(it *merge.Item) (verdict, error) {
	if d.resumed {
		if it.Compare(d.resume) <= 0 {
			return verdict{outcome: accounted}, d.recallEvent(it)
		}
		d.resumed = false
	}
	if it.Kind == merge.End {
		return verdict{outcome: ended}, nil
	}
	if it.Kind == merge.Bad {
		v := verdict{outcome: quarantined, reason: it.Reason, detail: it.Detail}
		if err := d.count(it, v); err != nil {
			return v, err
		}
		return v, d.stops(StopOnBad, it, "a bad entry ("+it.Reason+")")
	}
	return d.event(it)
}

// warmed is for how many items the index is warmed at a time.
const warmed = 32

// warm readies the index for items.
func (d *decider) warm(items []merge.Item) {
	if !d.spec.Dedupe {
		return
	}
	ids := make([]archive.Hash, 0, warmed)
	for i := range items {
		if items[i].Kind == merge.Event && d.dedupes(&items[i]) {
			ids = append(ids, items[i].IDHash)
		}
	}
	d.index.Warm(ids)
}

// event decides about an event. An error leaves the index as it was: a session that goes on decides about it anew.
func (d *decider) event(it *merge.Item) (verdict, error) {
	v := verdict{outcome: produced, flags: it.Flags}
	if d.dedupes(it) {
		sighted, err := d.index.Look(it.IDHash, it.Body, it.Time)
		if err != nil {
			return v, err
		}
		switch sighted {
		case dedupe.Duplicate:
			v.outcome, v.flags = duplicate, 0
			if err := d.count(it, v); err != nil {
				return v, err
			}
			return v, d.index.Insert(it.IDHash, it.Body, it.Time)
		case dedupe.Conflict:
			v.flags |= merge.Conflict
		}
	}
	if err := d.apply(&v, it); err != nil {
		return v, err
	}
	if err := d.count(it, v); err != nil {
		return v, err
	}
	if d.dedupes(it) {
		return v, d.index.Insert(it.IDHash, it.Body, it.Time)
	}
	return v, nil
}

// apply applies the policies to an event that is no duplicate; the first that holds it back decides.
func (d *decider) apply(v *verdict, it *merge.Item) error {
	if v.flags == 0 && it.Filter == merge.Kept { // as nearly all are
		return nil
	}
	p := &d.spec.Policies
	for _, c := range []struct {
		holds        bool
		choice, stop string
		reason, what string
	}{
		{v.flags&merge.Conflict != 0, p.OnConflict, StopOnConflict, ReasonConflict, "an event in conflict with an earlier one"},
		{v.flags&merge.NoID != 0, p.OnMissingID, StopOnMissingID, ReasonNoID, "an event without id"},
		{it.Filter == merge.Unjudged, Quarantine, StopOnBad, ReasonFilterError, "an event on which the filter fails (" + it.Detail + ")"},
		{it.Filter == merge.Dropped, Drop, "", ReasonFilter, ""},
		{v.flags&merge.Late != 0, p.OnLate, StopOnLate, ReasonLate, "a late event"},
	} {
		if !c.holds {
			continue
		}
		if err := d.stops(c.stop, it, c.what); err != nil {
			return err
		}
		switch c.choice {
		case Drop:
			v.outcome, v.reason = filtered, c.reason
			return nil
		case Quarantine:
			v.outcome, v.reason, v.detail = quarantined, c.reason, it.Detail
			return nil
		}
	}
	return nil
}

// stops is the error that ends the session before it, if choice says so.
func (d *decider) stops(choice string, it *merge.Item, what string) error {
	if !slices.Contains(d.stopOn, choice) {
		return nil
	}
	return &StoppedOn{Choice: choice, what: what, at: it.Position}
}

// recallEvent puts an event that an earlier session has accounted for back into the index.
func (d *decider) recallEvent(it *merge.Item) error {
	if it.Kind == merge.Event && it.Time >= d.recall && d.dedupes(it) {
		return d.index.Insert(it.IDHash, it.Body, it.Time)
	}
	return nil
}

func (d *decider) dedupes(it *merge.Item) bool { return d.spec.Dedupe && it.Flags&merge.NoID == 0 }

// count judges the share of bad entries, this one included.
func (d *decider) count(it *merge.Item, v verdict) error {
	entries, bad := d.entries+1, d.bad
	if v.outcome == quarantined && slices.Contains(badReasons, v.reason) {
		bad++
		d.lastBad = TooBad{at: it.Position, Reason: v.reason, detail: v.detail}
	}
	if entries >= badFrom && float64(bad) > d.maxBad*float64(entries) {
		too := d.lastBad
		too.bad, too.entries, too.share = bad, entries, d.maxBad
		return &too
	}
	d.entries, d.bad = entries, bad
	return nil
}

// TooBad stops a replay of which more is bad than Options.MaxBad. Continued with the same share it stops again.
type TooBad struct {
	Reason       string // of the last bad entry; empty when this session met none
	detail       string
	at           archive.Position
	bad, entries int64
	share        float64
}

// Next is what can be done, for people; goesOn is the command that continues the replay.
func (t *TooBad) Next(goesOn string) string {
	switch most := t.percent(); {
	case most < 100: // with less it would stop at the same entry
		return fmt.Sprintf("Continue with: %s --max-bad=%d%%", goesOn, most)
	case t.Reason == ReasonFilterError: // the filter is frozen
		return "The filter fails on what it compares with nothing (event.n != nil && event.n > 5 does not): mend --filter, and start again under another --id"
	}
	// half of it or more; to let all of it pass would be no advice
	return "So much is seldom the archive's fault: see --preset, --format, --event-time and --event-id, and start again under another --id"
}

// percent is a share under which the replay would go on: twice what was met.
func (t *TooBad) percent() int64 { return min(100, 1+200*t.bad/t.entries) }

func (t *TooBad) Error() string {
	text := fmt.Sprintf("%d of the first %d entries are bad, more than the %g %% of --max-bad", t.bad, t.entries, math.Round(t.share*1e8)/1e6)
	if t.Reason == "" {
		return text
	}
	text += fmt.Sprintf("; the last of them, at byte %d of object %s: %s", t.at.Offset, archive.Printable(t.at.Object), t.Reason)
	if t.detail != "" {
		text += ": " + t.detail
	}
	return text
}
