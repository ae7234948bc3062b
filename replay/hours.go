package replay

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"unicode/utf8"

	"replayd/archive"
	"replayd/replay/merge"
)

// hours lists the archive for the merge, hour by hour, and keeps the record of what was listed: a session must find what
// the sessions before it found, or say so.
type hours struct {
	spec    *Spec
	rules   merge.Rules
	fetcher *archive.Fetcher
	layout  archive.Layout
	allow   Allowed

	mu       sync.Mutex     // the merge lists while the pipeline accounts
	list     []archive.Hour // all that the spec asks for
	next     int            // of list, to be given to the merge
	resume   Checkpoint
	resumed  bool
	records  map[string]HourRecord // durable
	listings map[string]*listing   // listed in this session and not yet forgotten
	order    []*listing            // of listings, in the order of hours
	drained  []HourRecord          // that a resume might still have to list
	planned  map[string]Listed     // hours that no session has recorded, as they were when the plan was compared; nil: it was not
	held     bool                  // the session is held to a plan
	changed  bool                  // objects were admitted that earlier sessions did not see
}

// listing is an hour whose objects this session knows.
type listing struct {
	hour    archive.Hour
	objects []archive.Object
	record  HourRecord
	lower   int64            // opening bounds of its objects are not below this
	given   bool             // the merge has its objects
	written bool             // the record is durable or in a chunk
	gap     bool             // an earlier session counted it as one
	unended int              // objects given whose end has not passed
	last    int64            // merge time of the last end that passed
	ends    map[string]int64 // of each object given; notEnded before
}

const notEnded = math.MaxInt64

// rules are the spec's words in the merge's.
func (s *Spec) rules() merge.Rules {
	r := merge.Rules{
		Arrival: s.Window.On == OnArrival, NoTime: s.Fields.Time == archive.None, Lateness: int64(s.Lateness),
	}
	if s.Window.Bounded() {
		r.From, r.To = s.Window.From.UnixNano(), s.Window.To.UnixNano()
	}
	return r
}

func newHours(s *Spec, src archive.Source, f *archive.Fetcher, d Durable, allow Allowed) *hours {
	h := &hours{
		spec: s, rules: s.rules(), fetcher: f, layout: src.Layout, allow: allow,
		resume: d.Checkpoint, resumed: d.Resumed, records: d.Hours, listings: map[string]*listing{},
	}
	h.list = src.Layout.Hours(s.Window.From.Add(-s.Before.Std()), s.Window.To.Add(s.After.Std()))
	return h
}

// incomplete reports whether hour may still have grown when the replay was first started.
func (s *Spec) incomplete(hour archive.Hour) bool {
	return hour.Bounded() && hour.To.Add(s.Settle.Std()).After(s.AsOf)
}

// Reads reports whether a replay of s reads an object that is listed in hour: of one that may still have grown when the
// replay was first started, it reads what was there then.
func (s *Spec) Reads(hour archive.Hour, o archive.Object) bool {
	return !archive.Ignored(o.Key) && !(s.incomplete(hour) && o.Modified.After(s.AsOf))
}

func (h *hours) ofWindow(hour archive.Hour) bool {
	return hour.Bounded() && hour.From.Before(h.spec.Window.To) && hour.To.After(h.spec.Window.From)
}

// OpenHours is the refusal that s would meet for hours of its window that the archive may still be adding to; nil when
// there are none.
func OpenHours(s *Spec, l archive.Layout) *Refusal {
	h := newHours(s, archive.Source{Layout: l}, nil, Durable{}, nil)
	_, err := h.open()
	var refusal *Refusal
	_ = errors.As(err, &refusal)
	return refusal
}

// maxOpenHours bounds the checkpoint, as maxGaps does.
const maxOpenHours = 1000

// openHours notes in a checkpoint the hours that were incomplete at the first start.
func (c *Checkpoint) openHours(names []string) {
	n := min(len(names), maxOpenHours)
	c.OpenHours, c.OpenHoursMore = names[:n], len(names)-n
}

// open tells which hours were incomplete at the first start, and refuses those of the window.
func (h *hours) open() ([]string, error) {
	var all, refused []string
	for _, hour := range h.list {
		if !h.spec.incomplete(hour) {
			continue
		}
		all = append(all, hour.Name)
		if h.ofWindow(hour) {
			refused = append(refused, hour.Name)
		}
	}
	if len(refused) == 0 || h.allow.Has(ItemOpenHours) || h.resumed {
		return all, nil
	}
	return nil, &Refusal{
		Item: ItemOpenHours,
		What: fmt.Sprintf("the archive may still be adding to %s of the window: an hour counts as complete %s after its end",
			Few(refused), h.spec.Settle),
		Next: "Wait, or end the window earlier with --to, or --allow open-hours to replay what is there now.",
	}
}

