package replay

import (
	"context"

	"replayd/replay/merge"
	"replayd/replay/pace"
)

// turns are the events of one batch that wait for their pace.
type turns struct {
	p       *pipeline
	waiting []pace.Item
	granted int // of the events before waiting, and not gone
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

// wait returns when the next event may go, which it may then until it is gone. A chunk whose time comes meanwhile is
// handed on.
func (t *turns) wait(ctx context.Context) error {
	for t.granted == 0 {
		n, err := t.p.pacer.Grant(ctx, t.waiting, t.p.chunker.closes)
		if err != nil {
			return err
		}
		if n == 0 {
			if err := t.p.flush(ctx); err != nil {
				return err
			}
		}
		t.granted, t.waiting = n, t.waiting[n:]
	}
	return nil
}

// gone notes that the event that might go went.
func (t *turns) gone() { t.granted-- }
