package merge

import (
	"context"
	"time"

	"replayd/archive"
)

// load is an object on its way to a run: opened, its first bytes fetched, wanted, read. A goroutine of its own brings it
// from the first step to the third, so that no worker waits for a first byte while there is another object to read.
type load struct {
	object   *Object
	delivery delivery

	opened  bool
	round   int    // of the lookahead, in which it was opened
	first   []byte // room for its first bytes, charged to the lookahead
	body    *archive.Ahead
	fetched chan struct{} // closed when the first bytes are there, or will not come without being waited for

	started bool
	wanted  chan struct{} // closed when a worker may read it

	done chan struct{} // closed when run or err is set
	run  cursor
	err  error
}

func newLoad(o *Object, s *Supply) *load {
	return &load{object: o, delivery: delivery{supply: s}, fetched: make(chan struct{}), wanted: make(chan struct{}), done: make(chan struct{})}
}

// prefetch lets the workers read the next objects, opens those behind them, and lists what comes behind these.
func (m *Merger) prefetch() {
	m.listedAhead()
	for _, l := range m.pending {
		switch {
		case m.wanted < m.cfg.Workers*wantedPerWorker:
			m.start(l)
		case l.opened:
		case !m.openAhead(l):
			return
		}
	}
	m.listAhead()
}

// openAhead opens l before it is wanted, and reports whether there was room for it.
func (m *Merger) openAhead(l *load) bool {
	if !m.look.room() {
		return false
	}
	n, ok := m.look.grant(l.object)
	if ok {
		m.look.opened(l)
		m.open(l, n)
	}
	return ok
}

// start lets the workers read l.
func (m *Merger) start(l *load) {
	if l.started {
		return
	}
	l.started = true
	m.wanted++
	if l.opened {
		m.look.wanted(l)
	} else {
		n, _ := m.look.grant(l.object) // without it the worker asks for the first byte
		m.open(l, n)
	}
	close(l.wanted)
}

// open opens l and fetches n bytes, which have been granted, beside all else that goes on.
func (m *Merger) open(l *load, n int64) {
	l.opened, l.first = true, make([]byte, n)
	m.beside(func(ctx context.Context) { m.fetch(ctx, l) })
}

// fetch gets the first bytes of l, and hands it to the workers once it is wanted.
func (m *Merger) fetch(ctx context.Context, l *load) {
	l.body = m.cfg.Fetcher.OpenAhead(ctx, l.object.Object)
	if len(l.first) > 0 {
		began := time.Now()
		l.delivery.asks(true)
		n := l.body.Fetch(l.first)
		l.delivery.asks(false)
		if n > 0 { // an error may come at once from anywhere
			m.look.measure(time.Since(began))
		}
	}
	close(l.fetched)
	select {
	case <-l.wanted:
		m.jobs <- l // never blocks: its capacity is the largest number of wanted loads
	case <-ctx.Done():
		_ = l.body.Close()
		l.err = context.Cause(ctx)
		close(l.done)
	}
}
