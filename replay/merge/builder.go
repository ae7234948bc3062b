package merge

import (
	"context"
	"fmt"

	"replayd/archive"
)

// defaultStep is how much memory a run asks for at a time. Each worker owns one step that counts against nobody, so that
// a run can always be built, if only by spilling step after step.
const defaultStep = 1 << 20

// firstSlab is the first memory of a run; small objects are many.
const firstSlab = 8 << 10

// runSize is what a run costs beside its entries: its cursor, its object, its place in the heap.
const runSize = 512

// smallRun is the size up to which a run is trimmed.
const smallRun = 4 * firstSlab

// builder makes the run of one object.
type builder struct {
	rules  Rules
	object *Object
	budget *budget
	step   int64
	shelf  *shelf
	keep   func(*archive.Entry) (bool, error) // the filter

	bound   bound
	outside int64
	last    int64 // largest merge time of an entry in the window

	entries []entry
	slab    []byte // its tail is free
	held    int64  // bytes of entries and slabs
	granted int64  // bytes of the budget that this run holds
	spill   *spill // nil until something did not fit
}

// build reads object o to its end and returns its run.
func build(ctx context.Context, r *archive.Reader, b builder) (cursor, error) {
	b.bound = newBound(b.object.Bound, b.rules.Lateness)
	b.last = b.object.Bound
	length, err := r.Each(ctx, b.object.Object, b.add)
	if err == nil {
		err = b.put(b.end(length), nil)
	}
	if err != nil {
		b.abandon()
		return nil, err
	}
	return b.finish()
}

// add takes the next entry of the object.
func (b *builder) add(e *archive.Entry) error {
	in := b.rules.inWindow(e)
	if e.Bad != "" {
		in = b.object.BadInWindow
	}
	if !in {
		b.outside++
		return nil
	}
	out := entry{
		eventTime: e.Time, offset: e.Offset, index: e.Index, length: e.Length,
		idHash: e.IDHash, body: e.Body, key: -1, id: -1,
	}
	out.time, out.flags = b.rules.place(e, &b.bound)
	b.last = max(b.last, out.time)
	if e.Bad != "" {
		out.kind, out.value = Bad, int32(len(e.Bad))
		return b.put(out, []byte(e.Bad), []byte(e.Detail))
	}
	if e.ID == nil {
		out.flags |= NoID
	}
	if e.Arrival != 0 && !b.rules.NoTime {
		out.delay = e.Arrival - e.Time
	}
	out.slackShort = b.object.slackShort(e.Time, b.rules)
	switch keep, err := b.keep(e); {
	case err != nil:
		out.filter, out.value = Unjudged, int32(len(err.Error()))
		return b.put(out, []byte(err.Error()))
	case !keep:
		out.filter = Dropped
		return b.put(out)
	}
	out.value = int32(len(e.Value))
	if e.Key != nil {
		out.key = int32(len(e.Key))
	}
	if e.ID != nil {
		out.id = int32(len(e.ID))
	}
	return b.put(out, e.Value, e.Key, e.ID)
}

// end is the object's last entry: behind all others, in time and address.
func (b *builder) end(length int64) entry {
	return entry{
		kind: End, time: b.last, offset: length, index: archive.EndIndex, outside: b.outside,
		key: -1, id: -1,
	}
}

// put keeps e with its data, spilling what is there first if the budget does not hold it.
func (b *builder) put(e entry, data ...[]byte) error {
	size := int64(0)
	for _, d := range data {
		size += int64(len(d))
	}
	if err := b.reserve(size + entrySize); err != nil {
		return err
	}
	if int64(cap(b.slab)-len(b.slab)) < size {
		b.slab = make([]byte, 0, max(size, min(b.step/4, max(b.held, firstSlab))))
	}
	start := len(b.slab)
	for _, d := range data {
		b.slab = append(b.slab, d...)
	}
	e.data = b.slab[start:len(b.slab):len(b.slab)]
	b.entries = append(b.entries, e)
	b.held += size + entrySize
	return nil
}

func (b *builder) reserve(n int64) error {
	for b.held+n > b.granted+b.step {
		if b.budget.take(b.step) {
			b.granted += b.step
			continue
		}
		if b.held == 0 {
			return nil // one entry larger than a step: it passes alone
		}
		if err := b.flush(); err != nil {
			return err
		}
	}
	return nil
}

// flush moves the entries held to disk, as one sorted part.
func (b *builder) flush() error {
	if b.spill == nil {
		b.spill = &spill{shelf: b.shelf}
	}
	sortEntries(b.entries)
	if err := b.spill.write(b.entries); err != nil {
		return fmt.Errorf("spill object %s: %w", archive.Printable(b.object.Key), err)
	}
	clear(b.entries)
	b.entries, b.slab, b.held = b.entries[:0], b.slab[:0], 0
	return nil
}

func (b *builder) finish() (cursor, error) {
	b.held += runSize
	if b.spill == nil && b.answer() {
		b.trim()
		sortEntries(b.entries)
		granted := b.granted
		return newResident(b.object, b.entries, func() { b.budget.give(granted) }), nil
	}
	err := b.flush()
	b.budget.give(b.granted)
	if err != nil {
		if b.spill != nil {
			b.spill.close()
		}
		return nil, err
	}
	return b.spill.run(b.object)
}

// trim moves the entries of a small run into memory of just their size. What slabs have to spare is nothing beside a large
// run; beside 50,000 small ones it would be more than they hold.
func (b *builder) trim() {
	if b.held > smallRun {
		return
	}
	size := 0
	for i := range b.entries {
		size += len(b.entries[i].data)
	}
	slab := make([]byte, 0, size)
	entries := make([]entry, len(b.entries))
	for i, e := range b.entries {
		start := len(slab)
		slab = append(slab, e.data...)
		e.data = slab[start:len(slab):len(slab)]
		entries[i] = e
	}
	b.entries, b.slab = entries, slab
}

// answer makes the budget answer for all that a resident run holds: from here on the worker's own step serves the next.
func (b *builder) answer() bool {
	short := b.held - b.granted
	if short > 0 && !b.budget.take(short) {
		return false
	}
	b.granted += max(0, short)
	return true
}

func (b *builder) abandon() {
	b.budget.give(b.granted)
	if b.spill != nil {
		b.spill.close()
	}
}

// slackShort reports whether an in-window event at time t hints that more such events lie outside what was listed: it is
// so far from its object that others may be in objects beyond the outermost hour.
func (o *Object) slackShort(t int64, r Rules) bool {
	return o.Outermost && !r.NoTime && max(o.Around[0]-t, t-o.Around[1]) > o.Reach
}
