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

// TestAReplayBeginsWithNoMoreThanItMay stored bytes.
func TestAReplayBeginsWithNoMoreThanItMay(t *testing.T) {
	h := newHourly(day("12/a", event("1", 0), "13/a", event("2", time.Hour)))
	size := int64(len(event("1", 0)) + len(event("2", time.Hour)))
	for _, c := range []struct {
		most int64
		may  bool
	}{{0, true}, {size, true}, {size - 1, false}} {
		m := &memory{}
		r := h.runner(t, m)
		r.Options.Most = c.most
		_, err := r.Run(t.Context(), h.spec)
		if c.may && err != nil || !c.may && (refusedItem(err) != ItemSecondPerson || m.known || m.commits != 0) {
			t.Errorf("at most %d of %d bytes: the sink was opened: %v, %d commits, %v", c.most, size, m.known, m.commits, err)
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

// begunAsPlanned is a replay that was killed behind so many commits of its first session, and what it was planned as.
func begunAsPlanned(t *testing.T, h *hourly, commits int) (*memory, string) {
	t.Helper()
	plan := planOf(t, h)
	m := &memory{fate: dieAfter(commits)}
	r := h.runner(t, m)
	r.Options.Plan = plan
	if _, err := r.Run(t.Context(), h.spec); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	m.fate = nil
	return m, plan
}

// TestAPlanHoldsForWhatLaterSessionsRead, and not for what was read: that may be gone by then.
func TestAPlanHoldsForWhatLaterSessionsRead(t *testing.T) {
	for name, c := range map[string]struct {
		commits int
		change  func(*hourly, *memory)
		want    string // produced in the end
		refused bool
	}{
		"nothing":             {1, func(*hourly, *memory) {}, "1 2 3", false},
		"an object more":      {1, func(h *hourly, _ *memory) { h.Put("2026/11/01/13/b", []byte(event("4", time.Hour))) }, "1", true},
		"an object less":      {1, func(h *hourly, _ *memory) { h.Remove("2026/11/01/13/a") }, "1", true},
		"what was read":       {2, func(h *hourly, _ *memory) { h.Remove("2026/11/01/12/a") }, "1 2 3", false},
		"both":                {2, func(h *hourly, _ *memory) { h.Remove("2026/11/01/12/a"); h.Put("2026/11/01/14/b", nil) }, "1 2", true},
		"and nobody noted it": {1, func(h *hourly, m *memory) { h.Remove("2026/11/01/13/a"); unsummed(m) }, "1 3", false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHourly(day("12/a", event("1", 0), "13/a", event("2", 110*time.Minute), "13/c", event("3", 119*time.Minute)))
			h.spec.Horizon = Duration(65 * time.Minute)
			m, plan := begunAsPlanned(t, h, c.commits)
			c.change(h, m)
			for range 2 { // what is refused is refused again
				r := h.runner(t, m)
				r.Options.Plan, r.Options.Begun = plan, true
				_, err := r.Run(t.Context(), h.spec)
				if refused := refusedItem(err) == ItemArchiveChange && strings.Contains(err.Error(), plan); refused != c.refused || !refused && err != nil {
					t.Errorf("it ends with %v", err)
				}
			}
			if got := m.ids(); got != c.want {
				t.Errorf("there came %s, want %s", got, c.want)
			}
		})
	}
}

// unsummed makes the records of hours such as a replayd wrote that knew no sums.
func unsummed(m *memory) {
	for name, r := range m.durable.Hours {
		r.Sum = nil
		m.durable.Hours[name] = r
	}
}

// TestWhatWasAllowedIntoAnHourIsNoOtherPlan of the sessions that follow.
func TestWhatWasAllowedIntoAnHourIsNoOtherPlan(t *testing.T) {
	h := newHourly(day("12/a", event("1", 0)+event("2", time.Minute), "13/a", event("4", time.Hour)))
	m, plan := begunAsPlanned(t, h, 1)
	h.Put("2026/11/01/12/b", []byte(event("3", 30*time.Minute)))
	for _, c := range []struct {
		allow Allowed
		dies  int
		want  string
	}{{nil, 0, "1"}, {Allowed{ItemArchiveChange}, 2, "1 2"}, {nil, 0, "1 2 3 4"}} {
		m.fate = nil
		if c.dies > 0 {
			m.fate = dieAfter(c.dies)
		}
		r := h.runner(t, m)
		r.Options.Plan, r.Options.Begun, r.Options.Allow = plan, true, c.allow
		_, err := r.Run(t.Context(), h.spec)
		if got := m.ids(); got != c.want {
			t.Errorf("allowed %v there came %s, want %s: %v", c.allow, got, c.want, err)
		}
	}
}

// TestWhatWasAllowedToDifferFromThePlanIsNotHeldAgainstItLater, when the next session is allowed nothing any more: hours that the
// allowed one read first hold what nobody planned. One that no session has read yet is held to the plan.
func TestWhatWasAllowedToDifferFromThePlanIsNotHeldAgainstItLater(t *testing.T) {
	for name, c := range map[string]struct {
		object  string // that nobody planned
		commits int    // of the session that is allowed it
		want    string
	}{
		"an hour that the allowed session read first": {"13/b", 4, "1 2 3 5 4"},
		"an hour that was recorded before":            {"12/b", 2, "1 2 3 5 4"},
		"an hour that neither has read":               {"14/b", 2, "1 2"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHourly(day("12/a", event("1", 0)+event("2", time.Minute), "13/a", event("3", time.Hour), "14/a", event("4", 150*time.Minute)))
			h.spec.Window.To = noon.Add(3 * time.Hour)
			m, plan := begunAsPlanned(t, h, 1)
			h.Put("2026/11/01/"+c.object, []byte(event("5", 130*time.Minute)))
			session := func(plan string, allow Allowed, commits int) error {
				m.fate = nil
				if commits > 0 {
					m.fate = dieAfter(commits)
				}
				r := h.runner(t, m)
				r.Options.Plan, r.Options.Begun, r.Options.Allow = plan, true, allow
				_, err := r.Run(t.Context(), h.spec)
				return err
			}
			if err := session("", Allowed{ItemArchiveChange}, c.commits); !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			err := session(plan, nil, 0)
			if got := m.ids(); got != c.want {
				t.Errorf("there came %s, want %s: %v", got, c.want, err)
			}
		})
	}
}

// TestAnHourIsReadAsItWasPlannedOrNotAtAll, though it changes only once the plan has been compared: in the first session, and in one
// that follows.
func TestAnHourIsReadAsItWasPlannedOrNotAtAll(t *testing.T) {
	for _, begun := range []bool{false, true} {
		h := newHourly(day("12/a", event("1", 0), "13/a", event("2", time.Hour), "13/b", event("3", time.Hour)))
		m, plan := &memory{}, planOf(t, h)
		if begun {
			m, plan = begunAsPlanned(t, h, 1)
		}
		r := h.runner(t, m)
		r.Source.Store = &fleeting{hourly: h, prefix: "2026/11/01/13/", key: "2026/11/01/13/b"}
		r.Options.Plan, r.Options.Begun = plan, begun
		_, err := r.Run(t.Context(), h.spec)
		if refusedItem(err) != ItemArchiveChange || !strings.Contains(err.Error(), "hour 2026-11-01T13Z is no longer what was planned") {
			t.Errorf("begun before %v: it ends with %v", begun, err)
		}
		if got := m.ids(); got != "1" && got != "" { // the merge looks ahead of what is produced
			t.Errorf("begun before %v: there came %s", begun, got)
		}
	}
}

// fleeting is a store in which an object is gone once its hour has been listed.
type fleeting struct {
	*hourly

	prefix, key string
}

func (f *fleeting) List(ctx context.Context, prefix string) iter.Seq2[archive.Object, error] {
	return func(yield func(archive.Object, error) bool) {
		for o, err := range f.hourly.List(ctx, prefix) {
			if !yield(o, err) {
				return
			}
		}
		if prefix == f.prefix {
			f.Remove(f.key)
		}
	}
}
