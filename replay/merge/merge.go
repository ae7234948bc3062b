package merge

import (
	"context"
	"fmt"
	"io"
	"math"
	"sync"

	"replayd/archive"
	"replayd/replay/shelf"
)

// Feed lists the archive hour by hour, lazily. It is called by one goroutine at a time, not always the same.
type Feed interface {
	// Bound is a lower bound of the opening bounds of all objects that are not listed yet; false when none are left.
	Bound() (int64, bool)

	// Next lists the next hour, which may be empty. After an error it may be called again, for the same hour.
	Next(ctx context.Context) ([]*Object, error)
}

// Config is what a Merger needs.
type Config struct {
	Rules   Rules
	Feed    Feed
	Source  archive.Source
	Fetcher *archive.Fetcher
	Fields  archive.Fields
	Limits  archive.Limits
	Memory  int64        // bytes that resident runs may hold; what does not fit is read twice, or spilled
	Step    int64        // how much memory a run asks for at a time; default 1 MiB
	Part    int64        // how much of a run is packed at a time to be spilled; default 256 KiB
	Shelf   *shelf.Shelf // takes what does not fit
	Spilled int64        // bytes that may be kept of what stands there, while it is read; what does not fit is read again
	Workers int          // objects read at a time
	Batch   int64        // bytes of values that Next returns at a time, unless it is one item; 0: any

	// Streams are the objects that do not fit and may be read a second time while they are merged, at StreamSize or more
	// each. Others spill.
	Streams Room

	// Ahead are the objects more that may be open, whose first bytes are fetched before a worker has time for them. Of
	// none a worker asks for each object itself.
	Ahead Room

	// Supply, unless nil, tells others how the archive's bytes come.
	Supply *Supply

	// Misfit is told when an object that did not fit into Memory is taken into the merge, by the goroutine of Next. nil: nobody is.
	Misfit func(Fit)

	// Filter makes a judge of events of the window; nil keeps all. Each worker has a judge of its own. Its error is of
	// the event, and makes it Unjudged.
	Filter func() func(*archive.Entry) (keep bool, err error)
}

// Room is for how many objects something is at a time, and for how many of their bytes together.
type Room struct {
	Objects int
	Bytes   int64
}

// Merger yields the entries of an archive in the order of their positions. Next and Close belong to one goroutine.
type Merger struct {
	cfg      Config
	budget   *budget
	pool     *pool
	streams  *streams
	desk     *desk
	fit      Fit
	held     int64 // by the runs in the heap, as Fit.Needs counts
	taken    bool  // the first of the heap was handed out, and has to move on
	heap     heap
	pending  []*load  // listed, not in the heap; by the lowest position they can hold
	listing  *listing // the next hour, when it is being listed
	unlisted int64    // bound of the hours behind those that are pending; MaxInt64 when there are none
	wanted   int      // loads that workers may read, or have read, and that are not yet taken into the heap
	look     lookahead
	beside   func(do func(context.Context)) // goes on until it is done, or the merge is closed
	jobs     chan *load
	stop     context.CancelFunc
	goes     sync.WaitGroup
	workers  sync.WaitGroup
}

// New starts the workers of a merge. They stop with ctx or Close.
func New(ctx context.Context, cfg Config) *Merger {
	if cfg.Step == 0 {
		cfg.Step = defaultStep
	}
	if cfg.Part == 0 {
		cfg.Part = defaultPart
	}
	if cfg.Supply == nil {
		cfg.Supply = &Supply{}
	}
	cfg.Workers = max(1, cfg.Workers)
	cfg.Supply.begin(cfg.Workers)
	ctx, stop := context.WithCancel(ctx)
	m := &Merger{
		cfg: cfg, budget: newBudget(cfg.Memory), desk: newDesk(cfg.Spilled), stop: stop,
		pool: newPool(int(max(1, cfg.Step/slabsInStep))),
		jobs: make(chan *load, mostWanted(cfg.Workers)), look: newLookahead(&cfg), unlisted: unlisted(cfg.Feed),
	}
	m.beside = func(do func(context.Context)) {
		m.goes.Go(func() { do(ctx) })
	}
	m.streams = &streams{cfg: &m.cfg, places: newBudget(int64(cfg.Streams.Objects)), bytes: newBudget(cfg.Streams.Bytes), reading: &m.workers}
	for range cfg.Workers {
		m.workers.Go(func() { m.work(ctx) })
	}
	return m
}

