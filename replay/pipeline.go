package replay

import (
	"context"
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

	decide  *decider
	chunker *chunker
	pacer   *pace.Pacer
	meter   *meter

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

// newPipeline prepares a session: it looks at the archive and refuses what must be refused.
func (r *Runner) newPipeline(ctx context.Context, s *Spec, d Durable) (*pipeline, error) {
	if err := s.Window.Fits(r.Source.Layout); err != nil {
		return nil, err
	}
	keep, err := filter.Compile(s.Filter)
	if err != nil {
		return nil, err
	}
	p := r.empty(s, &d.Checkpoint)
	fetcher := r.fetcher(p.meter)
	hours := newHours(s, r.Source, fetcher, d, r.Options.Allow)
	if p.last, err = hours.account(ctx, d.Checkpoint); err != nil {
		return nil, err
	}
	share := r.Options.divided()
	spill := shelf.New(shelf.Options{Folder: r.Options.Spill, Limit: r.Options.Disk, Buffers: share.buffers})
	p.merge = r.merge(s, hours, fetcher, share)
	p.merge.Shelf, p.merge.Supply, p.merge.Misfit = spill, &p.meter.supply, p.meter.misfit
	if keep.On() {
		p.merge.Fields.Also, p.merge.Filter = keep.Places(), keep.Judge
	}
	p.decide = newDecider(s, p.options, &d.Checkpoint, share.dedupe, spill.Apart()) // what it keeps lives for a horizon
	p.chunker = newChunker(s, hours, p.last, p.options.chunkRecords, share.chunk)
	return p, nil
}

// empty is a session that goes on from c and has no stages yet.
func (r *Runner) empty(s *Spec, c *Checkpoint) *pipeline {
	o := &r.Options
	p := &pipeline{
		spec: s, options: o, sink: r.Sink, began: time.Now(), earlier: time.Duration(c.ElapsedMS) * time.Millisecond,
		pacer: pace.New(o.Pace, pace.Options{MaxGap: o.MaxGap, Ramp: pace.Ramp(o.Ramp)}),
		full:  make(chan *batch, batches), free: make(chan *batch, batches),
		chunks: make(chan *Chunk), committed: make(chan struct{}),
	}
	p.meter = newMeter(s, c, p.pacer)
	return p
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
	working, stop := context.WithCancel(ctx)
	g.Go(func() error {
		defer end()
		return p.feed(ctx, working)
	})
	g.Go(func() error { return p.mergeBatches(ctx) })
	g.Go(func() error { return p.commitChunks(ctx) })
	g.Go(func() error { return p.meter.report(ctx, p.options.Observe) })
	g.Go(func() error { return p.watch(ctx) })
	g.Go(func() error {
		defer stop()
		select {
		case <-p.options.Stop:
		case <-ctx.Done():
		}
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
