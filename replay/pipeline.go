package replay

import (
	"context"
	"errors"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"replayd/archive"
	"replayd/replay/merge"
	"replayd/replay/pace"
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

	decide *decider
	build  *builder
	pacer  *pace.Pacer
	meter  *meter

	full, free chan *batch   // of entries, from the merge and back to it
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
	o := &r.Options
	p := &pipeline{
		spec: s, options: o, sink: r.Sink, began: time.Now(),
		earlier: time.Duration(d.Checkpoint.ElapsedMS) * time.Millisecond,
		pacer:   pace.New(o.Pace, pace.Options{MaxGap: o.MaxGap, Ramp: pace.Ramp(o.Ramp)}),
		full:    make(chan *batch, batches), free: make(chan *batch, batches),
		chunks: make(chan *Chunk), committed: make(chan struct{}),
	}
	p.meter = newMeter(s, &d.Checkpoint, p.pacer)
	fetcher := &archive.Fetcher{Store: r.Source.Store, Stall: o.Stall, GiveUp: o.GiveUp, Waiting: p.meter.archiveWaits}
	hours := newHours(s, r.Source, fetcher, d, o.Allow)
	account := d.Checkpoint
	account.Counters, account.Reason = d.Checkpoint.Counters.clone(), ""
	var err error
	if account.OpenHours, err = hours.open(); err != nil {
		return nil, err
	}
	if err := hours.check(ctx); err != nil {
		return nil, err
	}
	account.Changed = account.Changed || hours.changed
	p.last = account
	p.decide = newDecider(s, o, &d.Checkpoint)
	p.build = newBuilder(s, hours, account, o.chunkRecords)
	p.merge = merge.Config{
		Rules: s.rules(), Feed: hours, Source: r.Source, Fetcher: fetcher, Fields: s.Fields,
		Limits: archive.Limits{Event: s.RecordLimit}, Memory: o.Memory / 2, Step: o.step, Disk: o.Disk, Spill: o.Spill, Workers: o.workers(),
	}
	return p, nil
}

// run drives the stages to the end of the replay, or of the session.
func (p *pipeline) run(ctx context.Context) (Receipt, error) {
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

// mergeBatches reads the archive in order, into free batches.
func (p *pipeline) mergeBatches(ctx context.Context) error {
	m := merge.New(ctx, p.merge)
	defer m.Close()
	for range batches {
		p.free <- &batch{items: make([]merge.Item, batchItems)}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case b := <-p.free:
			n, err := m.Next(ctx, b.items[:batchItems])
			b.items, b.err = b.items[:n], err
			p.full <- b // has room for all batches there are
			if err != nil {
				return nil
			}
		}
	}
}

// commitChunks makes chunks durable, one after another. While one is under way the next is filled.
func (p *pipeline) commitChunks(ctx context.Context) error {
	defer close(p.committed)
	for c := range p.chunks {
		err := p.commit(ctx, c)
		if err != nil && c.Checkpoint.State == Failed {
			p.unwritten(err)
			return nil // the failure itself is the better error
		}
		if err != nil {
			p.tellFailure(ctx, err)
			return err
		}
		p.last = c.Checkpoint
	}
	return nil
}

// failingCommit is how long the news of a failure may take to become durable.
const failingCommit = 10 * time.Second

func (p *pipeline) commit(ctx context.Context, c *Chunk) error {
	p.meter.committing(true)
	defer p.meter.committing(false)
	if c.Checkpoint.State == Failed {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, failingCommit)
		defer cancel()
	}
	return p.sink.Commit(ctx, c)
}

// tellFailure makes durable that the replay failed because a chunk could not be committed: a chunk of its own, without
// records, at the newest checkpoint.
func (p *pipeline) tellFailure(ctx context.Context, cause error) {
	var taken *TakenOver
	if ctx.Err() != nil || errors.As(cause, &taken) {
		return
	}
	c := &Chunk{Checkpoint: p.last}
	c.Checkpoint.Counters = p.last.Counters.clone()
	c.Checkpoint.State, c.Checkpoint.Reason = Failed, cause.Error()
	if err := p.commit(ctx, c); err != nil {
		p.unwritten(err)
	}
}

func (p *pipeline) unwritten(err error) {
	p.options.Notice("that the replay failed could not be written: " + err.Error())
}

// feed takes entries from the merge, decides about them, waits for their time, and hands on chunks, until the archive
// or working ends. It returns when the last chunk is durable.
func (p *pipeline) feed(ctx, working context.Context) error {
	end := p.work(working)
	if ctx.Err() == nil && working.Err() != nil {
		end = &Stopped{State: Paused, Reason: "interrupted"}
	}
	var stopped *Stopped
	switch {
	case errors.Is(end, io.EOF):
		end = p.finish(ctx, p.ending(), "")
	case errors.As(end, &stopped):
		if err := p.finish(ctx, stopped.State, stopped.Reason); err != nil {
			end = err
		}
	}
	close(p.chunks)
	<-p.committed
	return end
}