// Next writes the items that come next into batch and returns how many they are, at least one; io.EOF after the last. It
// waits for the archive only while it has none to return.
func (m *Merger) Next(ctx context.Context, batch []Item) (int, error) {
	n, bytes := 0, int64(0)
	for ; n < len(batch); n++ {
		if n > 0 && m.heap[0].run.waits() {
			return n, nil
		}
		if err := m.advance(); err != nil {
			return n, err
		}
		if n > 0 && m.waits() {
			return n, nil
		}
		if err := m.admit(ctx); err != nil {
			if err == io.EOF && n > 0 {
				return n, nil
			}
			return n, err
		}
		if err := m.heap[0].run.item(&batch[n]); err != nil {
			return n, err
		}
		m.taken = true
		if bytes += int64(len(batch[n].Value)); bytes > m.cfg.Batch && m.cfg.Batch > 0 {
			return n + 1, nil
		}
	}
	return n, nil
}

// Close stops the workers, waits for them and frees all runs.
func (m *Merger) Close() {
	m.stop()
	m.goes.Wait()
	close(m.jobs)
	m.workers.Wait()
	for _, l := range m.pending {
		if l.run != nil {
			_ = l.run.close()
		}
	}
	for _, l := range m.heap {
		_ = l.run.close()
	}
	m.pending, m.heap = nil, nil
}

// advance moves the run on whose head was handed out.
func (m *Merger) advance() error {
	if !m.taken {
		return nil
	}
	m.taken = false
	first, open := m.heap[0].run.object(), len(m.heap)
	err := m.heap.advance()
	if len(m.heap) < open {
		m.left(first)
	}
	return err
}

// admit opens what could hold the smallest entry: hours first, then objects.
func (m *Merger) admit(ctx context.Context) error {
	for {
		var err error
		switch {
		case m.mustList():
			err = m.list(ctx)
		case m.mustOpen():
			err = m.take(ctx, m.pending[0])
		case len(m.heap) == 0:
			err = io.EOF
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// waits reports whether admit would have to wait for the archive.
func (m *Merger) waits() bool {
	if m.mustList() {
		return true
	}
	if !m.mustOpen() {
		return false
	}
	first := m.pending[0]
	m.start(first)
	select {
	case <-first.done:
		return false
	default:
		return true
	}
}

// mustList reports whether an hour that is not listed yet could hold the smallest entry.
func (m *Merger) mustList() bool {
	if m.unlisted == math.MaxInt64 {
		return false
	}
	inHeap := len(m.heap) > 0 && m.heap[0].time < m.unlisted
	inPending := len(m.pending) > 0 && m.pending[0].object.Bound < m.unlisted
	return !inHeap && !inPending
}

// mustOpen reports whether the first pending object could.
func (m *Merger) mustOpen() bool {
	if len(m.pending) == 0 || len(m.heap) == 0 {
		return len(m.pending) > 0
	}
	o, first := m.pending[0].object, &m.heap[0]
	if o.Bound != first.time {
		return o.Bound < first.time
	}
	return o.Key <= first.run.object().Key // it begins before any entry of the same object
}

// take waits for the run of the first pending object and puts it into the heap.
func (m *Merger) take(ctx context.Context, l *load) error {
	m.start(l)
	l.delivery.awaited(true)
	defer l.delivery.awaited(false)
	select {
	case <-l.done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if l.err != nil {
		return l.err
	}
	m.pending[0] = nil
	m.pending = m.pending[1:]
	m.wanted--
	m.came(l.object)
	m.heap.push(l.run)
	m.prefetch()
	return nil
}

// work reads objects until the jobs end.
func (m *Merger) work(ctx context.Context) {
	r := archive.NewReader(m.cfg.Source, m.cfg.Fetcher, m.cfg.Fields, m.cfg.Limits)
	defer r.Close()
	keep, press := m.cfg.judge(), newPress(m.cfg.Part)
	for l := range m.jobs {
		l.delivery.begin()
		l.run, l.err = build(ctx, builder{
			placing: newPlacing(m.cfg.Rules, l.object, keep), store: newStore(), reader: r, delivery: &l.delivery, opened: l.body,
			budget: m.budget, step: m.cfg.Step, shelf: m.cfg.Shelf, desk: m.desk, pool: m.pool, press: press, streams: m.streams,
		})
		if l.err != nil {
			l.err = fmt.Errorf("read object %s: %w", archive.Printable(l.object.Key), l.err)
		}
		m.look.bytes.give(int64(len(l.first)))
		l.first = nil
		l.delivery.end()
		close(l.done)
	}
}

// judge is a new judge of events.
func (c *Config) judge() func(*archive.Entry) (bool, error) {
	if c.Filter == nil {
		return func(*archive.Entry) (bool, error) { return true, nil }
	}
	return c.Filter()
}
