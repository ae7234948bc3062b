package merge

import "sync/atomic"

// Budget is the memory that runs may hold together, in bytes. It is a limit asked for, not a place: what it grants is
// allocated elsewhere.
type Budget struct{ left atomic.Int64 }

// NewBudget grants up to n bytes at a time.
func NewBudget(n int64) *Budget {
	b := &Budget{}
	b.left.Store(n)
	return b
}

// take grants n bytes, or none.
func (b *Budget) take(n int64) bool {
	if b.left.Add(-n) >= 0 {
		return true
	}
	b.left.Add(n)
	return false
}

func (b *Budget) give(n int64) { b.left.Add(n) }
