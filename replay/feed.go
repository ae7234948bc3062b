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
	select {
	case <-p.listed:
	case <-ctx.Done():
		return nil
	}
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
// ends or it is told to. It returns when the last chunk is durable.
func (p *pipeline) feed(ctx context.Context) error {
	end := p.drive(ctx)
	var stopped *Stopped
	switch {
	case errors.Is(end, io.EOF):
		end = p.say(ctx, p.ending(), "")
	case errors.Is(end, errCancelled):
		_, reason := p.steering.now()
		end = p.say(ctx, Cancelled, reason)
	case errors.As(end, &stopped):
		if err := p.leave(ctx, stopped); err != nil {
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

// leave hands on the last chunk of a session that others continue. One that is left as it is changes no state.
func (p *pipeline) leave(ctx context.Context, s *Stopped) error {
	if s.State == Running {
		return p.say(ctx, p.chunker.account.State, p.chunker.account.Reason)
	}
	return p.say(ctx, s.State, s.Reason)
}

// work returns io.EOF at the end of the archive, or why it stopped before. When ctx ends it can be called again, and goes on
// where it stood.
func (p *pipeline) work(ctx context.Context) error {
	if err := p.prepare(ctx); err != nil {
		return err
	}
	if err := p.goOn(ctx); err != nil {
		return err
	}
	for {
		if p.passing == nil {
			b, err := p.nextBatch(ctx)
			if err != nil {
				return err
			}
			p.passing = p.judged(b)
		}
		if err := p.pass(ctx); err != nil {
			return err
		}
	}
}

// goOn makes durable that what was paused or failed is no longer, or that this session has the replay now.
func (p *pipeline) goOn(ctx context.Context) error {
	if p.chunker.due() {
		return p.flush(ctx)
	}
	return p.say(ctx, Running, "")
}

// nextBatch waits for entries; a chunk whose time has come does not wait with it.
func (p *pipeline) nextBatch(ctx context.Context) (*batch, error) {
	if err := ctx.Err(); err != nil { // or a merge that is never waited for would be preferred by chance
		return nil, err
	}
	closes := time.NewTimer(time.Until(p.chunker.closes))
	defer closes.Stop()
	defer p.meter.measure(&p.meter.starving)()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-closes.C:
			if err := p.flush(ctx); err != nil {
				return nil, err
			}
			closes.Reset(time.Until(p.chunker.closes))
		case b := <-p.full:
			return b, nil
		}
	}
}

// passing is a batch on its way, whose first entries are placed.
type passing struct {
	batch    *batch
	verdicts []verdict
	stopped  error // why the entry behind those with verdicts stops the replay
	turns    *turns
	next     int // to be placed
}

func (p *pipeline) judged(b *batch) *passing {
	verdicts, stopped := p.judge(b.items)
	return &passing{batch: b, verdicts: verdicts, stopped: stopped, turns: p.turns(b.items[:len(verdicts)], verdicts)}
}

// pass sends the entries of the batch on their way and gives it back.
func (p *pipeline) pass(ctx context.Context) error {
	if err := p.place(ctx, p.passing); err != nil {
		return err
	}
	p.meter.passed(&p.chunker.account, p.chunker.valueBytes)
	b, stopped := p.passing.batch, p.passing.stopped
	switch {
	case stopped != nil:
		return &Stopped{State: Failed, Reason: stopped.Error(), Err: stopped}
	case errors.Is(b.err, io.EOF):
		return b.err
	case b.err != nil:
		return &Stopped{State: Failed, Reason: b.err.Error(), Err: b.err}
	}
	p.passing = nil
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

// place puts the entries of a batch into chunks, each event when its pace allows. An entry counts from the moment it is
// placed.
func (p *pipeline) place(ctx context.Context, b *passing) error {
	for ; b.next < len(b.verdicts); b.next++ {
		it, v := &b.batch.items[b.next], b.verdicts[b.next]
		switch v.outcome {
		case accounted:
			p.meter.recalled(it.Time)
			if it.Kind == merge.End {
				p.chunker.hours.ended(it)
				it.Object.Release(true)
			}
			continue
		case produced:
			if err := b.turns.wait(ctx); err != nil {
				return err
			}
		}
		if p.chunker.full(len(it.Value)) {
			if err := p.flush(ctx); err != nil {
				return err
			}
		}
		p.chunker.place(it, v)
		if v.outcome != produced {
			continue
		}
		b.turns.gone()
		if p.chunker.account.Seq == p.spec.Limit {
			p.chunker.limited = true
			return io.EOF
		}
	}
	if p.chunker.due() {
		return p.flush(ctx)
	}
	return nil
}

// flush hands the chunk on, and be it empty. It waits while the chunk before is under way. When ctx ends meanwhile the chunk is kept,
// and is the first that is handed on the next time: its entries are accounted for.
func (p *pipeline) flush(ctx context.Context) error { return p.send(ctx, Running, "") }

// say is flush in another state, and does nothing where nothing is news: no entry, and not the state.
func (p *pipeline) say(ctx context.Context, state State, reason string) error {
	if p.chunker.empty() && p.chunker.account.State == state && p.chunker.account.Reason == reason {
		return p.hand(ctx)
	}
	return p.send(ctx, state, reason)
}

func (p *pipeline) send(ctx context.Context, state State, reason string) error {
	if err := p.hand(ctx); err != nil {
		return err
	}
	if !p.chunker.empty() {
		p.meter.passed(&p.chunker.account, p.chunker.valueBytes) // one batch may take many chunks
	}
	p.taken = p.chunker.take(state, reason, p.elapsed())
	return p.hand(ctx)
}

// hand gives the chunk that was taken, if one was, to the committer.
func (p *pipeline) hand(ctx context.Context) error {
	if p.taken == nil {
		return nil
	}
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

func (p *pipeline) ending() State {
	if p.chunker.account.Counters.Quarantined > 0 {
		return CompletedWithQuarantine
	}
	return Completed
}

func (p *pipeline) elapsed() time.Duration { return p.earlier + time.Since(p.began) }
