package merge

import (
	"sync"
	"time"

	"replayd/archive"
)

// Supply is how the archive's bytes come to a merge, for others to look at while it works: above all whether they come too
// slowly. It sums up for how long the merge waited for the store.
//
// Who waits for what: the merge is one goroutine, and waits for one object at a time, the next in order; a worker or a
// stream reads that, and may wait for the store in turn. Only while both wait does the archive hold the merge up. Objects that
// wait for the store while the merge is busy with others cost nothing, which is what looking ahead is for; and where the merge
// waits for an object whose reader is at work, faster bytes would be of no use.
//
// The zero value is ready. It is safe for concurrent use.
type Supply struct {
	mu      sync.Mutex
	workers int
	asking  int       // workers that wait for the store
	wanted  *delivery // what the merge waits for; nil: for nothing
	at      time.Time // up to when waited is summed up
	waited  time.Duration
	opened  int64
}

// Waited is for how long the merge has waited for the store until now.
func (s *Supply) Waited() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum()
	return s.waited
}

// Opened is how many objects workers have begun to read.
func (s *Supply) Opened() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

// begin readies s for a merge with so many workers.
func (s *Supply) begin(workers int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workers = workers
}

// sum adds the time since it was last called, as what is wanted has been since then. An object that no worker has time for
// waits for what the workers wait for: for the store in so far as they do.
func (s *Supply) sum() {
	now := time.Now()
	span := now.Sub(s.at)
	s.at = now
	switch d := s.wanted; {
	case d == nil:
	case d.asking:
		s.waited += span
	case !d.read:
		s.waited += span * time.Duration(s.asking) / time.Duration(s.workers)
	}
}

// delivery is an object on its way to the merge, or an hour that is being listed. It belongs to whoever brings it on, one
// goroutine after another, but for awaited.
type delivery struct {
	supply *Supply
	asking bool // who brings it on waits for the store
	read   bool // a worker has begun to read it
	worker bool // and still does; behind that, a stream may
}

// awaited notes that the merge waits for d, or no longer does.
func (d *delivery) awaited(on bool) {
	s := d.supply
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum()
	s.wanted = nil
	if on {
		s.wanted = d
	}
}

// asks notes that who brings d on waits for the store, or no longer does.
func (d *delivery) asks(on bool) {
	s := d.supply
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum()
	d.change(on, d.worker)
}

// begin notes that a worker reads d.
func (d *delivery) begin() {
	s := d.supply
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum()
	s.opened++
	d.read = true
	d.change(d.asking, true)
}

// end notes that the worker is done. A stream that goes on with the object may wait for the store already.
func (d *delivery) end() {
	s := d.supply
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum()
	d.change(d.asking, false)
}

// change keeps count of the workers that wait.
func (d *delivery) change(asking, worker bool) {
	if d.asking && d.worker {
		d.supply.asking--
	}
	d.asking, d.worker = asking, worker
	if asking && worker {
		d.supply.asking++
	}
}

// body is what is read of an object. It notes while the store is waited for: the two looks at the clock are nothing beside
// what a read costs.
type body struct {
	*archive.Ahead
	of *delivery
}

var _ archive.Sized = body{}

// Read is part of io.Reader.
func (b body) Read(p []byte) (int, error) {
	b.of.asks(true)
	defer b.of.asks(false)
	return b.Ahead.Read(p)
}
