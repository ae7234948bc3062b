package merge

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/klauspost/compress/s2"

	"replayd/replay/shelf"
)

// desk is the memory in which spilled runs are read. Of a block that there is room for all is kept until its last entry has
// been taken. Of another only the next entries are, as far as they are short, and it is unpacked again for what comes behind
// them and for the data of a long one, when it is its turn: any number of parts may be open, with entries of any length.
type desk struct {
	blocks  *budget   // of what is kept of blocks
	scratch sync.Pool // of *scratch; as many as there are goroutines that read
	page    []byte    // that data is copied to; of the goroutine that merges
}

func newDesk(blocks int64) *desk {
	return &desk{blocks: newBudget(blocks), scratch: sync.Pool{New: func() any { return &scratch{} }}}
}

const (
	// leastWindow is what a part that is open may keep of its block beside the budget: a few short entries, or one head.
	leastWindow = 512

	// copyPage is how much memory is taken at a time for the data of items.
	copyPage = 32 << 10
)

// copy returns a copy of data for an item to point into, which is left to it.
func (d *desk) copy(data []byte) []byte {
	if len(data) > copyPage/4 {
		return slices.Clone(data)
	}
	if len(data) > cap(d.page)-len(d.page) {
		d.page = make([]byte, 0, copyPage)
	}
	from := len(d.page)
	d.page = append(d.page, data...)
	return d.page[from:]
}

// scratch is where a block is unpacked.
type scratch struct{ stored, block []byte }

// partReader walks the entries of a part.
type partReader struct {
	shelf.Part
	desk      *desk
	at        int64  // of the block that the entry stands in
	stored    int    // its stored bytes
	following int    // those of the block behind it; 0: there is none
	size      int    // of the block when it is unpacked
	read      int    // of the block: up to the end of the entry
	window    []byte // what is kept of the block: whole entries, or the head of one
	from      int    // where that stands in the block
	kept      int64  // bytes of the budget for it
	entry     entry  // its references are into its data
	done      bool
}

// end gives back the part, and the room for its block.
func (p *partReader) end() {
	p.letGo()
	p.Drop()
}

func (p *partReader) letGo() {
	p.desk.blocks.give(p.kept)
	p.window, p.kept = nil, 0
}

func (p *partReader) next() error {
	if p.read == p.size {
		if p.following == 0 {
			p.done = true
			return nil
		}
		p.turn()
	}
	if p.read >= p.from+len(p.window) {
		if err := p.look(); err != nil {
			return err
		}
	}
	n, err := p.entry.decode(p.window[p.read-p.from:])
	if p.read += n; err == nil && p.read > p.size {
		err = errShort
	}
	if err != nil {
		return fmt.Errorf("block at byte %d: %w", p.at, err)
	}
	return nil
}

// turn goes on to the following block.
func (p *partReader) turn() {
	if p.stored > 0 {
		p.at += int64(p.stored + lengthSize)
	}
	p.stored, p.read, p.from, p.window = p.following, 0, 0, p.window[:0]
}

// look fills the window with what comes next in the block.
func (p *partReader) look() error {
	s := p.desk.scratch.Get().(*scratch)
	defer p.desk.scratch.Put(s)
	if err := p.unpack(s); err != nil {
		return err
	}
	p.size, p.following = len(s.block), int(binary.LittleEndian.Uint32(s.stored[p.stored:]))
	p.keep(s.block[min(p.read, p.size):])
	return nil
}

// keep puts as much of rest into the window as there is room for.
func (p *partReader) keep(rest []byte) {
	if len(rest) > cap(p.window) {
		p.letGo()
		if n := int64(len(rest)); n > leastWindow && p.desk.blocks.take(n) {
			p.kept = n
		} else {
			rest = foremost(rest)
		}
		p.window = make([]byte, 0, len(rest))
	}
	p.window, p.from = append(p.window[:0], rest...), p.read
}

// foremost is what of some entries is kept in any case: the first ones if they are short, or the head of one.
func foremost(entries []byte) []byte {
	n := 0
	for n < len(entries) {
		var e entry
		size, err := e.decode(entries[n:])
		if err != nil || n+size > leastWindow {
			break
		}
		n += size
	}
	return entries[:min(max(n, headSize), len(entries))]
}

// data returns what the entry holds. It is left to the items that point into it.
func (p *partReader) data() ([]byte, error) {
	to, size := p.read, int(p.entry.dataSize())
	if p.from <= to-size && to <= p.from+len(p.window) {
		return p.desk.copy(p.window[to-size-p.from : to-p.from]), nil
	}
	s := p.desk.scratch.Get().(*scratch)
	defer p.desk.scratch.Put(s)
	if err := p.unpack(s); err != nil {
		return nil, err
	}
	if len(s.block) < to {
		return nil, fmt.Errorf("block at byte %d: %w", p.at, errShort)
	}
	data := s.block[to-size : to]
	if cap(s.block)-len(data) <= len(data)/8 { // it is next to all of the block
		s.block = nil
		return data, nil
	}
	return p.desk.copy(data), nil
}

// unpack reads the block from the disk.
func (p *partReader) unpack(s *scratch) error {
	n := p.stored + lengthSize
	s.stored = slices.Grow(s.stored[:0], n)[:n]
	if _, err := p.ReadAt(s.stored, p.at); err != nil {
		return err
	}
	block, err := s2.Decode(s.block, s.stored[:p.stored])
	if err != nil {
		return fmt.Errorf("block at byte %d: %w", p.at, err)
	}
	s.block = block
	return nil
}
