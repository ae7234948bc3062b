package merge

import "slices"

// table holds entries in rows, so that none moves when there are more: a slice that grows stands in memory twice while it
// does, and then has room that nobody counts.
type table struct {
	rows [][]entry // each full but the last, none empty
	size int
}

// rowEntries is how many entries a row has: 32 KiB. The first one grows up to there: small objects are many.
const rowEntries = 256

// add appends e.
func (t *table) add(e *entry) {
	if t.size%rowEntries == 0 {
		t.open()
	}
	last := len(t.rows) - 1
	t.rows[last] = append(t.rows[last], *e)
	t.size++
}

func (t *table) open() {
	switch {
	case len(t.rows) == 0:
		t.rows = append(t.rows, nil)
	case t.size > 0:
		t.rows = append(t.rows, make([]entry, 0, rowEntries))
	}
}

// empty lets all entries go, and all rows but the first, which is filled again.
func (t *table) empty() {
	if len(t.rows) > 0 {
		t.rows = [][]entry{t.rows[0][:0]}
	}
	t.size = 0
}

// at is entry i, which is valid as long as the table is.
func (t *table) at(i int) *entry { return &t.rows[i/rowEntries][i%rowEntries] }

// trim gives the last row just the room that it needs.
func (t *table) trim() {
	if last := len(t.rows) - 1; last >= 0 {
		t.rows[last] = slices.Clone(t.rows[last])
	}
}
