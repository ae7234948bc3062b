package replay

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"replayd/archive"
	"replayd/archive/archivetest"
)

// planOf is the hash of what h is now.
func planOf(t *testing.T, h *hourly) string {
	t.Helper()
	s := h.spec
	if err := s.Complete(time.Time{}); err != nil {
		t.Fatal(err)
	}
	l, err := List(t.Context(), &s, h.runner(t, &memory{}).Source, &archive.Fetcher{Store: h, Stall: time.Second, GiveUp: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return l.Hash(&s)
}

func TestAReplayBeginsWithWhatWasPlannedOrNotAtAll(t *testing.T) {
	h := newHourly(day("12/a", event("1", 0), "13/a", event("2", time.Hour), "14/a", event("x", 2*time.Hour)))
	planned := planOf(t, h)
	run := func() (*memory, error) {
		m := &memory{}
		r := h.runner(t, m)
		r.Options.Plan = planned
		_, err := r.Run(t.Context(), h.spec)
		return m, err
	}
	if m, err := run(); err != nil || m.ids() != "1 2" {
		t.Fatalf("as it was planned: %s, %v", m.ids(), err)
	}
	for name, change := range map[string]func(){
		"an object more": func() { h.Put("2026/11/01/13/b", []byte(event("3", time.Hour))) },
		"in the slack":   func() { h.Put("2026/11/01/11/b", []byte(event("4", time.Minute))) },
		"an object less": func() { h.Remove("2026/11/01/13/b"); h.Remove("2026/11/01/11/b"); h.Remove("2026/11/01/13/a") },
	} {
		change()
		m, err := run()
		if refusedItem(err) != ItemArchiveChange || !strings.Contains(err.Error(), planned) || m.known || m.commits != 0 {
			t.Errorf("%s: the sink was opened: %v, %d commits, %v", name, m.known, m.commits, err)
		}
	}
}

// TestWhatCameAfterTheStartIsNoChange of an hour that was open then: the replay reads what was there.
func TestWhatCameAfterTheStartIsNoChange(t *testing.T) {
	h := newHourly(day("12/a", event("1", 0)))
	h.spec.Window.To = noon.Add(time.Hour)
	h.spec.AsOf = noon.Add(time.Hour + 20*time.Minute) // 12:00 has settled, and the slack hour has not
	planned := planOf(t, h)
	for i, late := range []time.Duration{time.Minute, -time.Minute} {
		key := "2026/11/01/13/b"
		h.Put(key, []byte(event("2", time.Minute)))
		m := &memory{}
		r := h.runner(t, m)
		r.Source.Store = dated{h, key, h.spec.AsOf.Add(late)}
		r.Options.Plan = planned
		_, err := r.Run(t.Context(), h.spec)
		if refused := refusedItem(err) == ItemArchiveChange; refused != (i == 1) || !refused && (err != nil || m.ids() != "1") {
			t.Errorf("%s behind the start: %s, %v", late, m.ids(), err)
		}
	}
}

// dated is a store in which one object has another time.
type dated struct {
	*hourly

	key string
	at  time.Time
}

func (d dated) List(ctx context.Context, prefix string) iter.Seq2[archive.Object, error] {
	return func(yield func(archive.Object, error) bool) {
		for o, err := range d.hourly.List(ctx, prefix) {
			if o.Key == d.key {
				o.Modified = d.at
			}
			if !yield(o, err) {
				return
			}
		}
	}
}

// TestNobodyWaitsForTheListingOfAPlan who ends the session, and it is told what it waits for.
func TestNobodyWaitsForTheListingOfAPlan(t *testing.T) {
	for name, c := range map[string]struct {
		end   func(*Control)
		ended func(Receipt, error) bool
	}{
		"left":      {(*Control).Leave, func(_ Receipt, err error) bool { return stoppedIn(err, Running) }},
		"cancelled": {func(c *Control) { c.Wish(cancelled) }, func(r Receipt, err error) bool { return err == nil && r.State == Cancelled }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, m := seconds(10), &memory{}
				plan := planOf(t, h)
				h.Script(func(r archivetest.Request) archivetest.Fault { return archivetest.Fault{Stall: r.List} })
				s := steer(t, h, m, m, running, func(o *Options) { o.Plan, o.Stall = plan, time.Hour })
				s.at(10 * time.Second)
				if p := s.seen.Load(); p == nil || p.Phase != Listing || p.HeldBy != HeldByArchive || m.known {
					t.Errorf("while it lists: %+v, the sink was opened: %v", p, m.known)
				}
				c.end(s.control)
				if err := s.ends(time.Second); !c.ended(s.receipt, err) {
					t.Errorf("%+v, %v", s.receipt, err)
				}
			})
		})
	}
}

func TestACancelledReplayAsksNothingOfTheArchiveThatWasPlanned(t *testing.T) {
	h, m := seconds(10), &memory{}
	h.Script(func(archivetest.Request) archivetest.Fault {
		return archivetest.Fault{Err: &archive.Permanent{Err: errors.New("gone")}}
	})
	r := h.runner(t, m)
	r.Options.Plan, r.Options.Control = "another", NewControl(cancelled)
	if receipt, err := r.Run(t.Context(), h.spec); err != nil || receipt.State != Cancelled {
		t.Errorf("%+v, %v", receipt, err)
	}
}

func TestAnArchiveThatCannotBeListedIsNoOtherPlan(t *testing.T) {
	h, m := seconds(10), &memory{}
	plan := planOf(t, h)
	h.Script(func(archivetest.Request) archivetest.Fault {
		return archivetest.Fault{Err: &archive.Permanent{Err: errors.New("denied")}}
	})
	r := h.runner(t, m)
	r.Options.Plan = plan
	if _, err := r.Run(t.Context(), h.spec); err == nil || errors.As(err, new(*Refusal)) || m.known {
		t.Errorf("it ends with %v; the sink was opened: %v", err, m.known)
	}
}
