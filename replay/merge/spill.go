package merge

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"replayd/archive"
)

// disk is the room that spill files may take together, in bytes.
type disk struct {
	limit int64
	used  atomic.Int64
}

// newDisk allows n bytes.
func newDisk(n int64) *disk { return &disk{limit: n} }

func (d *disk) take(n int64) error {
	if d.used.Add(n) > d.limit {
		d.used.Add(-n)
		return fmt.Errorf("spill files may take %d bytes and would take more\nRaise limits.spill_size, or --memory so that less is spilled", d.limit)
	}
	return nil
}

// spill keeps the sorted parts of one run in a file that has no name: it is unlinked at opening and goes with the
// process. An entry is a fixed head and its data.
type spill struct {
	file  *os.File
	disk  *disk
	size  int64
	parts []part
}

type part struct {
	from, to int64 // bytes of the file
	first    entry // its first, without data: a part is opened only when the run reaches it
}

// readAhead is the buffer of one open part.
const readAhead = 32 << 10

func newSpill(folder string, disk *disk) (*spill, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(folder, "replayd-spill-*") // mode 0600
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close()
		return nil, err
	}
	return &spill{file: f, disk: disk}, nil
}

func (s *spill) close() {
	_ = s.file.Close()
	s.disk.used.Add(-s.size)
	s.size = 0
}

// write appends entries, which are sorted, as one part.
func (s *spill) write(entries []entry) error {
	if len(entries) == 0 {
		return nil
	}
	room := int64(0)
	for i := range entries {
		room += headSize + int64(len(entries[i].data))
	}
	if err := s.disk.take(room); err != nil {
		return err
	}
	p := part{from: s.size, first: entries[0]}
	p.first.data = nil
	w := bufio.NewWriterSize(s.file, 256<<10)
	var head [headSize]byte
	for i := range entries {
		e := &entries[i]
		e.encode(&head)
		_, _ = w.Write(head[:]) // bufio keeps the first error for Flush
		_, _ = w.Write(e.data)
	}
	s.size += room
	p.to = s.size
	s.parts = append(s.parts, p)
	return w.Flush()
}

// run returns the cursor over all parts, which owns the spill from here on.
func (s *spill) run(o *Object) (cursor, error) {
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
		return fmt.Errorf("read spilled object %s: %w", r.object.Key, err)
	}
	return r.refill()
}

func (r *spilled) close() error {
	r.spill.close()
	r.open, r.lowest = nil, nil
	return nil
}

// refill finds the lowest entry, opening the parts that have come due.
func (r *spilled) refill() error {
	r.pick()
	for i := 0; i < len(r.spill.parts); {
		p := r.spill.parts[i]
		if r.lowest != nil && p.first.compare(&r.lowest.entry) > 0 {
			i++
			continue
		}
		reader := &partReader{in: bufio.NewReaderSize(io.NewSectionReader(r.spill.file, p.from, p.to-p.from), readAhead)}
		if err := reader.next(); err != nil {
			return fmt.Errorf("read spilled object %s: %w", r.object.Key, err)
		}
		r.open = append(r.open, reader)
		r.spill.parts = append(r.spill.parts[:i], r.spill.parts[i+1:]...)
		r.pick()
		i = 0
	}
	if r.lowest != nil {
		r.lowest.entry.item(&r.current, r.object)
	}
	return nil
}

func (r *spilled) pick() {
	r.lowest = nil
	live := r.open[:0]
	for _, p := range r.open {
		if p.done {
			continue
		}
		live = append(live, p)
		if r.lowest == nil || p.entry.compare(&r.lowest.entry) < 0 {
			r.lowest = p
		}
	}
	r.open = live
}

type partReader struct {
	in    *bufio.Reader
	entry entry
	done  bool
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
