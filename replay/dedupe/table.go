package dedupe

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"replayd/archive"
)

// table holds sightings in memory: rows in the order in which they came, and a hash table of their numbers. It holds no
// pointers to them, so that the garbage collector need not look at millions of ids.
type table struct {
	slots []uint32 // row number + 1 at the place of its hash or behind it; 0: free. A power of two
	rows  [][]row  // blocks, all but the last full
	count int
	ids   int // rows that are of an id, not of a further body
}

// row is what is known of one id; or of a further body of an id, under the hash of both (see pair). Most ids have one
// body, so an archive whose "id" is the same in all events costs memory but not time.
type row struct {
	key    archive.Hash
	body   uint64 // the first that was seen of the id
	at     int64  // largest merge time of that body
	latest int64  // largest merge time of any body
}

const (
	blockRows  = 1 << 12
	firstSlots = 1 << 10
)

// pair is the key of a further body of an id.
func pair(id archive.Hash, body uint64) archive.Hash {
	var b [24]byte
	binary.LittleEndian.PutUint64(b[:], id.Hi)
	binary.LittleEndian.PutUint64(b[8:], id.Lo)
	binary.LittleEndian.PutUint64(b[16:], body)
	return archive.Hash(xxh3.Hash128(b[:]))
}

func (t *table) row(n uint32) *row { return &t.rows[n/blockRows][n%blockRows] }

// find is the row of a key, nil when there is none, and its slot.
func (t *table) find(key archive.Hash) (*row, int) {
	if len(t.slots) == 0 {
		return nil, -1
	}
	mask := len(t.slots) - 1
	for i := int(key.Hi>>1) & mask; ; i = (i + 1) & mask { // Lo has chosen the block of the Bloom filter
		n := t.slots[i]
		if n == 0 {
			return nil, i
		}
		if r := t.row(n - 1); r.key == key {
			return r, i
		}
	}
}

// add appends a row whose key is not there, but belongs into slot.
func (t *table) add(r row, slot int) {
	if 4*(t.count+1) > 3*len(t.slots) {
		t.grow()
		_, slot = t.find(r.key)
	}
	if t.count%blockRows == 0 {
		t.rows = append(t.rows, make([]row, 0, blockRows))
	}
	last := &t.rows[len(t.rows)-1]
	*last = append(*last, r)
	t.count++
	t.slots[slot] = uint32(t.count)
}

// grow doubles the slots.
func (t *table) grow() {
	t.slots = make([]uint32, max(firstSlots, 2*len(t.slots)))
	for n := range uint32(t.count) {
		_, slot := t.find(t.row(n).key)
		t.slots[slot] = n + 1
	}
}

// insert remembers a sighting. It reports whether it is the first of its id.
func (t *table) insert(id archive.Hash, body uint64, at int64) bool {
	r, slot := t.find(id)
	if r == nil {
		t.add(row{key: id, body: body, at: at, latest: at}, slot)
		t.ids++
		return true
	}
	r.latest = max(r.latest, at)
	if r.body == body {
		r.at = max(r.at, at)
		return false
	}
	further := pair(id, body)
	p, slot := t.find(further)
	if p != nil {
		p.at = max(p.at, at)
		return false
	}
	t.add(row{key: further, body: body, at: at, latest: at}, slot)
	return false
}

// sighted returns when this body of an id was last sighted, if it was (same), and when any body was.
func (t *table) sighted(id archive.Hash, body uint64) (at int64, same bool, latest int64, known bool) {
	r, _ := t.find(id)
	if r == nil {
		return 0, false, 0, false
	}
	if r.body == body {
		return r.at, true, r.latest, true
	}
	if p, _ := t.find(pair(id, body)); p != nil {
		return p.at, true, r.latest, true
	}
	return 0, false, r.latest, true
}

// touch reads what a look at a key will read first.
func (t *table) touch(key archive.Hash) uint32 {
	if len(t.slots) == 0 {
		return 0
	}
	return t.slots[int(key.Hi>>1)&(len(t.slots)-1)]
}
