package merge

import "replayd/replay/shelf"

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
