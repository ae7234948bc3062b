package merge

import (
	"encoding/binary"
	"io"
	"slices"

	"github.com/klauspost/compress/s2"

	"replayd/archive"
	"replayd/replay/shelf"
)

// press packs the entries of one part after another for the disk. Each worker has one, which takes PressSize of its part size.
//
// A part is blocks behind one another: each packed by S2, and behind it the stored length of the next one, 0 at the end. A
// block holds whole entries, each a head of fixed size and its data.
type press struct {
	part   int // bytes of a part that is full
	size   int // of a block that is packed, unless a single entry is larger
	block  []byte
	packed []byte
	first  int // stored length of the first block
	last   int // behind the last one: where the length of the next belongs
}

func newPress(part int64) *press { return &press{part: int(part)} }

// PressSize is how much memory the press of a worker takes whose parts have so many bytes: a part and the block that fills it,
// and a block that is not packed yet. It takes more only while it packs an entry that is longer than a block.
func PressSize(part int64) int64 { return part + 3*shelf.LargestReadAhead }

// room is the capacity of what is packed.
func (w *press) room() int { return w.part + s2.MaxEncodedLen(shelf.LargestReadAhead) + lengthSize }

// lengthSize is that of a block's stored length.
const lengthSize = 4

// begin starts a part.
func (w *press) begin(size int) {
	if w.packed == nil {
		w.packed = make([]byte, 0, w.room())
	}
	w.size, w.block, w.packed, w.first = size, w.block[:0], w.packed[:0], 0
}

// full reports whether the part has its size. Parts are bounded, whatever a run holds: what is packed of it stands in memory
// beside all that it was packed from.
func (w *press) full() bool { return len(w.packed)+len(w.block) >= w.part }

// rest lets go of what an entry took that was longer than others.
func (w *press) rest() {
	if cap(w.packed) > 2*w.room() {
		w.packed = nil
	}
	if cap(w.block) > 2*shelf.LargestReadAhead {
		w.block = nil
	}
}

// add takes the next entry, whose bytes stand in p.
func (w *press) add(e *entry, p pages) {
	if len(w.block) > 0 && len(w.block)+headSize+int(e.dataSize()) > w.size {
		w.pack()
	}
	var head [headSize]byte
	e.encode(&head)
	w.block = append(w.block, head[:]...)
	w.block = append(w.block, p.of(e.value)...)
	w.block = append(w.block, p.of(e.text)...)
}

// end returns the part, valid until the next begin, and the stored length of its first block.
func (w *press) end() (packed []byte, first int) {
	w.pack()
	return w.packed, w.first
}

func (w *press) pack() {
	from, most := len(w.packed), s2.MaxEncodedLen(len(w.block))+lengthSize
	w.packed = slices.Grow(w.packed, most)[:from+most]
	n := len(s2.Encode(w.packed[from:], w.block))
	if from == 0 {
		w.first = n
	} else {
		binary.LittleEndian.PutUint32(w.packed[w.last:], uint32(n))
	}
	w.last = from + n
	w.packed = w.packed[:w.last+lengthSize]
	clear(w.packed[w.last:])
	w.block = w.block[:0]
}

func (e *entry) dataSize() int64 { return int64(e.value.n) + int64(e.text.n) }

// headSize is the length of an entry's head: eleven 64-bit and five 32-bit numbers and four bytes. Behind it stand value
// and text.
const headSize = 11*8 + 5*4 + 4

func (e *entry) encode(b *[headSize]byte) {
	le := binary.LittleEndian
	for i, v := range []uint64{
		uint64(e.time), uint64(e.eventTime), uint64(e.delay), uint64(e.offset), uint64(e.length),
		uint64(e.outside), e.idHash.Hi, e.idHash.Lo, e.sum.Hi, e.sum.Lo, e.body,
	} {
		le.PutUint64(b[i*8:], v)
	}
	for i, v := range []uint32{uint32(e.value.n), uint32(e.text.n), uint32(e.key), uint32(e.id), e.index} {
		le.PutUint32(b[88+i*4:], v)
	}
	b[108], b[109], b[110], b[111] = byte(e.kind), byte(e.flags), 0, byte(e.filter)
	if e.slackShort {
		b[110] = 1
	}
}

// errShort says that a block ends before its last entry does.
var errShort = io.ErrUnexpectedEOF

// decode is the inverse of encode for the entry that b begins with. What e refers to then is the data behind its head, which
// need not be in b. It returns the length of both.
func (e *entry) decode(b []byte) (int, error) {
	if len(b) < headSize {
		return 0, errShort
	}
	le := binary.LittleEndian
	u64 := func(i int) uint64 { return le.Uint64(b[i*8:]) }
	u32 := func(i int) uint32 { return le.Uint32(b[88+i*4:]) }
	value := ref{n: int32(u32(0))}
	*e = entry{
		time: int64(u64(0)), eventTime: int64(u64(1)), delay: int64(u64(2)), offset: int64(u64(3)), length: int64(u64(4)),
		outside: int64(u64(5)), idHash: archive.Hash{Hi: u64(6), Lo: u64(7)}, sum: archive.Hash{Hi: u64(8), Lo: u64(9)}, body: u64(10),
		value: value, text: ref{at: uint32(value.n), n: int32(u32(1))}, key: int32(u32(2)), id: int32(u32(3)), index: u32(4),
		kind: Kind(b[108]), flags: Flags(b[109]), slackShort: b[110] == 1, filter: Filtering(b[111]),
	}
	if e.value.n < 0 || e.text.n < 0 {
		return 0, errShort
	}
	return headSize + int(e.dataSize()), nil
}
