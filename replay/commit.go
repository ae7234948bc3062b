package replay

import (
	"context"
	"errors"
	"time"
)

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
		p.release(c)
	}
	return nil
}

// release gives back the memory of a durable chunk, that of its records to the chunks to come, unless somebody may read it.
func (p *pipeline) release(c *Chunk) {
	c.release()
	if c.Shared {
		return
	}
	c.empty()
	select {
	case p.chunker.spent <- c:
	default: // there are enough
	}
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
