package apitest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"replayd/replay"
	"replayd/replay/api"
)

// Conform runs the cases that every Service passes. Each gets one of its own that knows what Fake knows, and no replays.
func Conform(t *testing.T, open func(*testing.T) api.Service) {
	ConformIn(t, func(t *testing.T, do func(*testing.T)) { do(t) }, open)
}

// ConformIn is Conform with each case, open included, run by run: such as testing/synctest.Test, for a Service that takes its
// time.
func ConformIn(t *testing.T, run func(*testing.T, func(*testing.T)), open func(*testing.T) api.Service) {
	for _, c := range []struct {
		name string
		test func(*testing.T, api.Service)
	}{
		{"what is started is told of", startedIsTold},
		{"the same key starts once", sameKey},
		{"the same key with something else is refused", sameKeyElse},
		{"an id that is taken is refused", takenID},
		{"every bad field is named", badFields},
		{"what is not known is not found", unknown},
		{"wishes are answered with what is wished", wishes},
		{"what has ended takes no wishes", ended},
		{"what has ended is forgotten, and nothing else", forgotten},
		{"a receipt is that of an end", receipts},
		{"lists are read in parts, the newest first", parts},
		{"lists hold what is asked for", filters},
		{"a watcher sees how all stands, and then what changes", watched},
		{"a watcher of one sees that one", watchedOne},
		{"a watcher goes on behind what it has read", watchedOn},
		{"acts are audited before and after", audited},
		{"archives tell their hours", hours},
		{"a plan has a hash", planned},
		{"a group and offsets are of a replay", ofReplay},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, func(t *testing.T) { c.test(t, open(t)) })
		})
	}
}

// Payments is a start that every Service of Conform takes.
func Payments(id string) api.Start {
	return api.Start{ID: id, Archive: "payments", From: "2026-11-01T12:00:00Z", To: "2026-11-01T16:00:00Z", Topic: "replay.payments", Pace: "500/s"}
}

func start(t *testing.T, s api.Service, what api.Start) api.Replay {
	t.Helper()
	r, created, err := s.Start(t.Context(), what)
	if err != nil || !created {
		t.Fatalf("start %+v: created %v, %v", what, created, err)
	}
	return r
}

// Refused fails the test unless err is a *Problem of the status, which it returns.
func Refused(t *testing.T, err error, status int) api.Problem {
	t.Helper()
	var p *api.Problem
	if !errors.As(err, &p) || p.Status != status {
		t.Fatalf("want a problem of status %d: %v", status, err)
	}
	return *p
}

func startedIsTold(t *testing.T, s api.Service) {
	r := start(t, s, Payments("a"))
	if r.ID != "a" || r.Archive != "payments" || r.Topic != "replay.payments" || r.Owner != "daemon" || r.Wanted != replay.Running ||
		!r.From.Equal(time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)) || r.Pace != "500/s" {
		t.Errorf("started as %+v", r)
	}
	got, err := s.Replay(t.Context(), "a")
	if err != nil || got.ID != "a" || !got.StartedAt.Equal(r.StartedAt) {
		t.Errorf("told as %+v, %v", got, err)
	}
}

func sameKey(t *testing.T, s api.Service) {
	what := Payments("")
	what.IdempotencyKey = "INC-1"
	first := start(t, s, what)
	for range 2 {
		again, created, err := s.Start(t.Context(), what)
		if err != nil || created || again.ID != first.ID {
			t.Errorf("again: %s, created %v, %v; want %s", again.ID, created, err, first.ID)
		}
		what.Plan, what.AsOf = "0123", "2026-11-02T03:00:00Z" // whoever looked at a plan asks for the same
	}
}

func sameKeyElse(t *testing.T, s api.Service) {
	what := Payments("")
	what.IdempotencyKey = "INC-1"
	start(t, s, what)
	what.To = "2026-11-01T17:00:00Z"
	_, _, err := s.Start(t.Context(), what)
	Refused(t, err, http.StatusUnprocessableEntity)
}

func takenID(t *testing.T, s api.Service) {
	start(t, s, Payments("a"))
	other := Payments("a")
	other.To = "2026-11-01T17:00:00Z"
	_, _, err := s.Start(t.Context(), other)
	Refused(t, err, http.StatusConflict)
}

func badFields(t *testing.T, s api.Service) {
	what := Payments("a")
	what.From, what.Pace = "yesterday evening", "quickly"
	_, _, err := s.Start(t.Context(), what)
	var named []string
	for _, e := range Refused(t, err, http.StatusUnprocessableEntity).Errors {
		named = append(named, e.Location)
	}
	for _, field := range []string{"body.from", "body.pace"} {
		if !slices.Contains(named, field) {
			t.Errorf("%s is not named: %q", field, named)
		}
	}
}

