package dedupe

import (
	"encoding/binary"
	"iter"
	"math/bits"

	"github.com/zeebo/xxh3"

	"replayd/archive"
)

// row is what is known of a key: of an id, of a further body of it (see pair), or of all its further bodies (see others).
// Most ids have one body, so an archive whose "id" is the same in all events costs memory but not time.
type row struct {
	key  archive.Hash
	body uint64
	at   int64 // merge time of the last sighting
}

// pair is the key of a further body of an id.
func pair(id archive.Hash, body uint64) archive.Hash {
	var b [24]byte
	binary.LittleEndian.PutUint64(b[:], id.Hi)
	binary.LittleEndian.PutUint64(b[8:], id.Lo)
	binary.LittleEndian.PutUint64(b[16:], body)
	return archive.Hash(xxh3.Hash128(b[:]))
}

// others is the key under which stands when any further body of an id was last sighted.
func others(id archive.Hash) archive.Hash {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], id.Hi)
	binary.LittleEndian.PutUint64(b[8:], id.Lo)
	return archive.Hash(xxh3.Hash128(b[:]))
}

// table holds rows in memory: in the order in which they came, and a hash table of their numbers. It has few pointers, so
// that the garbage collector need not look at millions of ids.
type table struct {
	slots []uint32 // row number + 1 in the slot of its key or behind it; 0: free
	rows  []*rows  // all but the last full
	last  *rows
	count int
}

// rows are the unit in which memory is taken for them.
type rows [rowsAtOnce]row

const (
	rowsAtOnce = 128
	rowSize    = 32
	slotSize   = 4
	firstSlots = 64
)

func (t *table) row(n uint32) *row { return &t.rows[n/rowsAtOnce][n%rowsAtOnce] }

// slot is where the row of a key is looked for first.
func (t *table) slot(key archive.Hash) int {
	i, _ := bits.Mul64(rest(key), uint64(len(t.slots)))
	return int(i)
}

func (t *table) next(slot int) int {
	if slot++; slot < len(t.slots) {
		return slot
	}
	return 0
}

// find is the row of a key, nil when there is none.
func (t *table) find(key archive.Hash) *row {
	if t.count == 0 {
		return nil
	}
	for i := t.slot(key); t.slots[i] != 0; i = t.next(i) {
		if r := t.row(t.slots[i] - 1); r.key == key {
			return r
		}
	}
	return nil
}

// add appends a row whose key is not there.
func (t *table) add(r row, m *memory) {
	if 4*(t.count+1) > 3*len(t.slots) {
		t.resize(max(firstSlots, 2*len(t.slots)), m)
	}
	if t.count%rowsAtOnce == 0 {
		t.last = m.rows()
		t.rows = append(t.rows, t.last)
	}
	t.last[t.count%rowsAtOnce] = r
	t.count++
	t.link(uint32(t.count), r.key)
}

// link puts a row number + 1 into the first free slot for its key.
func (t *table) link(n uint32, key archive.Hash) {
	i := t.slot(key)
	for t.slots[i] != 0 {
		i = t.next(i)
	}
	t.slots[i] = n
}

// resize makes the slots anew, more of them.
func (t *table) resize(slots int, m *memory) {
	m.used += int64(slots-len(t.slots)) * slotSize
	t.slots = make([]uint32, slots)
	n := uint32(0)
	for r := range t.all() {
		n++
		t.link(n, r.key)
	}
}

// all are the rows in the order in which they came.
func (t *table) all() iter.Seq[*row] {
	return func(yield func(*row) bool) {
		for i, block := range t.rows {
			for j := range block[:min(rowsAtOnce, t.count-i*rowsAtOnce)] {
				if !yield(&block[j]) {
					return
				}
			}
		}
	}
}

// empty gives back the memory of all rows, and that of the slots unless as many rows are to come.
func (t *table) empty(more bool, m *memory) {
	m.give(t.rows)
	if !more {
		m.used -= int64(len(t.slots)) * slotSize
		*t = table{}
		return
	}
	clear(t.slots)
	*t = table{slots: t.slots, rows: t.rows[:0]}
}

// touch reads what adding a key will read and write first.
func (t *table) touch(key archive.Hash) uint64 {
	if t.last == nil {
		return 0
	}
	return uint64(t.slots[t.slot(key)]) + t.last[t.count%rowsAtOnce].body
}