// work returns io.EOF at the end of the archive, or why it stopped before.
func (p *pipeline) work(ctx context.Context) error {
	for {
		b, err := p.nextBatch(ctx)
		if err != nil {
			return err
		}
		if err := p.pass(ctx, b); err != nil {
			return err
		}
	}
}

// nextBatch waits for entries; a chunk whose time has come does not wait with it.
func (p *pipeline) nextBatch(ctx context.Context) (*batch, error) {
	var due <-chan time.Time
	if !p.build.empty() {
		timer := time.NewTimer(time.Until(p.build.closes))
		defer timer.Stop()
		due = timer.C
	}
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-due:
			due = nil
			if err := p.flush(ctx, Running); err != nil {
				return nil, err
			}
		case b := <-p.full:
			return b, nil
		}
	}
}

// pass sends the entries of b on their way and gives b back.
func (p *pipeline) pass(ctx context.Context, b *batch) error {
	verdicts, stopped := p.judge(b.items)
	if err := p.place(ctx, b.items[:len(verdicts)], verdicts); err != nil {
		return err
	}
	p.meter.passed(&p.build.account, p.build.valueBytes)
	switch {
	case stopped != nil:
		return &Stopped{State: Failed, Reason: stopped.Error(), Err: stopped}
	case errors.Is(b.err, io.EOF):
		return b.err
	case b.err != nil:
		return &Stopped{State: Failed, Reason: b.err.Error(), Err: b.err}
	}
	p.free <- b // has room for all batches there are
	return nil
}

// judge decides about items, up to one that stops the replay.
func (p *pipeline) judge(items []merge.Item) ([]verdict, error) {
	verdicts := make([]verdict, 0, len(items))
	for i := range items {
		v, err := p.decide.judge(&items[i])
		if err != nil {
			return verdicts, err
		}
		verdicts = append(verdicts, v)
	}
	return verdicts, nil
}

// place puts items into chunks, each event when its pace allows. An entry counts from the moment it is placed.
func (p *pipeline) place(ctx context.Context, items []merge.Item, verdicts []verdict) error {
	turns := p.turns(items, verdicts)
	for i := range items {
		it, v := &items[i], verdicts[i]
		switch v.outcome {
		case known:
			p.meter.recalled(it.Time)
			continue
		case produced:
			if err := turns.wait(ctx); err != nil {
				return err
			}
		}
		if p.build.full(len(it.Value)) {
			if err := p.flush(ctx, Running); err != nil {
				return err
			}
		}
		p.build.place(it, v, time.Now())
	}
	if !p.build.empty() && !time.Now().Before(p.build.closes) {
		return p.flush(ctx, Running)
	}
	return nil
}

// turns are the events of one batch that wait for their pace.
type turns struct {
	p       *pipeline
	waiting []pace.Item
	granted int // of the events before waiting
}

func (p *pipeline) turns(items []merge.Item, verdicts []verdict) *turns {
	t := &turns{p: p}
	to := int64(0)
	if p.spec.Window.Bounded() {
		to = p.spec.Window.To.UnixNano()
	}
	for i := range items {
		if verdicts[i].outcome != produced {
			continue
		}
		at := items[i].Time
		if to != 0 {
			at = min(at, to) // a clamped time may lie behind the window
		}
		t.waiting = append(t.waiting, pace.Item{Time: at, Bytes: int64(len(items[i].Value))})
	}
	return t
}

// wait returns when the next event may go. A chunk whose time comes meanwhile is handed on.
func (t *turns) wait(ctx context.Context) error {
	for t.granted == 0 {
		n, err := t.p.pacer.Grant(ctx, t.waiting, t.p.build.closes)
		if err != nil {
			return err
		}
		if n == 0 {
			if err := t.p.flush(ctx, Running); err != nil {
				return err
			}
		}
		t.granted, t.waiting = n, t.waiting[n:]
	}
	t.granted--
	return nil
}

// flush hands the chunk on, waiting while the one before it is under way.
func (p *pipeline) flush(ctx context.Context, state State) error {
	if p.build.empty() && state == Running {
		return nil
	}
	c := p.build.take(state, p.elapsed())
	p.meter.handing(true)
	defer p.meter.handing(false)
	select {
	case p.chunks <- c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-p.committed:
		return errCommitFailed
	}
}

// errCommitFailed is never seen: the error of the commit itself came first.
var errCommitFailed = errors.New("commit failed")

// finish hands the last chunk on.
func (p *pipeline) finish(ctx context.Context, state State, reason string) error {
	p.build.account.Reason = reason
	return p.flush(ctx, state)
}

func (p *pipeline) ending() State {
	if p.build.account.Counters.Quarantined > 0 {
		return CompletedWithQuarantine
	}
	return Completed
}

func (p *pipeline) elapsed() time.Duration { return p.earlier + time.Since(p.began) }
