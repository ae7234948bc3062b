package replay

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// absent is a sink whose broker does not answer until it is let.
type absent struct {
	memory
	let <-chan struct{}
	err error // nil, or what it knows already when it is broken off
}

func (a *absent) Open(ctx context.Context, s *Spec) (Durable, error) {
	select {
	case <-a.let:
	case <-ctx.Done():
		return Durable{}, cmp.Or(a.err, ctx.Err())
	}
	return a.memory.Open(ctx, s)
}

func TestASinkThatDoesNotOpenIsToldOfAsOneThatHoldsTheReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHourly(day("12/a", event("1", 0)))
		let := make(chan struct{})
		began := time.Now()
		time.AfterFunc(time.Minute, func() { close(let) })
		m := &absent{let: let}
		r := h.runner(t, &m.memory)
		r.Sink = m
		var told []time.Duration
		r.Options.Observe = func(p Progress) {
			at := time.Since(began)
			if at >= time.Minute {
				return
			}
			told = append(told, at)
			if p.ID != "test" || p.State != Running || p.Phase != Waiting || p.HeldBy != HeldByBroker || p.Elapsed != at || p.Pace.String() == "" {
				t.Errorf("after %s: %+v", at, p)
			}
		}
		if _, err := r.Run(t.Context(), h.spec); err != nil || m.ids() != "1" {
			t.Fatal(m.ids(), err)
		}
		if len(told) < 500 || told[0] != slowCommit {
			t.Errorf("told %d times, first after %v", len(told), slices.Min(told))
		}
	})
}

func TestStopEndsAnOpeningAtOnce(t *testing.T) {
	refusal := &Refusal{Item: "retention"}
	for _, c := range []struct {
		name    string
		refused error
		want    func(error) bool
	}{
		{"that hangs", nil, func(err error) bool {
			var s *Stopped
			return errors.As(err, &s) && s.State == Paused && !errors.Is(err, context.Canceled)
		}},
		{"that was refused", refusal, func(err error) bool { return errors.Is(err, refusal) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHourly(day("12/a", event("1", 0)))
				stop := make(chan struct{})
				m := &absent{err: c.refused}
				r := h.runner(t, &m.memory)
				r.Sink, r.Options.Stop = m, stop
				began := time.Now()
				time.AfterFunc(time.Minute, func() { close(stop) })
				_, err := r.Run(t.Context(), h.spec)
				if !c.want(err) || m.commits != 0 {
					t.Errorf("%d commits, %v", m.commits, err)
				}
				if took := time.Since(began); took != time.Minute {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}