func unknown(t *testing.T, s api.Service) {
	ctx, at := t.Context(), time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for name, ask := range map[string]func() error{
		"replay":     func() error { _, err := s.Replay(ctx, "none"); return err },
		"pause":      func() error { _, err := s.Pause(ctx, "none", api.Act{}); return err },
		"resume":     func() error { _, err := s.Resume(ctx, "none", api.Resume{}); return err },
		"pace":       func() error { _, err := s.SetPace(ctx, "none", api.Pace{Pace: "1/s"}); return err },
		"cancel":     func() error { _, err := s.Cancel(ctx, "none", api.Act{}); return err },
		"approve":    func() error { _, err := s.Approve(ctx, "none", api.Act{}); return err },
		"forget":     func() error { return s.Forget(ctx, "none", api.Act{}) },
		"receipt":    func() error { _, err := s.Receipt(ctx, "none"); return err },
		"quarantine": func() error { _, err := s.Quarantine(ctx, "none", api.PageQuery{}); return err },
		"offsets":    func() error { _, err := s.Offsets(ctx, "none", at); return err },
		"group":      func() error { _, err := s.Group(ctx, "none", "g"); return err },
		"hours":      func() error { _, err := s.Hours(ctx, "none", api.Span{From: at, To: at.Add(time.Hour)}); return err },
	} {
		var p *api.Problem
		err := ask()
		if !errors.As(err, &p) || p.Status != http.StatusNotFound {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := api.UnknownReplay("none").Error(); name != "hours" && p.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

func wishes(t *testing.T, s api.Service) {
	start(t, s, Payments("a"))
	resume := func(ctx context.Context, id string, a api.Act) (api.Replay, error) {
		return s.Resume(ctx, id, api.Resume{Act: a})
	}
	for _, c := range []struct {
		act  func(context.Context, string, api.Act) (api.Replay, error)
		want replay.State
	}{{s.Pause, replay.Paused}, {resume, replay.Running}, {s.Cancel, replay.Cancelled}} {
		if r, err := c.act(t.Context(), "a", api.Act{Reason: "because"}); err != nil || r.Wanted != c.want || r.WishedReason != "because" {
			t.Errorf("wanted %s because of %q, not %s: %v", r.Wanted, r.WishedReason, c.want, err)
		}
	}
	start(t, s, Payments("b"))
	if r, err := s.SetPace(t.Context(), "b", api.Pace{Pace: "2000/s,20MB/s"}); err != nil || r.Pace != "2000/s,20MB/s" {
		t.Errorf("pace %q, %v", r.Pace, err)
	}
	_, err := s.SetPace(t.Context(), "b", api.Pace{Pace: "quickly"})
	Refused(t, err, http.StatusUnprocessableEntity)
}

func cancelled(t *testing.T, s api.Service, id string) {
	t.Helper()
	start(t, s, Payments(id))
	if _, err := s.Cancel(t.Context(), id, api.Act{}); err != nil {
		t.Fatal(err)
	}
	for e, err := range s.Events(t.Context(), id, "") {
		if err != nil {
			t.Fatal(err)
		}
		if e.Replay.State.Terminal() {
			return
		}
	}
	t.Fatal("it was not seen to end")
}

func ended(t *testing.T, s api.Service) {
	cancelled(t, s, "a")
	_, err := s.Resume(t.Context(), "a", api.Resume{})
	Refused(t, err, http.StatusConflict)
}

func forgotten(t *testing.T, s api.Service) {
	start(t, s, Payments("a"))
	Refused(t, s.Forget(t.Context(), "a", api.Act{}), http.StatusConflict)
	cancelled(t, s, "b")
	if err := s.Forget(t.Context(), "b", api.Act{Reason: "tidy"}); err != nil {
		t.Fatal(err)
	}
	_, err := s.Replay(t.Context(), "b")
	Refused(t, err, http.StatusNotFound)
}

func receipts(t *testing.T, s api.Service) {
	start(t, s, Payments("a"))
	_, err := s.Receipt(t.Context(), "a")
	Refused(t, err, http.StatusConflict)
	cancelled(t, s, "b")
	r, err := s.Receipt(t.Context(), "b")
	if err != nil || r.ID != "b" || r.State != replay.Cancelled || !r.Balanced() {
		t.Errorf("receipt %+v, %v", r, err)
	}
}

func parts(t *testing.T, s api.Service) {
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		start(t, s, Payments(id))
	}
	var got []string
	q := api.Query{PageQuery: api.PageQuery{Limit: 2}}
	for range 5 {
		p, err := s.Replays(t.Context(), q)
		if err != nil || len(p.Items) > 2 {
			t.Fatalf("%d items, %v", len(p.Items), err)
		}
		for _, r := range p.Items {
			got = append(got, r.ID)
		}
		if q.After = p.Next; p.Next == "" {
			break
		}
	}
	if want := []string{"e", "d", "c", "b", "a"}; !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
}

func filters(t *testing.T, s api.Service) {
	cancelled(t, s, "a")
	other := Payments("b")
	other.Archive, other.Topic = "orders", "replay.orders"
	start(t, s, other)
	for _, c := range []struct {
		q    api.Query
		want string
	}{{api.Query{State: "cancelled"}, "a"}, {api.Query{Archive: "orders"}, "b"}, {api.Query{Topic: "replay.payments"}, "a"}, {api.Query{Wanted: "running"}, "b"}} {
		if p, err := s.Replays(t.Context(), c.q); err != nil || len(p.Items) != 1 || p.Items[0].ID != c.want {
			t.Errorf("%+v: %+v, %v", c.q, p.Items, err)
		}
	}
	if p, err := s.Replays(t.Context(), api.Query{Wanted: "cancelled"}); err != nil || len(p.Items) != 0 {
		t.Errorf("what has ended is wished nothing any more: %+v, %v", p.Items, err)
	}
}

// watch is what a watcher sees, one after another. It is to be stopped.
func watch(t *testing.T, s api.Service, id, after string) (next func() api.Event, stop func()) {
	t.Helper()
	type change struct {
		event api.Event
		err   error
	}
	ctx, cancel := context.WithCancel(t.Context())
	seen := make(chan change)
	go func() {
		defer close(seen)
		for e, err := range s.Events(ctx, id, after) {
			select {
			case seen <- change{e, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	stop = func() {
		cancel()
		for range seen { // until the service has let go
		}
	}
	return func() api.Event {
		t.Helper()
		e, more := <-seen
		if e.err != nil || !more {
			t.Fatalf("no event: more %v, %v", more, e.err)
		}
		return e.event
	}, stop
}

// until reads on up to what is looked for; next fails the test when there is no more.
func until(next func() api.Event, found func(api.Event) bool) {
	for !found(next()) {
		continue
	}
}

func watched(t *testing.T, s api.Service) {
	start(t, s, Payments("a"))
	next, stop := watch(t, s, "", "")
	defer stop()
	if e := next(); e.Replay.ID != "a" || e.ID == "" {
		t.Fatalf("first %+v", e)
	}
	cancelled(t, s, "b")
	until(next, func(e api.Event) bool { return e.Replay.ID == "b" && e.Replay.State.Terminal() })
	if err := s.Forget(t.Context(), "b", api.Act{}); err != nil {
		t.Fatal(err)
	}
	until(next, func(e api.Event) bool { return e.Gone && e.Replay.ID == "b" })
}

func watchedOne(t *testing.T, s api.Service) {
	start(t, s, Payments("a"))
	start(t, s, Payments("b"))
	next, stop := watch(t, s, "b", "")
	defer stop()
	next()
	for _, id := range []string{"a", "b"} {
		if _, err := s.Pause(t.Context(), id, api.Act{}); err != nil {
			t.Fatal(err)
		}
	}
	for e := next(); e.Replay.Wanted != replay.Paused; e = next() {
		if e.Replay.ID != "b" {
			t.Fatalf("an event of %s", e.Replay.ID)
		}
	}
}

func watchedOn(t *testing.T, s api.Service) {
	start(t, s, Payments("a"))
	next, stop := watch(t, s, "", "")
	last := next()
	stop()
	start(t, s, Payments("b"))
	for _, after := range []string{last.ID, "of another daemon"} { // what is not known begins with all again
		next, stop = watch(t, s, "", after)
		until(next, func(e api.Event) bool { return e.Replay.ID == "b" })
		stop()
	}
}

func audited(t *testing.T, s api.Service) {
	cancelled(t, s, "a")
	q := api.AuditQuery{ID: "a"}
	p, err := s.Audit(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range p.Items {
		got = append(got, a.Act+" "+a.Phase)
	}
	if want := []string{"start intent", "start outcome", "cancel intent", "cancel outcome"}; !slices.Equal(got, want) {
		t.Errorf("audited %q, want %q", got, want)
	}
}

func hours(t *testing.T, s api.Service) {
	p, err := s.Archives(t.Context())
	if err != nil || !slices.ContainsFunc(p.Items, func(a api.Archive) bool { return a.Name == "payments" && len(a.URL) > 0 }) {
		t.Fatalf("archives %+v, %v", p.Items, err)
	}
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	h, err := s.Hours(t.Context(), "payments", api.Span{From: from, To: from.Add(3 * time.Hour)})
	if err != nil || len(h.Items) != 3 || h.Items[0].Hour != "2026-11-01T00Z" {
		t.Errorf("hours %+v, %v", h.Items, err)
	}
	_, err = s.Hours(t.Context(), "payments", api.Span{From: from, To: from.Add(40 * 24 * time.Hour)})
	Refused(t, err, http.StatusUnprocessableEntity)
}

func planned(t *testing.T, s api.Service) {
	p, err := s.Plan(t.Context(), Payments(""))
	if err != nil || p.Hash == "" || len(p.Lines) == 0 {
		t.Errorf("plan %+v, %v", p, err)
	}
}

func ofReplay(t *testing.T, s api.Service) {
	start(t, s, Payments("a"))
	g, err := s.Group(t.Context(), "a", "payments-svc")
	if err != nil || g.Group != "payments-svc" || g.ID != "a" || len(g.Partitions) == 0 {
		t.Errorf("group %+v, %v", g, err)
	}
	at := time.Date(2026, 11, 1, 13, 0, 0, 0, time.UTC)
	o, err := s.Offsets(t.Context(), "a", at)
	if err != nil || !o.EventTime.Equal(at) || o.Topic != "replay.payments" || len(o.Partitions) == 0 {
		t.Errorf("offsets %+v, %v", o, err)
	}
}
