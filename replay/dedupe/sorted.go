package dedupe

import (
	"cmp"
	"math/bits"
	"slices"
)

// cursor yields rows in the order of their keys, then bodies. A row is valid until the next call; nil is the end.
type cursor interface {
	next() (*row, error)
}

func (r *row) compare(o *row) int {
	switch {
	case r.key.Hi != o.key.Hi:
		return cmp.Compare(r.key.Hi, o.key.Hi)
	case r.key.Lo != o.key.Lo:
		return cmp.Compare(r.key.Lo, o.key.Lo)
	}
	return cmp.Compare(r.body, o.body)
}

// sorter puts the rows of tables into order. It keeps its memory.
type sorter struct {
	rows []row
	next []uint32 // by the leading bits of keys: where the next row with these belongs
}

// sort returns a cursor over a table, valid until the next sort. Keys are uniform: dealt out by their leading bits to as
// many places as there are rows, they are nearly in order.
func (s *sorter) sort(t *table) *sorted {
	shift := 64 - bits.Len(uint(t.count))
	s.rows, s.next = grown(s.rows, t.count), grown(s.next, 1<<(64-shift)+1)
	clear(s.next)
	for r := range t.all() {
		s.next[rest(r.key)>>shift+1]++
	}
	for i := range s.next[1:] {
		s.next[i+1] += s.next[i]
	}
	for r := range t.all() {
		to := &s.next[rest(r.key)>>shift]
		s.rows[*to] = *r
		*to++
	}
	for i := range s.rows {
		for ; i > 0 && s.rows[i].compare(&s.rows[i-1]) < 0; i-- {
			s.rows[i], s.rows[i-1] = s.rows[i-1], s.rows[i]
		}
	}
	return &sorted{s.rows}
}

// grown is s with length n; what it holds is of no interest.
func grown[S ~[]T, T any](s S, n int) S {
	if cap(s) < n {
		return make(S, n)
	}
	return s[:n]
}

// sorted is a cursor over rows that are in order.
type sorted struct{ rows []row }

func (s *sorted) next() (*row, error) {
	if len(s.rows) == 0 {
		return nil, nil
	}
	r := &s.rows[0]
	s.rows = s.rows[1:]
	return r, nil
}

// merged is a cursor over several. It folds the rows of one key and body into one, with the largest merge time.
type merged struct {
	from []cursor // that have rows left
	head []*row   // the first row of each
	row  row
}

func merge(from []cursor) (*merged, error) {
	m := &merged{}
	for _, c := range from {
		r, err := c.next()
		if err != nil {
			return nil, err
		}
		if r != nil {
			m.from, m.head = append(m.from, c), append(m.head, r)
		}
	}
	return m, nil
}

func (m *merged) next() (*row, error) {
	if len(m.head) == 0 {
		return nil, nil
	}
	m.row = *m.head[m.lowest()]
	for len(m.head) > 0 {
		i := m.lowest()
		if m.head[i].compare(&m.row) != 0 {
			break
		}
		m.row.at = max(m.row.at, m.head[i].at)
		if err := m.advance(i); err != nil {
			return nil, err
		}
	}
	return &m.row, nil
}

// lowest is the number of the cursor whose row is the first.
func (m *merged) lowest() int {
	low := 0
	for i := 1; i < len(m.head); i++ {
		if m.head[i].compare(m.head[low]) < 0 {
			low = i
		}
	}
	return low
}

func (m *merged) advance(i int) error {
	r, err := m.from[i].next()
	if r == nil {
		m.from, m.head = slices.Delete(m.from, i, i+1), slices.Delete(m.head, i, i+1)
		return err
	}
	m.head[i] = r
	return nil
}
