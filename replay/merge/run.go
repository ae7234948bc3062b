package merge

import (
	"cmp"
	"slices"

	"replayd/archive"
)

// cursor walks the items of one run, or of one sorted part of it, in order.
type cursor interface {
	// head is the current entry, nil at the end. It is valid until the next call of next.
	head() *entry
	// object is that of the run.
	object() *Object
	// item writes the current entry as an item. Its slices stay valid, see Item.
	item(dst *Item) error
	// next moves on; it waits for the archive where waits says so.
	next() error
	waits() bool
	close() error
}

// entry is an item at rest. It holds no pointers, so that the garbage collector need not look at millions of them.
type entry struct {
	time, eventTime, delay int64
	offset, length         int64
	outside                int64
	idHash, sum            archive.Hash
	body                   uint64
	value, text            ref   // text is key and id behind one another; of a bad entry reason and detail
	key, id                int32 // lengths, -1 when nil
	index                  uint32
	kind                   Kind
	flags                  Flags
	slackShort             bool
	filter                 Filtering
}

// entrySize is what an entry costs beside its data: itself, and its place while entries are sorted.
const entrySize = 128 + placeSize

func (e *entry) compare(f *entry) int {
	switch {
	case e.time != f.time:
		return cmp.Compare(e.time, f.time)
	case e.offset != f.offset:
		return cmp.Compare(e.offset, f.offset)
	}
	return cmp.Compare(e.index, f.index)
}

// item writes e into dst as an item of object o, whose bytes stand in p.
func (e *entry) item(dst *Item, o *Object, p pages) {
	*dst = Item{
		Position:   archive.Position{Time: e.time, Object: o.Key, Offset: e.offset, Index: e.index},
		Kind:       e.kind,
		Flags:      e.flags,
		SlackShort: e.slackShort,
		Object:     o,
		EventTime:  e.eventTime,
		Delay:      e.delay,
		IDHash:     e.idHash,
		Body:       e.body,
		Sum:        e.sum,
		Length:     e.length,
		Filter:     e.filter,
		Outside:    e.outside,
	}
	switch {
	case e.kind == End || e.filter == Dropped:
	case e.kind == Bad:
		dst.Reason, dst.Detail = string(p.of(e.value)), string(p.of(e.text))
	case e.filter == Unjudged:
		dst.Detail = string(p.of(e.value))
	default:
		dst.Value = p.of(e.value)
		rest := p.of(e.text)
		dst.Key, rest = cut(rest, e.key)
		dst.ID, _ = cut(rest, e.id)
	}
}

func cut(b []byte, n int32) (head, rest []byte) {
	if n < 0 {
		return nil, b
	}
	return b[:n:n], b[n:]
}

// resident is a run that fits in memory. What it holds is given back by Object.Release, which is later than its end.
type resident struct {
	of      *Object
	entries table
	order   []uint32 // of entries; nil: as they stand
	pages   pages
	at      int
}

func newResident(o *Object, entries table, p pages) *resident {
	return &resident{of: o, entries: entries, order: order(&entries), pages: p}
}

func (r *resident) head() *entry {
	switch {
	case r.at == r.entries.size:
		return nil
	case r.order != nil:
		return r.entries.at(int(r.order[r.at]))
	}
	return r.entries.at(r.at)
}

// last is the merge time of the last entry.
func (r *resident) last() int64 {
	n := r.entries.size - 1
	if r.order != nil {
		n = int(r.order[n])
	}
	return r.entries.at(n).time
}

func (r *resident) object() *Object { return r.of }

func (r *resident) item(dst *Item) error {
	r.head().item(dst, r.of, r.pages)
	return nil
}

func (r *resident) waits() bool { return false }

func (r *resident) next() error {
	r.at++
	return nil
}

func (r *resident) close() error {
	r.entries, r.order, r.pages, r.at = table{}, nil, nil, 0
	return nil
}

// place is an entry's while entries are sorted, and placeSize what it takes, and its number, which stays.
type place struct {
	time int64
	n    uint32
}

const placeSize = 16 + 4

// order is in which order entries, which stand as in their object, have their merge times; nil when they have it already.
// Their numbers are moved about in place of the entries, which are large.
func order(entries *table) []uint32 {
	sorted := true
	for i := 1; i < entries.size && sorted; i++ {
		sorted = entries.at(i-1).time <= entries.at(i).time
	}
	if sorted {
		return nil
	}
	places := make([]place, entries.size)
	for i := range places {
		places[i] = place{entries.at(i).time, uint32(i)}
	}
	slices.SortFunc(places, func(a, b place) int {
		if a.time != b.time {
			return cmp.Compare(a.time, b.time)
		}
		return cmp.Compare(a.n, b.n)
	})
	numbers := make([]uint32, len(places))
	for i := range places {
		numbers[i] = places[i].n
	}
	return numbers
}
