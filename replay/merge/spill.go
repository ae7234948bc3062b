package merge

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/klauspost/compress/s2"

	"replayd/archive"
	"replayd/replay/shelf"
)

// spill keeps the sorted parts of one run on the shelf.
type spill struct {
	shelf *shelf.Shelf
	block int // bytes of a block, where its parts do not overlap
	parts []part
	lasts []int64 // of each write: the merge time of its last entry
}

type part struct {
	shelf.Part
	first  entry // its first: a part is opened only when the run reaches it
	packed int   // stored bytes of its first block
}

// leastBlock bounds how small blocks get: smaller ones are hardly packed.
const leastBlock = 1 << 10

// newSpill begins to spill a run, which gets smaller blocks the more of them there are: a block of each is in memory while
// they are merged. Its close ends it.
func newSpill(s *shelf.Shelf) *spill { return &spill{shelf: s, block: s.ReadAhead()} }

// close gives back what has not been read.
func (s *spill) close() {
	for _, p := range s.parts {
		p.Drop()
	}
	s.parts = nil
	s.shelf.Read()
}

// size is how many bytes were spilled that are not read yet.
func (s *spill) size() int64 {
	size := int64(0)
	for _, p := range s.parts {
		size += p.Size()
	}
	return size
}

// write adds entries, whose bytes stand in p, sorted, as parts that follow one another.
func (s *spill) write(w *press, entries table, p pages) error {
	if entries.size == 0 {
		return nil
	}
	defer w.rest()
	sorted := newResident(nil, entries, p)
	block := s.blockOf(sorted.head().time)
	s.lasts = append(s.lasts, sorted.last())
	for sorted.head() != nil {
		if err := s.writePart(w, block, sorted); err != nil {
			return err
		}
	}
	return nil
}

// writePart adds the next part of what is sorted.
func (s *spill) writePart(w *press, block int, sorted *resident) error {
	first := *sorted.head()
	w.begin(block)
	for ; sorted.head() != nil && !w.full(); sorted.at++ {
		w.add(sorted.head(), sorted.pages)
	}
	packed, firstBlock := w.end()
	to, err := s.shelf.Place(int64(len(packed)))
	if err != nil {
		return err
	}
	s.parts = append(s.parts, part{to, first, firstBlock})
	_, err = to.WriteAt(packed, 0)
	return err
}

// blockOf is how large the blocks are of what is written at once and begins at a merge time: the parts that are read at the
// same time share what the run has.
func (s *spill) blockOf(first int64) int {
	beside := 0
	for _, last := range s.lasts {
		if last >= first {
			beside++
		}
	}
	return max(s.block/(1+beside), leastBlock)
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

func (r *spilled) item(dst *Item) { r.lowest.entry.item(dst, r.of, r.lowest.block) }

func (r *spilled) waits() bool { return false }

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
		reader := &partReader{Part: p.Part, packed: p.packed}
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

// partReader reads a part, one block at a time.
type partReader struct {
	shelf.Part
	at     int64 // of the next block
	packed int   // its stored bytes; 0: there is none
	block  pages // one page, which is left to the items that point into it
	read   int   // of the page
	entry  entry
	done   bool
}

func (p *partReader) end() { p.Drop() }

func (p *partReader) next() error {
	if len(p.block) == 0 || p.read == len(p.block[0]) {
		if p.packed == 0 {
			p.done = true
			return nil
		}
		if err := p.nextBlock(); err != nil {
			return err
		}
	}
	n, err := p.entry.decode(p.block[0], p.read)
	p.read += n
	return err
}

// nextBlock unpacks the next block into memory of its own: items outlive the reading of it.
func (p *partReader) nextBlock() error {
	stored := make([]byte, p.packed+lengthSize)
	if _, err := p.ReadAt(stored, p.at); err != nil {
		return err
	}
	page, err := s2.Decode(nil, stored[:p.packed])
	if err != nil {
		return fmt.Errorf("block at byte %d: %w", p.at, err)
	}
	p.block, p.read = pages{page}, 0
	p.at += int64(len(stored))
	p.packed = int(binary.LittleEndian.Uint32(stored[p.packed:]))
	return nil
}
