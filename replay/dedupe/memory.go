package dedupe

// memory is the account of what an index holds: filters, tables, and indexes of segments. Beside it there are buffers: 1 MiB,
// and what sorting one table takes.
type memory struct {
	limit int64   // 0: none
	used  int64   // without what is free
	free  []*rows // kept for tables to come: rows come and go all the time, and the collector would be late
}

const rowsSize = rowsAtOnce * rowSize

func (m *memory) rows() *rows {
	m.used += rowsSize
	if n := len(m.free); n > 0 {
		r := m.free[n-1]
		m.free = m.free[:n-1]
		return r
	}
	return new(rows)
}

func (m *memory) give(r []*rows) {
	m.free = append(m.free, r...)
	m.used -= int64(len(r)) * rowsSize
	clear(r)
}

func (m *memory) held() int64 { return m.used + int64(len(m.free))*rowsSize }

// over reports whether more is held than may be, even without what is free.
func (m *memory) over() bool {
	for m.limit > 0 && len(m.free) > 0 && m.held() > m.limit {
		last := len(m.free) - 1
		m.free[last] = nil
		m.free = m.free[:last]
	}
	return m.limit > 0 && m.used > m.limit
}

// makeRoom freezes tables until no more memory is held than may be. Beyond that are, in an index with very little, what
// filters and indexes of segments take at least.
func (x *Index) makeRoom() error {
	for x.memory.over() {
		lane := laneOf(x.timeline.newest)
		c := x.largest(func(l int) bool { return l != lane })
		fills := c == nil
		if fills {
			c = x.largest(func(l int) bool { return l == lane })
		}
		if c == nil {
			return nil
		}
		if err := x.freezer.freeze(c, fills, &x.memory); err != nil {
			return err
		}
	}
	return nil
}

// largest is the cell whose table has the most rows, of the lanes that are asked for; nil when all are empty.
func (x *Index) largest(of func(lane int) bool) *cell {
	var found *cell
	most := 0
	for i := range x.shards {
		for lane := range generations {
			if c := &x.shards[i].cells[lane]; c.table.count > most && of(lane) {
				found, most = c, c.table.count
			}
		}
	}
	return found
}