// check lists the hours that earlier sessions depended on and refuses when they are not what they were.
func (h *hours) check(ctx context.Context) error {
	for _, hour := range h.list {
		if _, recorded := h.records[hour.Name]; !recorded || h.forgotten(hour) {
			continue
		}
		if _, err := h.listHour(ctx, hour); err != nil {
			return err
		}
	}
	return nil
}

// forgotten reports whether an hour ended so long before the checkpoint that nothing of it is needed.
func (h *hours) forgotten(hour archive.Hour) bool {
	r, recorded := h.records[hour.Name]
	return recorded && h.outlived(r, &h.resume)
}

// lower is the least opening bound that an object of hour can have.
func (h *hours) lower(hour archive.Hour) int64 {
	return h.rules.Opening(0, hour.From.UnixNano(), hour.Bounded())
}

// Bound implements merge.Feed.
func (h *hours) Bound() (int64, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.next < len(h.list) && h.forgotten(h.list[h.next]) {
		h.next++
	}
	if h.next == len(h.list) {
		return 0, false
	}
	return h.lower(h.list[h.next]), true
}

// Next implements merge.Feed.
func (h *hours) Next(ctx context.Context) ([]*merge.Object, error) {
	hour := h.list[h.next] // only the merge moves on
	l, err := h.listHour(ctx, hour)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next++
	needed := l.objects
	if open := h.records[hour.Name].Open; open != nil {
		needed = slices.DeleteFunc(slices.Clone(needed), func(o archive.Object) bool {
			return !slices.Contains(open, o.Key) && l.record.LateBounds[o.Key] == 0
		})
	}
	l.given, l.objects, l.unended = true, nil, len(needed)
	objects := make([]*merge.Object, len(needed))
	for i, o := range needed {
		objects[i] = h.object(l, o, h.next-1)
		l.ends[o.Key] = notEnded
	}
	return objects, nil
}

// object is what the merge must know of o, which lies in the i-th hour.
func (h *hours) object(l *listing, o archive.Object, i int) *merge.Object {
	hour := l.hour
	named := int64(0)
	if t, ok := h.layout.Time(o.Key); ok {
		named = t.UnixNano()
	}
	m := &merge.Object{
		Object: o, Hour: hour.Name,
		Bound:       h.rules.Opening(named, hour.From.UnixNano(), hour.Bounded()),
		BadInWindow: h.badInWindow(hour),
		Around:      [2]int64{hour.From.UnixNano(), hour.To.UnixNano()},
	}
	if named != 0 {
		m.Around = [2]int64{named, named}
	}
	m.Outermost, m.Reach = h.outermost(hour, i)
	m.Bound = max(m.Bound, l.record.LateBounds[o.Key])
	return m
}

// outermost reports whether the i-th hour is the first or last that is listed, and half the slack on its side.
func (h *hours) outermost(hour archive.Hour, i int) (bool, int64) {
	first, last := i == 0, i == len(h.list)-1
	before, after := int64(h.spec.Before)/2, int64(h.spec.After)/2
	switch {
	case !hour.Bounded():
		return false, 0
	case first && last:
		return true, min(before, after)
	case first:
		return true, before
	}
	return last, after
}

// badInWindow reports whether entries without a usable time belong to the window: iff their hour, widened by the
// lateness, meets it. By their bound alone a corrupt object of the window's first minutes would lie outside.
func (h *hours) badInWindow(hour archive.Hour) bool {
	if !hour.Bounded() || !h.spec.Window.Bounded() {
		return true
	}
	late := h.spec.Lateness.Std()
	return hour.From.Add(-late).Before(h.spec.Window.To) && hour.To.Add(late).After(h.spec.Window.From)
}

// listHour lists hour, once a session, and compares it with what earlier sessions found.
func (h *hours) listHour(ctx context.Context, hour archive.Hour) (*listing, error) {
	if l := h.listing(hour.Name); l != nil {
		return l, nil
	}
	objects, err := h.fetch(ctx, hour)
	if err != nil {
		return nil, err
	}
	l := &listing{
		hour: hour, objects: objects, lower: h.lower(hour), ends: map[string]int64{},
		record: newHourRecord(hour.Name, objects),
	}
	if !h.held { // what it holds may be what nobody planned: by it no later session is held to the plan
		l.record.Sum = nil
	}
	if old, recorded := h.records[hour.Name]; recorded {
		l.written, l.gap = true, old.Objects == 0 && h.ofWindow(hour)
		err = h.compare(l, old)
	} else {
		err = h.hourAsPlanned(l)
	}
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listings[hour.Name] = l
	h.order = append(h.order, l)
	return l, nil
}

