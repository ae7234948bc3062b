package dedupe

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"replayd/archive"
	"replayd/replay/shelf"
)

// segment holds rows on the shelf, in the order of their keys, then bodies; it never changes. In a bucket are the rows whose
// keys have the same leading bits. They are read at once.
type segment struct {
	shelf  *shelf.Shelf
	part   shelf.Part
	serial uint64   // from 1 on, unique in an index
	index  []bucket // and behind them one that only tells where the last one ends
	shift  int      // a key's bits that do not choose the bucket
	count  int      // rows
}

// bucket is what memory knows of some rows.
type bucket struct {
	first uint32 // the number of the first
	marks [2]uint32
}

const bucketSize = 12

// pageRows is how many rows a bucket has on average, at most: 1 KiB.
const pageRows = 32

// mark is where a key is marked in its bucket: a bit of 64, chosen by what the filter does not use. Most keys that are not in
// a bucket have no mark there, and cost no read.
func mark(key archive.Hash) (half int, bit uint32) {
	return int(key.Lo >> 63), 1 << (key.Lo >> 58 & 31)
}

func (s *segment) bucket(key archive.Hash) int { return int(rest(key) >> s.shift) }

// newSegment finds room for n rows.
func newSegment(on *shelf.Shelf, serial uint64, n, rowsInBucket int) (*segment, error) {
	part, err := on.Place(int64(n) * rowSize)
	if err != nil {
		return nil, err
	}
	s := &segment{shelf: on, part: part, serial: serial, shift: 64}
	buckets := 1
	for ; n > buckets*rowsInBucket; buckets *= 2 {
		s.shift--
	}
	s.index = make([]bucket, 0, buckets+1)
	return s, nil
}

func (s *segment) size() int64 { return int64(cap(s.index)) * bucketSize }

// write fills the segment.
func (s *segment) write(from cursor, w *bufio.Writer) error {
	w.Reset(io.NewOffsetWriter(s.part, 0))
	var b [rowSize]byte
	for {
		r, err := from.next()
		if err != nil {
			return err
		}
		if r == nil {
			s.indexUpTo(cap(s.index))
			return w.Flush()
		}
		s.indexUpTo(s.bucket(r.key) + 1)
		half, bit := mark(r.key)
		s.index[len(s.index)-1].marks[half] |= bit
		s.count++
		r.encode(&b)
		_, _ = w.Write(b[:]) // keeps its error for Flush
	}
}

// indexUpTo makes the index n entries long: those that are new begin with the row that comes next.
func (s *segment) indexUpTo(n int) {
	for len(s.index) < n {
		s.index = append(s.index, bucket{first: uint32(s.count)})
	}
}

func (r *row) encode(b *[rowSize]byte) {
	le := binary.LittleEndian
	le.PutUint64(b[:], r.key.Hi)
	le.PutUint64(b[8:], r.key.Lo)
	le.PutUint64(b[16:], r.body)
	le.PutUint64(b[24:], uint64(r.at))
}

func decode(b []byte) row {
	le := binary.LittleEndian
	_ = b[rowSize-1]
	return row{archive.Hash{Hi: le.Uint64(b), Lo: le.Uint64(b[8:])}, le.Uint64(b[16:]), int64(le.Uint64(b[24:]))}
}

// may reports whether the segment may hold a key.
func (s *segment) may(key archive.Hash) bool {
	half, bit := mark(key)
	return s.index[s.bucket(key)].marks[half]&bit != 0
}

// readAt reads rows, from the first one on.
func (s *segment) readAt(b []byte, first uint32) error {
	if _, err := s.part.ReadAt(b, int64(first)*rowSize); err != nil {
		return s.cure(err)
	}
	return nil
}

func (s *segment) cure(err error) error {
	return s.shelf.Cure(fmt.Errorf("read the index of duplicates: %w", err))
}

// reader is a cursor over a segment.
type reader struct {
	segment *segment
	in      *bufio.Reader
	row     row
}

// readAhead is the buffer of a segment that is read from front to back. Few are at a time.
const readAhead = 64 << 10

func (s *segment) read() *reader {
	all := io.NewSectionReader(s.part, 0, int64(s.count)*rowSize)
	return &reader{segment: s, in: bufio.NewReaderSize(all, int(min(all.Size(), readAhead)))}
}

func (r *reader) next() (*row, error) {
	b, err := r.in.Peek(rowSize)
	if err == io.EOF && len(b) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, r.segment.cure(err)
	}
	r.row = decode(b)
	_, err = r.in.Discard(rowSize)
	return &r.row, err
}
