package replay

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"replayd/archive"
	"replayd/replay/filter"
	"replayd/replay/merge"
	"replayd/replay/pace"
	"replayd/replay/shelf"
)

// pipeline is one session at work. Merging and committing each have a goroutine; everything between them happens in
// feed, one entry after another.
type pipeline struct {
	spec    *Spec
	options *Options
	sink    Sink
	merge   merge.Config
	began   time.Time
	earlier time.Duration // elapsed in sessions before this one

	hours    *hours
	decide   *decider
	chunker  *chunker
	steering *steering
	pacer    *pace.Pacer
	meter    *meter

	prepared bool          // what the session needs of the archive was there
	listed   chan struct{} // closed then: the merge may begin
	passing  *passing      // the batch that is on its way; nil: the next one is to be taken

	full, free chan *batch   // of entries, from the merge and back to it
	taken      *Chunk        // out of the chunker and not handed on yet
	chunks     chan *Chunk   // to be committed
	committed  chan struct{} // closed when no more will be
	last       Checkpoint    // the newest that is durable; read it once committed is closed
}

// batch is what passes from the merge at a time: single entries over a channel would cost more than their whole way.
type batch struct {
	items []merge.Item
	err   error // what came behind the items
}

const (
	batchItems = 512
	batches    = 3
)

// newPipeline makes a session. It asks nothing of the archive yet.
func (r *Runner) newPipeline(s *Spec, d Durable) *pipeline {
	p := r.empty(s, &d.Checkpoint)
	fetcher := r.fetcher(p.meter)
	p.hours = newHours(s, r.Source, fetcher, d, r.Options.Allow)
	p.hours.held = r.Options.Plan != ""
	account := d.Checkpoint
	account.Counters = d.Checkpoint.Counters.clone()
	share := r.Options.divided()
	spill := shelf.New(shelf.Options{Folder: r.Options.Spill, Limit: r.Options.Disk, Buffers: share.buffers})
	p.merge = r.merge(s, p.hours, fetcher, share)
	p.merge.Shelf, p.merge.Supply, p.merge.Misfit = spill, &p.meter.supply, p.meter.misfit
	p.decide = newDecider(s, p.options, &d.Checkpoint, share.dedupe, spill.Apart()) // what it keeps lives for a horizon
	p.chunker = newChunker(s, p.hours, account, p.options.chunkRecords, share.chunk)
	return p
}

// prepare looks at the archive and refuses what must be refused. It may be broken off, and goes on the next time.
func (p *pipeline) prepare(ctx context.Context) error {
	if p.prepared {
		return nil
	}
	s := p.spec
	keep, err := filter.Compile(s.Filter)
	if err != nil {
		return err
	}
	if keep.On() {
		p.merge.Fields.Also, p.merge.Filter = keep.Places(), keep.Judge
	}
	if !s.Window.Bounded() && p.hours.list[0].Bounded() {
		return fmt.Errorf("layout %s has hours: the spec's window must say which to read", s.Layout)
	}
	open, err := p.hours.open()
	if err != nil {
		return err
	}
	if err := p.hours.check(ctx); err != nil {
		return err
	}
	if err := p.hours.asPlanned(ctx, p.options.Plan); err != nil {
		return err
	}
	account := &p.chunker.account
	account.openHours(open)
	account.Changed = account.Changed || p.hours.changed
	p.last.OpenHours, p.last.OpenHoursMore, p.last.Changed = account.OpenHours, account.OpenHoursMore, account.Changed
	p.prepared = true
	close(p.listed)
	return nil
}

// empty is a session that goes on from c and has no stages yet.
func (r *Runner) empty(s *Spec, c *Checkpoint) *pipeline {
	steering := newSteering(&r.Options)
	return &pipeline{
		spec: s, options: &r.Options, sink: r.Sink, began: time.Now(), earlier: time.Duration(c.ElapsedMS) * time.Millisecond, last: *c,
		steering: steering, pacer: steering.pacer, meter: newMeter(s, c, steering.pacer),
		full: make(chan *batch, batches), free: make(chan *batch, batches), listed: make(chan struct{}),
		chunks: make(chan *Chunk), committed: make(chan struct{}),
	}
}

// fetcher opens objects and tells m of them.
func (r *Runner) fetcher(m *meter) *archive.Fetcher {
	o := &r.Options
	return &archive.Fetcher{Store: r.Source.Store, Stall: o.Stall, GiveUp: o.GiveUp, Waiting: m.archiveWaits, Fetched: m.came}
}

// merge is how the hours are merged with a share of the memory.
func (r *Runner) merge(s *Spec, h *hours, f *archive.Fetcher, share shares) merge.Config {
	return merge.Config{
		Rules: s.rules(), Feed: h, Source: r.Source, Fetcher: f, Fields: s.Fields,
		Limits: archive.Limits{Event: s.RecordLimit}, Memory: share.runs, Step: share.step, Part: share.part, Spilled: share.spilled, Workers: r.Options.workers(),
		Ahead: share.ahead, Streams: share.streams, Batch: share.chunk / batches,
	}
}

// run drives the stages to the end of the replay, or of the session.
func (p *pipeline) run(ctx context.Context) (Receipt, error) {
	defer p.decide.index.Close()
	g, ctx := errgroup.WithContext(ctx)
	ctx, end := context.WithCancel(ctx)
	g.Go(func() error {
		defer end()
		return p.feed(ctx)
	})
	g.Go(func() error { return p.mergeBatches(ctx) })
	g.Go(func() error { return p.commitChunks(ctx) })
	g.Go(func() error { return p.meter.report(ctx, p.options.Observe) })
	g.Go(func() error { return p.watch(ctx) })
	g.Go(func() error {
		p.options.follow(ctx, p.steering.obey)
		return nil
	})
	if err := g.Wait(); err != nil {
		return Receipt{}, err
	}
	if p.last.Receipt == nil {
		p.last.Seal(p.spec)
	}
	return *p.last.Receipt, nil
}
