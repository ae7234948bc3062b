package dedupe

import "replayd/archive"

// shard holds the sightings of all keys that begin with the same bits. There are many, so that memory is made free by
// freezing a small part of it: that takes no time in which a replay would stand still, and while some tables are small the
// others grow, and so do the segments that are made of them.
type shard struct {
	filter filter
	cells  [generations]cell // by lane
}

const (
	shardBits = 8
	shards    = 1 << shardBits
)

// rest is what shards leave of a key to choose places by: uniform, and in the order of keys.
func rest(key archive.Hash) uint64 { return key.Hi << shardBits }

// cell is what a shard holds of a generation.
type cell struct {
	table    table
	segments []*segment // frozen before, in this order
}

// begin gives the table of a new generation slots for as many rows as in the one before, unless those did not fit either.
func (s *shard) begin(lane int, m *memory) {
	before := &s.cells[(lane+generations-1)%generations]
	if t := &s.cells[lane].table; t.slots == nil && len(before.segments) == 0 {
		t.resize(len(before.table.slots), m)
	}
}

// refilter makes the filter anew, with another number of blocks.
func (s *shard) refilter(blocks int, m *memory) error {
	f := newFilter(blocks, m)
	for lane := range s.cells {
		if err := s.cells[lane].each(func(r *row) { f.add(lane, r.key) }); err != nil {
			return err
		}
	}
	m.used -= s.filter.size()
	s.filter = f
	return nil
}

// each calls see with all rows of a cell.
func (c *cell) each(see func(*row)) error {
	for r := range c.table.all() {
		see(r)
	}
	for _, s := range c.segments {
		in := s.read()
		for {
			r, err := in.next()
			if err != nil {
				return err
			}
			if r == nil {
				break
			}
			see(r)
		}
	}
	return nil
}
