package merge

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"replayd/archive"
)

// spill keeps the sorted parts of one run on the shelf. On disk an entry is a fixed head and its data.
type spill struct {
	shelf *shelf
	parts []part
}

type part struct {
	volume *volume
	from   int64 // where in the volume
	size   int64 // bytes
	first  entry // its first, without data: a part is opened only when the run reaches it
}

// close gives back what has not been read.
func (s *spill) close() {
	for _, p := range s.parts {
		s.shelf.drop(p.volume)
	}
	s.parts = nil
}

// write adds entries, which are sorted, as one part.
func (s *spill) write(entries []entry) error {
	if len(entries) == 0 {
		return nil
	}
	p := part{first: entries[0]}
	p.first.data = nil
	for i := range entries {
		p.size += headSize + int64(len(entries[i].data))
	}
	var err error
	if p.volume, p.from, err = s.shelf.place(p.size); err != nil {
		return err
	}
	s.parts = append(s.parts, p)
	w := bufio.NewWriterSize(io.NewOffsetWriter(p.volume.file, p.from), int(min(p.size, 256<<10)))
	var head [headSize]byte
	for i := range entries {
		e := &entries[i]
		e.encode(&head)
		_, _ = w.Write(head[:]) // bufio keeps the first error for Flush
		_, _ = w.Write(e.data)
	}
	if err := w.Flush(); err != nil {
		return s.shelf.cure(err)
	}
	return nil
}

// run returns the cursor over all parts, which owns the spill from here on.
func (s *spill) run(o *Object) (cursor, error) {
	slices.SortFunc(s.parts, func(a, b part) int { return a.first.compare(&b.first) })
	r := &spilled{spill: s, object: o}
	if err := r.refill(); err != nil {
		_ = r.close()
		return nil, err
	}
	return r, nil
}

// spilled merges the parts of a spilled run. Objects are nearly sorted, so few parts overlap: the smallest head is
// found by a walk over the open ones.
type spilled struct {
	spill   *spill
	object  *Object
	open    []*partReader
	lowest  *partReader
	current Item
}

func (r *spilled) head() *Item {
	if r.lowest == nil {
		return nil
	}
	return &r.current
}

func (r *spilled) next() error {
	if err := r.lowest.next(); err != nil {
		return fmt.Errorf("read spilled object %s: %w", archive.Printable(r.object.Key), err)
	}
	return r.refill()
}

func (r *spilled) close() error {
	for _, p := range r.open {
		p.end(r.spill.shelf)
	}
	r.spill.close()
	r.open, r.lowest = nil, nil
	return nil
}

// refill finds the lowest entry, opening the parts that have come due.
func (r *spilled) refill() error {
	r.pick()
	for len(r.spill.parts) > 0 {
		p := &r.spill.parts[0] // they are sorted by their first entries
		if r.lowest != nil && p.first.compare(&r.lowest.entry) > 0 {
			break
		}
		reader := r.spill.shelf.read(p)
		r.open = append(r.open, reader)
		r.spill.parts = r.spill.parts[1:]
		if err := reader.next(); err != nil {
			return fmt.Errorf("read spilled object %s: %w", archive.Printable(r.object.Key), err)
		}
		r.pick()
	}
	if r.lowest != nil {
		r.lowest.entry.item(&r.current, r.object)
	}
	return nil
}

// pick finds the lowest entry of the open parts and gives back those that have none left.
func (r *spilled) pick() {
	r.lowest = nil
	live := r.open[:0]
	for _, p := range r.open {
		if p.done {
			p.end(r.spill.shelf)
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
	volume *volume
	in     *bufio.Reader
	entry  entry
	done   bool
}

// read begins to read a part; end ends it.
func (s *shelf) read(p *part) *partReader {
	size := int(min(p.size, int64(s.readAhead())))
	return &partReader{volume: p.volume, in: bufio.NewReaderSize(io.NewSectionReader(p.volume.file, p.from, p.size), size)}
}

func (p *partReader) end(s *shelf) {
	s.end()
	s.drop(p.volume)
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
	size := p.entry.decode(&head)
	p.entry.data = make([]byte, size) // its items outlive the next read
	_, err = io.ReadFull(p.in, p.entry.data)
	return err
}

// headSize is the length of an entry's head: nine 64-bit and five 32-bit numbers and four bytes.
const headSize = 9*8 + 5*4 + 4

func (e *entry) encode(b *[headSize]byte) {
	le := binary.LittleEndian
	for i, v := range []uint64{
		uint64(e.time), uint64(e.eventTime), uint64(e.delay), uint64(e.offset), uint64(e.length),
		uint64(e.outside), e.idHash.Hi, e.idHash.Lo, e.body,
	} {
		le.PutUint64(b[i*8:], v)
	}
	for i, v := range []uint32{uint32(e.value), uint32(e.key), uint32(e.id), e.index, uint32(len(e.data))} {
		le.PutUint32(b[72+i*4:], v)
	}
	b[92], b[93], b[94], b[95] = byte(e.kind), byte(e.flags), 0, byte(e.filter)
	if e.slackShort {
		b[94] = 1
	}
}

// decode is the inverse of encode and returns the length of the data that follows.
func (e *entry) decode(b *[headSize]byte) int {
	le := binary.LittleEndian
	u64 := func(i int) uint64 { return le.Uint64(b[i*8:]) }
	u32 := func(i int) uint32 { return le.Uint32(b[72+i*4:]) }
	*e = entry{
		time: int64(u64(0)), eventTime: int64(u64(1)), delay: int64(u64(2)), offset: int64(u64(3)), length: int64(u64(4)),
		outside: int64(u64(5)), idHash: archive.Hash{Hi: u64(6), Lo: u64(7)}, body: u64(8),
		value: int32(u32(0)), key: int32(u32(1)), id: int32(u32(2)), index: u32(3),
		kind: Kind(b[92]), flags: Flags(b[93]), slackShort: b[94] == 1, filter: Filtering(b[95]),
	}
	return int(u32(4))
}
