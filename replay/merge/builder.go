package merge

import (
	"context"
	"fmt"
	"slices"

	"replayd/archive"
	"replayd/replay/shelf"
)

// defaultStep is how much memory a run asks for at a time. Each worker owns one step that counts against nobody, so that
// a run can always be built, if only by spilling step after step.
const defaultStep = 1 << 20

// slabsInStep is how many slabs a step holds: one is read into while another is copied from, and there are entries.
const slabsInStep = 4

// firstText is the first page for keys and ids; small objects are many.
const (
	firstText   = 512
	largestText = 16 << 10
)

// runSize is what a run costs beside its entries: its cursor, its object, its place in the heap.
const runSize = 512

// smallRun is the size up to which a run is trimmed.
const smallRun = 32 << 10

// builder makes the run of one object. It gives the scanner the slabs that become the pages of the run.
type builder struct {
	rules  Rules
	object *Object
	budget *budget
	step   int64
	shelf  *shelf.Shelf
	pool   *pool
	press  *press
	keep   func(*archive.Entry) (bool, error) // the filter

	bound   bound
	outside int64
	last    int64 // largest merge time of an entry in the window

	entries []entry
	pages   pages
	slab    int      // page that the scanner reads into; -1 before it does
	inSlab  int      // entries in it
	text    int      // page that keys and ids are copied to; -1: none
	leaving []byte   // the scanner may still copy from it, up to its next slab
	spare   [][]byte // pages that nobody reads any more
	held    int64    // bytes of entries and pages, of spare ones too
	granted int64    // bytes of the budget that this run holds
	spill   *spill   // nil until something did not fit
}

var _ archive.Slabs = (*builder)(nil)

// build reads object o to its end and returns its run.
func build(ctx context.Context, r *archive.Reader, b builder) (cursor, error) {
	b.bound = newBound(b.object.Bound, b.rules.Lateness)
	b.last, b.slab, b.text = b.object.Bound, -1, -1
	length, err := r.Each(ctx, b.object.Object, &b, b.add)
	if err == nil {
		err = b.put(b.end(length))
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
		idHash: e.IDHash, body: e.Body, sum: e.Sum, key: -1, id: -1,
	}
	out.time, out.flags = b.rules.place(e, &b.bound)
	b.last = max(b.last, out.time)
	if e.Bad != "" {
		out.kind = Bad
		return b.putText(out, []byte(e.Bad), []byte(e.Detail))
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
		out.filter = Unjudged
		return b.putText(out, []byte(err.Error()), nil)
	case !keep:
		out.filter = Dropped
		return b.put(out)
	}
	return b.putEvent(out, e)
}

// end is the object's last entry: behind all others, in time and address.
func (b *builder) end(length int64) entry {
	return entry{
		kind: End, time: b.last, offset: length, index: archive.EndIndex, outside: b.outside,
		key: -1, id: -1,
	}
}

// putEvent keeps out with the value, key and id of e.
func (b *builder) putEvent(out entry, e *archive.Entry) error {
	size := len(e.Key) + len(e.ID)
	if !e.InSlab {
		size += len(e.Value)
	}
	if err := b.roomFor(size); err != nil {
		return err
	}
	if e.InSlab {
		out.value = ref{page: uint32(b.slab), at: uint32(e.At), n: int32(len(e.Value))}
		b.inSlab++
	} else {
		out.value = b.copy(e.Value)
	}
	out.text = b.copy(e.Key, e.ID)
	if e.Key != nil {
		out.key = int32(len(e.Key))
	}
	if e.ID != nil {
		out.id = int32(len(e.ID))
	}
	b.entries = append(b.entries, out)
	return nil
}

// putText keeps out with what is to be told of it.
func (b *builder) putText(out entry, value, text []byte) error {
	if err := b.roomFor(len(value) + len(text)); err != nil {
		return err
	}
	out.value, out.text = b.copy(value), b.copy(text)
	b.entries = append(b.entries, out)
	return nil
}

// put keeps an entry without data.
func (b *builder) put(out entry) error {
	if err := b.roomFor(0); err != nil {
		return err
	}
	b.entries = append(b.entries, out)
	return nil
}

// roomFor makes room for an entry and n bytes that are copied with it.
func (b *builder) roomFor(n int) error {
	if err := b.reserve(int64(b.textSize(n)) + entrySize); err != nil {
		return err
	}
	b.held += entrySize
	if size := b.textSize(n); size > 0 {
		b.held += int64(size)
		b.text = len(b.pages)
		b.pages = append(b.pages, make([]byte, 0, size))
	}
	return nil
}

// textSize is how large a new page for n bytes must be; 0 when they fit into the one that is there.
func (b *builder) textSize(n int) int {
	switch {
	case n == 0:
		return 0
	case b.text < 0:
		return max(n, firstText)
	}
	page := b.pages[b.text]
	if n <= cap(page)-len(page) {
		return 0
	}
	return max(n, min(2*cap(page), largestText))
}

// copy puts the parts behind one another into the page of texts, where there is room.
func (b *builder) copy(parts ...[]byte) ref {
	if b.text < 0 {
		return ref{}
	}
	page := b.pages[b.text]
	from := len(page)
	for _, p := range parts {
		page = append(page, p...)
	}
	b.pages[b.text] = page
	return ref{page: uint32(b.text), at: uint32(from), n: int32(len(page) - from)}
}

