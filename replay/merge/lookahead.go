package merge

import (
	"sync/atomic"
	"time"
)

const (
	// wantedPerWorker is how many objects each worker may read before the heap needs them.
	wantedPerWorker = 2

	// mostAhead is how many objects are opened ahead at most. At 50 ms to the first byte, 64 objects of 100 KB are 128 MB/s.
	mostAhead = 64

	// firstBytes is how much of an object is fetched before a worker has time for it: all of most objects. What comes
	// behind it a worker reads from a connection that already flows.
	firstBytes = 256 << 10

	// probe is how much is fetched of objects of a store that is near, or not known yet: the wait, and next to no bytes.
	probe = 4 << 10

	// nearby is the time to the first byte that is not worth hiding: fetching ahead copies what it fetches, which costs as
	// much as a tenth of the reading of small objects.
	nearby = 2 * time.Millisecond
)

// Ahead is for how many objects Config.Ahead may be, with so many workers and no more than open objects open: half of those
// that they leave. What is left then is for others.
func Ahead(workers, open int) (ahead, left int) {
	rest := open - mostWanted(workers)
	if ahead = min(mostAhead, rest/2); ahead <= 0 {
		return 0, max(0, open-workers)
	}
	return ahead, rest - ahead
}

// mostWanted is how many objects workers may have been told to read: the one that the heap waits for may be one more.
func mostWanted(workers int) int { return workers*wantedPerWorker + 1 }

// lookahead bounds what is opened before a worker has time for it, so that none waits 50 ms for the first byte of a store
// far away. It begins with as many objects as there are workers, and doubles when the workers come to an object whose
// first bytes are still on their way although it was opened ahead: a few rounds lead to as many as the store needs, and of
// a replay that ends with its first event little was fetched in vain.
//
// It belongs to the goroutine of the Merger, but for what is atomic, and its budget.
type lookahead struct {
	workers int
	most    int     // objects opened ahead, at most
	bytes   *budget // of first bytes, until their object is read
	allowed int     // objects that may be open ahead now; 0 until the store is known to be far
	open    int     // that are
	round   int     // how often allowed has grown

	asked atomic.Bool // some first bytes have come
	near  atomic.Bool // and one so soon that the store is not far: what else takes time is not the way to it
}

func newLookahead(cfg *Config) lookahead {
	return lookahead{workers: cfg.Workers, most: cfg.Ahead.Objects, bytes: newBudget(cfg.Ahead.Bytes)}
}

// measure notes how long a first byte took.
func (a *lookahead) measure(took time.Duration) {
	if took < nearby {
		a.near.Store(true)
	}
	a.asked.Store(true)
}

// far reports whether first bytes take so long that looking ahead pays. Once it does it goes on doing so.
func (a *lookahead) far() bool { return a.allowed > 0 || a.asked.Load() && !a.near.Load() }

// room reports whether one more object may be opened ahead.
func (a *lookahead) room() bool {
	if a.allowed == 0 && a.far() {
		a.allowed = min(a.workers, a.most)
	}
	return a.open < a.allowed
}

// grant takes from the budget what is to be fetched of o before it is read, and reports whether it was there.
func (a *lookahead) grant(o *Object) (int64, bool) {
	n := min(o.Size, probe)
	if a.far() {
		n = min(o.Size, firstBytes)
	}
	if a.most == 0 || !a.bytes.take(n) {
		return 0, false
	}
	return n, true
}

// opened notes that l was opened ahead.
func (a *lookahead) opened(l *load) {
	a.open++
	l.round = a.round
}

// wanted notes that a worker may now read l, which was opened ahead.
func (a *lookahead) wanted(l *load) {
	a.open--
	select {
	case <-l.fetched:
		return
	default:
	}
	if l.round == a.round { // what was allowed when it was opened is to be judged
		a.allowed = min(2*a.allowed, a.most)
		a.round++
	}
}
