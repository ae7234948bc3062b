package merge

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"replayd/archive"
	"replayd/replay/shelf"
)

// defaultStep is how much memory a run asks for at a time. Each worker has one step of its own, beside Config.Memory, so that
// a run can always be built, if only by spilling step after step.
const defaultStep = 1 << 20

// defaultPart is how much of a run is packed at a time to be spilled.
const defaultPart = 256 << 10

// slabsInStep is how many slabs a step holds: one is read into while another is copied from, and there are entries.
const slabsInStep = 4

// runSize is what a run costs beside its entries: its cursor, its object, its place in the heap.
const runSize = 512

// smallRun is the size up to which a run is trimmed.
const smallRun = 32 << 10

// builder makes the run of one object. It gives the scanner the slabs that become the pages of the run.
type builder struct {
	placing
	store
	delivery *delivery
	reader   *archive.Reader
	opened   *archive.Ahead // object, which build closes
	budget   *budget
	step     int64
	shelf    *shelf.Shelf
	desk     *desk
	pool     *pool
	press    *press
	streams  *streams

	leaving []byte   // the scanner may still copy from it, up to its next slab
	spare   [][]byte // pages that nobody reads any more
	held    int64    // bytes of entries and pages, of spare ones too
	granted int64    // bytes of the budget that this run holds
	spill   *spill   // nil until something did not fit
	stream  int64    // size of the stream that the run becomes; 0 until something did not fit
}

var _ archive.Slabs = (*builder)(nil)

// build reads an object to its end and returns its run.
func build(ctx context.Context, b builder) (cursor, error) {
	again := b
	run, err := b.build(ctx)
	if errors.Is(err, errNoStream) {
		again.ordered, again.opened = false, again.reader.Open(ctx, again.object.Object)
		run, err = again.build(ctx)
		b.object.fitting.twice = true
	}
	return run, err
}

// errNoStream says that what was begun as a stream cannot be one: it must be read again, to be spilled.
var errNoStream = errors.New("an object cannot be read while it is merged")

func (b *builder) build(ctx context.Context) (cursor, error) {
	length, err := b.reader.EachOf(body{b.opened, b.delivery}, b.object.Object, b, b.add)
	if err == nil && b.stream == 0 {
		end := b.end(length)
		err = b.put(&end, &data{inSlab: -1})
	}
	if err == nil && b.stream > 0 {
		err = b.fit()
	}
	if err != nil {
		b.abandon()
		return nil, err
	}
	b.object.fitting = fitting{size: b.size + runSize, twice: b.stream > 0}
	if b.stream > 0 {
		return b.streams.open(ctx, b.object, b.delivery, b.stream)
	}
	return b.finish()
}

// add takes the next entry of the object.
func (b *builder) add(e *archive.Entry) error {
	out, inside := b.place(e)
	switch {
	case !inside:
		return nil
	case b.stream == 0:
		d := b.fill(&out, e)
		return b.put(&out, &d)
	case !b.ordered:
		return errNoStream
	}
	return nil // only whether it is in order is of interest
}

// letGo drops what is held of an object whose entries were in order so far: it may be read a second time, while it is merged.
// It reports whether there is room for that.
func (b *builder) letGo() bool {
	size := streamSize(b.reader.Holds(), b.widest)
	if !b.ordered || b.spill != nil || !b.streams.take(size) {
		return false
	}
	b.stream, b.entries = size, table{}
	b.clear()
	b.budget.give(b.granted)
	b.granted = 0
	return true
}

// fit makes sure of the room for the longest entry, once all have been seen.
func (b *builder) fit() error {
	more := streamSize(b.reader.Holds(), b.widest) - b.stream
	if !b.streams.bytes.take(more) {
		return errNoStream
	}
	b.stream += more
	return nil
}

// put keeps an entry with what it holds.
func (b *builder) put(e *entry, d *data) error {
	n := d.copied()
	if err := b.reserve(int64(b.pageFor(n)) + entrySize); err != nil {
		return err
	}
	if b.stream > 0 {
		return nil
	}
	size := b.pageFor(n) // anew where something was spilled
	b.openPage(size)
	b.held += int64(size) + entrySize
	b.hold(e, d)
	return nil
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

// reserve makes sure that n more bytes may be held: what is there is let go, or spilled, if the budget does not hold them.
func (b *builder) reserve(n int64) error {
	for b.held+n > b.granted+b.step {
		if b.budget.take(b.step) {
			b.granted += b.step
			continue
		}
		if b.entries.size == 0 {
			return nil // one entry larger than a step: it passes alone
		}
		if b.compact() {
			continue
		}
		if b.letGo() {
			return nil
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
	b.entries.empty()
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
	b.object.fitting.spilled = b.spill.size()
	b.pool.put(slices.Concat(b.pages, b.spare))
	return b.spill.run(b.object, b.desk)
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
	b.entries.trim()
	size := b.tighten(smallRun)
	b.spare, b.leaving = nil, nil
	b.held = size + int64(b.entries.size)*entrySize + runSize
}

// compact moves the entries out of slabs of which they are the lesser part, such as an object's few events in the window. It
// reports whether that made room.
func (b *builder) compact() bool {
	reading := int64(cap(b.leaving))
	if b.slab >= 0 {
		reading += int64(cap(b.pages[b.slab]))
	}
	before, entries := b.held, int64(b.entries.size)*entrySize
	if 2*(b.dataSize()+entries) > b.held-reading {
		return false
	}
	var slab []byte
	if b.slab >= 0 {
		slab = b.pages[b.slab]
	}
	b.spare, b.text = nil, -1
	b.held = b.tighten(b.pool.size) + entries + reading
	if slab != nil {
		b.slab, b.inSlab, b.pages = len(b.pages), 0, append(b.pages, slab)
	}
	return b.held < before
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
	if b.stream > 0 {
		b.streams.give(b.stream)
	}
}
