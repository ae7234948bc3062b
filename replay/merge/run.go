package merge

import (
	"slices"

	"replayd/archive"
)

// cursor walks the items of one run, or of one sorted part of it, in order.
type cursor interface {
	// head is the current item, nil at the end. It stays valid until the cursor is garbage.
	head() *Item
	// next moves on.
	next() error
	close() error
}

// entry is an item at rest: its bytes stand behind one another in a slab.
type entry struct {
	time, eventTime, delay int64
	offset, length         int64
	outside                int64
	idHash                 archive.Hash
	body                   uint64
	data                   []byte // value, key, id (or reason, detail)
	value, key, id         int32  // lengths; key and id are -1 when nil
	index                  uint32
	kind                   Kind
	flags                  Flags
	slackShort             bool
	filter                 Filtering
}

// entrySize is what an entry costs beside its data.
const entrySize = 136

func (e *entry) compare(f *entry) int {
	switch {
	case e.time != f.time:
		return compareInt(e.time, f.time)
	case e.offset != f.offset:
		return compareInt(e.offset, f.offset)
	}
	return compareInt(int64(e.index), int64(f.index))
}

func compareInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// item writes e into dst as an item of object o.
func (e *entry) item(dst *Item, o *Object) {
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
		Length:     e.length,
		Filter:     e.filter,
		Outside:    e.outside,
	}
	value := e.data[:e.value:e.value]
	rest := e.data[e.value:]
	if e.kind == Bad {
		dst.Reason, dst.Detail = string(value), string(rest)
		return
	}
	if e.filter == Unjudged {
		dst.Detail = string(value)
		return
	}
	dst.Value = value
	dst.Key, rest = cut(rest, e.key)
	dst.ID, _ = cut(rest, e.id)
}

func cut(b []byte, n int32) (head, rest []byte) {
	if n < 0 {
		return nil, b
	}
	return b[:n:n], b[n:]
}

// resident is a run that fits in memory.
type resident struct {
	object  *Object
	entries []entry // sorted
	at      int
	current Item
	free    func()
}

func newResident(o *Object, entries []entry, free func()) *resident {
	r := &resident{object: o, entries: entries, free: free}
	r.load()
	return r
}

func (r *resident) head() *Item {
	if r.at == len(r.entries) {
		return nil
	}
	return &r.current
}

func (r *resident) next() error {
	r.at++
	r.load()
	return nil
}

func (r *resident) load() {
	if r.at < len(r.entries) {
		r.entries[r.at].item(&r.current, r.object)
	}
}

func (r *resident) close() error {
	r.entries = nil
	r.at = 0
	if r.free != nil {
		r.free()
		r.free = nil
	}
	return nil
}

func sortEntries(entries []entry) {
	if !slices.IsSortedFunc(entries, compareEntries) {
		slices.SortFunc(entries, compareEntries)
	}
}

func compareEntries(a, b entry) int { return a.compare(&b) }
