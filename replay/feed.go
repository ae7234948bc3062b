package replay

import (
	"context"
	"errors"
	"io"
	"time"

	"replayd/replay/merge"
)

// mergeBatches reads the archive in order, into free batches.
func (p *pipeline) mergeBatches(ctx context.Context) error {
	m := merge.New(ctx, p.merge)
	defer m.Close()
	misfits := misfits{options: p.options}
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
			misfits.look(m.Fit())
			p.full <- b // has room for all batches there are
			if err != nil {
				return nil
			}
		}
	}
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
	if errors.Is(end, errCommitFailed) {
		return nil // the committer says why
	}
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
	if !p.chunker.empty() {
		timer := time.NewTimer(time.Until(p.chunker.closes))
		defer timer.Stop()
		due = timer.C
	}
	defer p.meter.measure(&p.meter.starving)()
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
	p.meter.passed(&p.chunker.account, p.chunker.valueBytes)
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
		if i%warmed == 0 {
			p.decide.warm(items[i:min(i+warmed, len(items))])
		}
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
		case accounted:
			p.meter.recalled(it.Time)
			if it.Kind == merge.End {
				p.chunker.hours.ended(it)
				it.Object.Release(true)
			}
			continue
		case produced:
			if err := turns.wait(ctx); err != nil {
				return err
			}
		}
		if p.chunker.full(len(it.Value)) {
			if err := p.flush(ctx, Running); err != nil {
				return err
			}
		}
		p.chunker.place(it, v)
		if v.outcome == produced && p.chunker.account.Seq == p.spec.Limit {
			p.chunker.limited = true
			return io.EOF
		}
	}
	if !p.chunker.empty() && !time.Now().Before(p.chunker.closes) {
		return p.flush(ctx, Running)
	}
	return nil
}

// flush hands the chunk on, waiting while the one before it is under way. When ctx ends meanwhile the chunk is kept, and
// is the first that the next flush hands on: its entries are accounted for.
func (p *pipeline) flush(ctx context.Context, state State) error {
	if p.taken != nil {
		if err := p.hand(ctx); err != nil {
			return err
		}
	}
	if p.chunker.empty() && state == Running {
		return nil
	}
	p.meter.passed(&p.chunker.account, p.chunker.valueBytes) // one batch may take many chunks
	p.taken = p.chunker.take(state, p.elapsed())
	return p.hand(ctx)
}

// hand gives the chunk that was taken to the committer.
func (p *pipeline) hand(ctx context.Context) error {
	defer p.meter.measure(&p.meter.handing)()
	select {
	case p.chunks <- p.taken:
		p.taken = nil
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-p.committed:
		return errCommitFailed
	}
}

// errCommitFailed ends feed when the committer has ended with an error of its own, which is the one to tell.
var errCommitFailed = errors.New("commit failed")

// finish hands the last chunk on.
func (p *pipeline) finish(ctx context.Context, state State, reason string) error {
	p.chunker.account.Reason = reason
	return p.flush(ctx, state)
}

func (p *pipeline) ending() State {
	if p.chunker.account.Counters.Quarantined > 0 {
		return CompletedWithQuarantine
	}
	return Completed
}

func (p *pipeline) elapsed() time.Duration { return p.earlier + time.Since(p.began) }