func (h *hours) listing(hour string) *listing {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.listings[hour]
}

// maxKey is the longest name of an object in bytes: S3 takes no longer ones, and the room for headers holds it.
const maxKey = 1024

// nameable reports whether positions, headers and hour records can hold key.
func nameable(key string) error {
	switch {
	case !utf8.ValidString(key):
		return errors.New("is not valid UTF-8")
	case len(key) > maxKey:
		return fmt.Errorf("has %d bytes, at most %d are supported", len(key), maxKey)
	}
	return nil
}

func (h *hours) fetch(ctx context.Context, hour archive.Hour) ([]archive.Object, error) {
	var objects []archive.Object
	err := h.each(ctx, hour, func(o archive.Object) error {
		objects = append(objects, o)
		return nil
	})
	return objects, err
}

// each gives take the objects of hour that a replay reads, as they are listed.
func (h *hours) each(ctx context.Context, hour archive.Hour, take func(archive.Object) error) error {
	for o, err := range h.fetcher.List(ctx, hour.Prefix) {
		if err != nil {
			return fmt.Errorf("list hour %s: %w", hour.Name, err)
		}
		if !h.spec.Reads(hour, o) {
			continue
		}
		if err := nameable(o.Key); err != nil {
			return &archive.Permanent{
				Err:  fmt.Errorf("list hour %s: the name of object %q %w", hour.Name, o.Key, err),
				Cure: "Rename it, or take it out of the archive's folder",
			}
		}
		if err := take(o); err != nil {
			return err
		}
	}
	return nil
}

// ended notes that an object's last entry was accounted for.
func (h *hours) ended(it *merge.Item) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.listings[it.Object.Hour]
	l.unended--
	l.last = max(l.last, it.Time)
	l.ends[it.Object.Key] = it.Time
}

// changes returns the hour records that account, the next checkpoint, depends on and that are not durable yet. An hour
// is recorded as soon as the account has passed the least bound of its objects, even when it is empty: an object
// that appeared in it later would be taken for accounted. all says that the account has passed every hour.
func (h *hours) changes(account *Checkpoint, all bool) []HourRecord {
	h.mu.Lock()
	defer h.mu.Unlock()
	var changed []HourRecord
	keep := h.order[:0]
	for _, l := range h.order {
		if r, ok := l.change(h, account, all); ok {
			changed = append(changed, r)
		}
		if l.record.DrainedAt != nil {
			h.drained = append(h.drained, l.record)
			delete(h.listings, l.hour.Name)
			continue
		}
		keep = append(keep, l)
	}
	clear(h.order[len(keep):])
	h.order = keep
	return append(changed, h.forget(account)...)
}

// forget returns the records of drained hours that no session will list again, without what only a listing is held
// against: what a session has to read when it begins must not grow with the window.
func (h *hours) forget(account *Checkpoint) []HourRecord {
	var forgotten []HourRecord
	h.drained = slices.DeleteFunc(h.drained, func(r HourRecord) bool {
		if !h.outlived(r, account) {
			return false
		}
		if r.Listed != nil || r.LateBounds != nil {
			r.Listed, r.LateBounds = nil, nil
			forgotten = append(forgotten, r)
		}
		return true
	})
	return forgotten
}

// outlived reports whether an hour drained so long before a checkpoint that a session which begins there needs nothing
// of it.
func (h *hours) outlived(r HourRecord, c *Checkpoint) bool {
	return r.DrainedAt != nil && *r.DrainedAt < c.Position.Time-int64(h.spec.Horizon)
}

func (l *listing) change(h *hours, account *Checkpoint, all bool) (HourRecord, bool) {
	passed := all || account.Begun && l.lower <= account.Position.Time
	if !passed || !l.given {
		return HourRecord{}, false
	}
	switch {
	case l.written:
	case l.gap: // until objects were admitted to it
		account.Counters.noGap(l.hour.Label())
	case l.record.Objects == 0 && h.ofWindow(l.hour):
		account.Counters.gap(l.hour.Label())
	}
	changed := !l.written
	if l.unended == 0 {
		at := max(l.last, l.lower)
		l.record.DrainedAt, l.record.Open = &at, nil
		changed = true
	} else if l.shrink(account.Position.Time - int64(h.spec.Horizon)) {
		changed = true
	}
	l.written = true
	return l.record, changed
}
