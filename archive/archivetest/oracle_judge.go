package archivetest

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/zeebo/xxh3"
)

// sighting is an entry of the window: as much of it as is needed to judge it.
type sighting struct {
	merge          int64 // merge time
	offset, length int64
	object         int32
	noID, unwanted bool
	fate           Fate
	flags          flags
	bad            string
	id, body, sum  xxh3.Uint128 // sum is what it adds to the digest
	part           *part
}

// Oracle judges the archive as it was planned to be replayed. Objects that were not stored yet are compressed for their
// sizes.
func (a *Archive) Oracle() *Oracle { return a.Judge(a.Plan) }

// Judge is Oracle for another way to replay the same archive. Of p count From, To, WindowOn, Lateness, Horizon,
// SlackBefore, SlackAfter and Policies, all taken as they are: change a copy of a.Plan.
func (a *Archive) Judge(p Plan) *Oracle {
	plan := a.Plan
	plan.From, plan.To, plan.WindowOn = p.From, p.To, p.WindowOn
	plan.Policies = p.Policies
	plan.Lateness, plan.Horizon, plan.SlackBefore, plan.SlackAfter = p.Lateness, p.Horizon, p.SlackBefore, p.SlackAfter

	o := &Oracle{plan: &plan, objects: listed(&plan, a.Objects), Receipt: newReceipt(&plan)}
	o.sightings = o.gather(a)
	slices.SortFunc(o.sightings, o.compare)
	o.decide()
	return o
}

func newReceipt(p *Plan) Receipt {
	return Receipt{
		WindowOn: p.WindowOn, From: p.From, To: p.To,
		SlackSeconds:  [2]int64{int64(p.SlackBefore / time.Second), int64(p.SlackAfter / time.Second)},
		QuarantinedBy: map[string]int64{}, FilteredBy: map[string]int64{}, Gaps: []string{},
	}
}

// listed are the objects that a replay reads: those of the hours that overlap [from - slack, to + slack).
func listed(p *Plan, objects []*Object) []*Object {
	from, to := p.From.Add(-p.SlackBefore), p.To.Add(p.SlackAfter)
	var list []*Object
	for _, o := range objects {
		if !o.Ignored && (o.Hour.IsZero() || overlap(o.Hour, o.Hour.Add(time.Hour), from, to)) {
			list = append(list, o)
		}
	}
	return list
}

func overlap(from, to, otherFrom, otherTo time.Time) bool {
	return from.Before(otherTo) && to.After(otherFrom)
}

// gather reads every listed object for itself: what of it lies in the window, and at which merge time.
func (o *Oracle) gather(a *Archive) []sighting {
	found := make([]*objectJudge, len(o.objects))
	numbers := make(map[*Object]int32, len(o.objects))
	for i, object := range o.objects {
		numbers[object] = int32(i)
	}
	err := a.each(o.objects, func(object *Object, press *press) error {
		if object.known.Load() == 0 {
			press.stored(object)
		}
		press.page.render.plan = o.plan
		j := newObjectJudge(o.plan, object, numbers[object])
		j.entries(press.page.lay(object).entries)
		press.page.render.plan = &a.Plan
		found[j.number] = j
		return nil
	})
	must(err)
	return o.join(found)
}

// join counts and concatenates what was found in the objects.
func (o *Oracle) join(found []*objectJudge) []sighting {
	var all []sighting
	r := &o.Receipt
	for i, j := range found {
		all = append(all, j.found...)
		r.Objects++
		r.Bytes += o.objects[i].known.Load() - 1
		r.Read += j.outside + int64(len(j.found))
		r.Outside += j.outside
		r.SlackShort += j.slackShort
		r.MaxArrivalDelay = max(r.MaxArrivalDelay, j.delay/int64(time.Second))
	}
	r.Gaps = gaps(o.plan, o.objects)
	return all
}

// compare is the order of positions: merge time, object, offset.
func (o *Oracle) compare(a, b sighting) int {
	return cmp.Or(
		cmp.Compare(a.merge, b.merge),
		strings.Compare(o.objects[a.object].Key, o.objects[b.object].Key),
		cmp.Compare(a.offset, b.offset),
	)
}

// gaps are the hours of the window without an object.
func gaps(p *Plan, objects []*Object) []string {
	list := []string{}
	if !p.hourly() {
		return list
	}
	for h := p.From.Truncate(time.Hour); h.Before(p.To); h = h.Add(time.Hour) {
		if !slices.ContainsFunc(objects, func(o *Object) bool { return o.Hour.Equal(h) }) {
			list = append(list, h.UTC().Format("2006-01-02T15"))
		}
	}
	return list
}

// decide goes through the window in merge order: bad, duplicate or conflict, then what the policies say.
func (o *Oracle) decide() {
	var digest sum
	seen := copies{horizon: int64(o.plan.Horizon)}
	for i := range o.sightings {
		s := &o.sightings[i]
		if s.bad != "" {
			s.fate = FateQuarantined
		} else if !s.noID {
			switch same, another := seen.sight(s); {
			case same:
				s.fate = FateDuplicate
			case another:
				s.flags |= flagConflict
			}
		}
		if s.fate == FateProduced {
			s.fate, s.bad = o.plan.Policies.fate(s)
		}
		o.Receipt.count(s)
		if s.fate == FateProduced {
			digest.add(s.sum)
		}
	}
	o.Receipt.Digest = digest.String()
}

// fate is what the policies make of an event that is neither bad nor a duplicate. Of two that hold it back the first of
// these decides: conflict, missing id, unwanted, late.
func (p *Policies) fate(s *sighting) (Fate, string) {
	by := map[string]Fate{"quarantine": FateQuarantined, "drop": FateFiltered} // everything else is FateProduced
	if fate := by[p.OnConflict]; fate != FateProduced && s.flags.one(flagConflict) == 1 {
		return fate, "conflict"
	}
	if fate := by[p.OnMissingID]; fate != FateProduced && s.noID {
		return fate, "no-id"
	}
	if s.unwanted {
		return FateFiltered, "filter"
	}
	if fate := by[p.OnLate]; fate != FateProduced && s.flags.one(flagLate) == 1 {
		return fate, "late"
	}
	return FateProduced, ""
}

func (r *Receipt) count(s *sighting) {
	switch s.fate {
	case FateDuplicate:
		r.Duplicates++
		return
	case FateFiltered:
		r.Filtered++
		r.FilteredBy[s.bad]++
		return
	case FateQuarantined:
		r.Quarantined++
		r.QuarantinedBy[s.bad]++
		r.QuarantinedBytes += s.length
	default:
		r.Produced++
	}
	r.Late += s.flags.one(flagLate)
	r.Conflicts += s.flags.one(flagConflict)
	r.NoID += s.flags.one(flagNoID)
}

// sum adds hashes modulo 2^128.
type sum xxh3.Uint128

func (s *sum) add(x xxh3.Uint128) {
	var carry uint64
	s.Lo, carry = bits.Add64(s.Lo, x.Lo, 0)
	s.Hi, _ = bits.Add64(s.Hi, x.Hi, carry)
}

func (s sum) String() string { return fmt.Sprintf("%016x%016x", s.Hi, s.Lo) }

// digestOf hashes what an event adds to the digest: the length of its id, the id, the value.
func digestOf(scratch []byte, e *Entry) (xxh3.Uint128, []byte) {
	scratch = binary.BigEndian.AppendUint32(scratch[:0], uint32(len(e.ID)))
	scratch = append(append(scratch, e.ID...), e.Value...)
	return xxh3.Hash128(scratch), scratch
}
