package merge

import "sync/atomic"

// budget is the memory that runs may hold together, in bytes. It is a limit asked for, not a place: what it grants is
// allocated elsewhere.
type budget struct{ left atomic.Int64 }

// newBudget grants up to n bytes at a time.
func newBudget(n int64) *budget {
	b := &budget{}
	b.left.Store(n)
	return b
}

// take grants n bytes, or none.
func (b *budget) take(n int64) bool {
	if b.left.Add(-n) >= 0 {
		return true
	}
	b.left.Add(n)
	return false
}

func (b *budget) give(n int64) { b.left.Add(n) }
