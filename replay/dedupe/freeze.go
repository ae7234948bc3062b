package dedupe

import (
	"bufio"

	"replayd/replay/shelf"
)

// freezer puts the tables of cells on the shelf.
type freezer struct {
	shelf   *shelf.Shelf
	sorter  sorter
	out     *bufio.Writer
	serial  uint64 // of the segment made last
	frozen  int64  // rows on the shelf
	written int64
}

const (
	// few is how many segments a cell may have; more are merged into one. Each costs a read of the shelf for an id that is
	// there, and some for others.
	few = 8

	writeBuffer = 256 << 10
)

// freeze makes a segment of a cell's table, and of its segments when they are too many. The table is left empty, with slots
// when it still fills.
func (f *freezer) freeze(c *cell, fills bool, m *memory) error {
	rows, n := cursor(f.sorter.sort(&c.table)), c.table.count
	many := len(c.segments) >= few
	if many {
		from := []cursor{rows}
		for _, s := range c.segments {
			from, n = append(from, s.read()), n+s.count
		}
		var err error
		if rows, err = merge(from); err != nil {
			return err
		}
	}
	s, err := f.write(rows, n, m)
	if err != nil {
		return err
	}
	if many {
		f.release(c, m)
	}
	c.segments = append(c.segments, s)
	c.table.empty(fills, m)
	return nil
}

// write makes a segment of at most n rows.
func (f *freezer) write(rows cursor, n int, m *memory) (*segment, error) {
	if f.out == nil {
		f.out = bufio.NewWriterSize(nil, writeBuffer)
	}
	f.serial++
	s, err := newSegment(f.shelf, f.serial, n, f.rowsInBucket(n, m))
	if err != nil {
		return nil, err
	}
	if err := s.write(rows, f.out); err != nil {
		s.part.Drop()
		return nil, err
	}
	f.frozen += int64(s.count)
	f.written += int64(s.count)
	m.used += s.size()
	return s, nil
}

// rowsInBucket is how many rows the buckets of a segment of n rows may have: more than a page, which is slower to read, when
// the indexes of all segments would take more than a quarter of the memory.
func (f *freezer) rowsInBucket(n int, m *memory) int {
	rows := pageRows
	for m.limit > 0 && (f.frozen+int64(n))/int64(rows)*2*bucketSize > m.limit/4 {
		rows *= 2
	}
	return rows
}

// release gives back the segments of a cell.
func (f *freezer) release(c *cell, m *memory) {
	for _, s := range c.segments {
		f.frozen -= int64(s.count)
		m.used -= s.size()
		s.part.Drop()
	}
	c.segments = nil
}

// drop empties a cell.
func (f *freezer) drop(c *cell, m *memory) {
	f.release(c, m)
	c.table.empty(false, m)
}
