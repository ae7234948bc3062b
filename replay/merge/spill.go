package merge

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"replayd/archive"
	"replayd/replay/shelf"
)

// spill keeps the sorted parts of one run on the shelf. On disk an entry is a fixed head and its data.
type spill struct {
	shelf *shelf.Shelf
	parts []part
}

type part struct {
	shelf.Part
	first entry // its first: a part is opened only when the run reaches it
}

// close gives back what has not been read.
func (s *spill) close() {
	for _, p := range s.parts {
		p.Drop()
	}
	s.parts = nil
}

// write adds entries, whose bytes stand in p, as one part.
func (s *spill) write(entries []entry, p pages) error {
	if len(entries) == 0 {
		return nil
	}
	sorted := &resident{entries: entries, order: order(entries)}
	size := int64(0)
	for i := range entries {
		size += headSize + entries[i].dataSize()
	}
	to, err := s.shelf.Place(size)
	if err != nil {
		return err
	}
	s.parts = append(s.parts, part{to, *sorted.head()})
	w := bufio.NewWriterSize(io.NewOffsetWriter(to, 0), int(min(size, 256<<10)))
	var head [headSize]byte
	for ; sorted.head() != nil; sorted.at++ {
		e := sorted.head()
		e.encode(&head)
		_, _ = w.Write(head[:]) // bufio keeps the first error for Flush
		_, _ = w.Write(p.of(e.value))
		_, _ = w.Write(p.of(e.text))
	}
	return w.Flush()
}

// run returns the cursor over all parts, which owns the spill from here on.
func (s *spill) run(o *Object) (cursor, error) {
	slices.SortFunc(s.parts, func(a, b part) int { return a.first.compare(&b.first) })
	r := &spilled{spill: s, of: o}
	if err := r.refill(); err != nil {
		_ = r.close()
		return nil, err
	}
	return r, nil
}

// spilled merges the parts of a spilled run. Objects are nearly sorted, so few parts overlap: the smallest head is
// found by a walk over the open ones.
type spilled struct {
	spill  *spill
	of     *Object
	open   []*partReader
	lowest *partReader
}

func (r *spilled) head() *entry {
	if r.lowest == nil {
		return nil
	}
	return &r.lowest.entry
}

func (r *spilled) object() *Object { return r.of }

func (r *spilled) item(dst *Item) { r.lowest.entry.item(dst, r.of, r.lowest.data[:]) }

func (r *spilled) next() error {
	if err := r.lowest.next(); err != nil {
		return fmt.Errorf("read spilled object %s: %w", archive.Printable(r.of.Key), err)
	}
	return r.refill()
}

func (r *spilled) close() error {
	for _, p := range r.open {
		p.end()
	}
	r.spill.close()
	r.open, r.lowest = nil, nil
	return nil
}

// refill finds the lowest entry, opening the parts that have come due.
func (r *spilled) refill() error {
	r.pick()
	for len(r.spill.parts) > 0 {
		p := r.spill.parts[0] // they are sorted by their first entries
		if r.lowest != nil && p.first.compare(&r.lowest.entry) > 0 {
			break
		}
		reader := r.spill.read(p.Part)
		r.open = append(r.open, reader)
		r.spill.parts = r.spill.parts[1:]
		if err := reader.next(); err != nil {
			return fmt.Errorf("read spilled object %s: %w", archive.Printable(r.of.Key), err)
		}
		r.pick()
	}
	return nil
}

// pick finds the lowest entry of the open parts and gives back those that have none left.
func (r *spilled) pick() {
	r.lowest = nil
	live := r.open[:0]
	for _, p := range r.open {
		if p.done {
			p.end()
			continue
		}
		live = append(live, p)
		if r.lowest == nil || p.entry.compare(&r.lowest.entry) < 0 {
			r.lowest = p
		}
	}
	clear(r.open[len(live):])
	r.open = live
}

type partReader struct {
	shelf *shelf.Shelf
	part  shelf.Part
	in    *bufio.Reader
	entry entry
	data  [1][]byte // the pages of entry
	done  bool
}

// read begins to read a part; end ends it.
func (s *spill) read(p shelf.Part) *partReader {
	size := int(min(p.Size(), int64(s.shelf.ReadAhead())))
	return &partReader{shelf: s.shelf, part: p, in: bufio.NewReaderSize(io.NewSectionReader(p, 0, p.Size()), size)}
}

func (p *partReader) end() {
	p.shelf.Read()
	p.part.Drop()
}

func (p *partReader) next() error {
	var head [headSize]byte
	_, err := io.ReadFull(p.in, head[:])
	if err == io.EOF {
		p.done = true
		return nil
	}
	if err != nil {
		return err
	}
	p.entry.decode(&head)
	p.data[0] = make([]byte, p.entry.dataSize()) // items outlive the next read
	_, err = io.ReadFull(p.in, p.data[0])
	return err
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

// decode is the inverse of encode, for data that will stand in a page of its own.
func (e *entry) decode(b *[headSize]byte) {
	le := binary.LittleEndian
	u64 := func(i int) uint64 { return le.Uint64(b[i*8:]) }
	u32 := func(i int) uint32 { return le.Uint32(b[88+i*4:]) }
	*e = entry{
		time: int64(u64(0)), eventTime: int64(u64(1)), delay: int64(u64(2)), offset: int64(u64(3)), length: int64(u64(4)),
		outside: int64(u64(5)), idHash: archive.Hash{Hi: u64(6), Lo: u64(7)}, sum: archive.Hash{Hi: u64(8), Lo: u64(9)}, body: u64(10),
		value: ref{n: int32(u32(0))}, text: ref{at: u32(0), n: int32(u32(1))}, key: int32(u32(2)), id: int32(u32(3)), index: u32(4),
		kind: Kind(b[108]), flags: Flags(b[109]), slackShort: b[110] == 1, filter: Filtering(b[111]),
	}
}