// Slab implements archive.Slabs.
func (b *builder) Slab(n int) ([]byte, error) {
	if b.leaving != nil {
		b.spare, b.leaving = append(b.spare, b.leaving), nil
	}
	slab, err := b.nextSlab(n)
	if err != nil {
		return nil, err
	}
	if b.slab >= 0 && b.inSlab == 0 { // nothing of it was kept
		b.leaving, b.pages[b.slab] = b.pages[b.slab], slab
		return slab, nil
	}
	b.slab, b.inSlab = len(b.pages), 0
	b.pages = append(b.pages, slab)
	return slab, nil
}

func (b *builder) nextSlab(n int) ([]byte, error) {
	if slab := b.reuse(n); slab != nil {
		return slab, nil
	}
	size := max(n, b.slabSize())
	if err := b.reserve(int64(size)); err != nil {
		return nil, err
	}
	if slab := b.reuse(n); slab != nil { // of what was spilled
		return slab, nil
	}
	b.held += int64(size)
	if size == b.pool.size {
		if slab := b.pool.get(); slab != nil {
			return slab, nil
		}
	}
	return make([]byte, size), nil
}

// slabSize is how large the next slab should be: first one for all of an object that is not compressed, if it is small.
func (b *builder) slabSize() int {
	const room = 16 // to see that nothing follows
	if b.slab < 0 {
		return int(min(b.object.Size+room, int64(b.pool.size)))
	}
	return min(2*len(b.pages[b.slab]), b.pool.size)
}

// reuse is a spare page of n bytes at least, nil when there is none.
func (b *builder) reuse(n int) []byte {
	for i, page := range b.spare {
		if cap(page) >= n {
			b.spare[i] = b.spare[len(b.spare)-1]
			b.spare = b.spare[:len(b.spare)-1]
			return page[:cap(page)]
		}
	}
	return nil
}

// reserve makes sure that n more bytes may be held, spilling what is there if the budget does not hold them.
func (b *builder) reserve(n int64) error {
	for b.held+n > b.granted+b.step {
		if b.budget.take(b.step) {
			b.granted += b.step
			continue
		}
		if len(b.entries) == 0 {
			return nil // one entry larger than a step: it passes alone
		}
		if err := b.flush(); err != nil {
			return err
		}
	}
	return nil
}

// flush moves the entries held to disk, as one sorted part. Of the pages the one that is read into stays.
func (b *builder) flush() error {
	if b.spill == nil {
		b.spill = newSpill(b.shelf)
	}
	if err := b.spill.write(b.press, b.entries, b.pages); err != nil {
		return fmt.Errorf("spill object %s: %w", archive.Printable(b.object.Key), err)
	}
	b.entries = b.entries[:0]
	b.clear()
	return nil
}

// clear makes spare what the entries pointed into, as far as it is of use again.
func (b *builder) clear() {
	var kept pages
	b.held = int64(cap(b.leaving))
	for i, page := range b.pages {
		switch {
		case i == b.slab:
			kept = append(kept, page)
			b.held += int64(cap(page))
		case i != b.text && len(b.spare) == 0:
			b.spare = append(b.spare, page)
		}
	}
	for _, page := range b.spare {
		b.held += int64(cap(page))
	}
	b.pages, b.text, b.inSlab = kept, -1, 0
	if b.slab >= 0 {
		b.slab = 0
	}
}

func (b *builder) finish() (cursor, error) {
	b.held += runSize
	if b.spill == nil && b.held <= smallRun {
		b.trim()
	}
	if b.spill == nil && b.answer() {
		b.object.release = b.release()
		return newResident(b.object, b.entries, b.pages), nil
	}
	err := b.flush()
	b.budget.give(b.granted)
	if err != nil {
		if b.spill != nil {
			b.spill.close()
		}
		return nil, err
	}
	b.pool.put(slices.Concat(b.pages, b.spare))
	return b.spill.run(b.object)
}

// release gives back what a resident run holds.
func (b *builder) release() func(again bool) {
	budget, granted, pool, list := b.budget, b.granted, b.pool, slices.Concat(b.pages, b.spare)
	return func(again bool) {
		if again {
			pool.put(list)
		}
		budget.give(granted)
	}
}

// trim moves the entries of a small run into memory of just their size. What pages have to spare is nothing beside a large
// run; beside 50,000 small ones it would be more than they hold.
func (b *builder) trim() {
	size := 0
	for i := range b.entries {
		size += int(b.entries[i].value.n + b.entries[i].text.n)
	}
	page := make([]byte, 0, size)
	entries := make([]entry, len(b.entries))
	for i, e := range b.entries {
		for _, r := range []*ref{&e.value, &e.text} {
			if r.n == 0 {
				*r = ref{}
				continue
			}
			from := len(page)
			page = append(page, b.pages.of(*r)...)
			*r = ref{at: uint32(from), n: r.n}
		}
		entries[i] = e
	}
	b.entries, b.pages, b.spare, b.leaving = entries, pages{page}, nil, nil
	b.held = int64(size) + int64(len(entries))*entrySize + runSize
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
