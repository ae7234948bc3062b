package replay

import (
	"context"
	"errors"
	"time"

	"replayd/archive"
)

// Run replays s from src to sink with the default options and returns the receipt. A replay that the sink already knows
// is continued, or, if it has ended, only accounted for: the same s may be run until it has, with a new sink each time.
func Run(ctx context.Context, s Spec, src archive.Source, sink Sink) (Receipt, error) {
	return (&Runner{Source: src, Sink: sink}).Run(ctx, s)
}

// Runner is Run with options.
type Runner struct {
	Source  archive.Source
	Sink    Sink
	Options Options
}

// Run replays s to its end, until Options.Stop or Options.Control end it, or until ctx is cancelled, which abandons what is
// not committed. The receipt of a replay that was cancelled is no error. The error is a *Refusal when the replay may not begin or go on, a *Stopped when the replay can be continued, a *TakenOver when another
// session has it, or what the sink said.
func (r *Runner) Run(ctx context.Context, s Spec) (Receipt, error) {
	r.Options.complete()
	if src := &r.Source; src.Store == nil || src.Layout == nil || src.Format == nil || src.Decoder == nil {
		return Receipt{}, errors.New("the source of a replay needs a store, a layout, a format and a decoder")
	}
	if err := s.Complete(time.Time{}); err != nil { // AsOf is left to the sink, which may know the replay
		return Receipt{}, err
	}
	planned, err := r.asPlanned(ctx, &s)
	if err != nil {
		return Receipt{}, err
	}
	durable, err := r.open(ctx, &s)
	if err != nil {
		return Receipt{}, err
	}
	if s.AsOf.IsZero() {
		s.AsOf = time.Now().UTC()
	}
	if durable.Checkpoint.State.Terminal() {
		durable.Checkpoint.Seal(&s)
		return *durable.Checkpoint.Receipt, nil
	}
	if err := s.Window.Fits(r.Source.Layout); err != nil { // before its hours are counted
		return Receipt{}, err
	}
	p := r.newPipeline(&s, durable)
	p.hours.planned = planned
	receipt, err := p.run(ctx)
	if !p.prepared {
		return receipt, err
	}
	return receipt, stopped(err)
}

// stopped makes of an error behind the start what it means: that the replay can be continued.
func stopped(err error) error {
	var s *Stopped
	var t *TakenOver
	var r *Refusal
	if err == nil || errors.As(err, &s) || errors.As(err, &t) || errors.As(err, &r) {
		return err
	}
	return &Stopped{State: Failed, Reason: err.Error(), Err: err}
}
