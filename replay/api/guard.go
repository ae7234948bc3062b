package api

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"time"

	"replayd/replay"
)

// guard lets through what the one who asks may do and see. What they may not see answers as what does not exist. It embeds
// no Service: a new method would pass unguarded.
type guard struct {
	next    Service
	denials *Denials
}

// Guard returns service for those whom By names, by their roles, archives and topics. What it denies is counted; denials
// may be nil.
func Guard(service Service, denials *Denials) Service { return &guard{service, denials} }

// needs is nil when the one who asks has the role.
func (g *guard) needs(ctx context.Context, role Role, act, id string) error {
	by := By(ctx)
	if by.Role.Covers(role) {
		return nil
	}
	has := "has no role"
	if by.Role != "" {
		has = "is " + string(by.Role)
	}
	p := NewProblem(http.StatusForbidden, "%s needs the role %s, and %s %s", act, role, by.Name, has)
	p.Next = "Ask who runs this daemon for a token with that role."
	g.deny(by, act, id, p)
	return p
}

func (g *guard) deny(by Principal, act, id string, p *Problem) {
	who := by.Name
	if who == "" {
		who = "nobody"
	}
	why := p.Detail
	for _, e := range p.Errors {
		why += "; " + e.Location + ": " + e.Message
	}
	g.denials.Note(Denied{Who: who, Act: act, ID: id, Why: why})
}

// noted counts what the service denies, for which it has its own reasons: a topic that is no target, one's own start that waits
// for another person. It returns err as it may be told.
func (g *guard) noted(ctx context.Context, act, id string, err error) error {
	var p *Problem
	if errors.As(err, &p) && p.Status == http.StatusForbidden {
		g.deny(By(ctx), act, id, p)
	}
	return g.told(ctx, id, err)
}

func sees(by Principal, r *Replay) bool { return by.sees(r.Archive, r.Topic) }

// unknown is the answer for what there is not, and for what may not be seen.
func unknown(what, name, next string) *Problem {
	p := NewProblem(http.StatusNotFound, "there is no %s %s", what, name)
	p.Next = next
	return p
}

// UnknownReplay is the answer of every Service for a replay that there is not.
func UnknownReplay(id string) *Problem {
	return unknown("replay", id, "See those that there are: replayd list")
}

func unknownArchive(name string) *Problem {
	return unknown("archive", name, "Name one of the daemon's configuration: GET /v1/archives tells them.")
}

// one is a replay that may be seen.
func (g *guard) one(ctx context.Context, id string) (Replay, error) {
	r, err := g.next.Replay(ctx, id)
	if isUnknown(err) || err == nil && !sees(By(ctx), &r) {
		return Replay{}, UnknownReplay(id)
	}
	return r, err
}

func isUnknown(err error) bool {
	p, ok := err.(*Problem) //nolint:errorlint // wrapped, it is about something else
	return ok && p.Status == http.StatusNotFound
}

// may is nil when the one who asks has the role and may see the replay.
func (g *guard) may(ctx context.Context, role Role, act, id string) error {
	if err := g.needs(ctx, role, act, id); err != nil {
		return err
	}
	_, err := g.one(ctx, id)
	return err
}

// startable is nil when the one who asks may start s.
func (g *guard) startable(ctx context.Context, act string, s *Start) error {
	if err := g.needs(ctx, Operator, act, s.ID); err != nil {
		return err
	}
	by := By(ctx)
	p := NewProblem(http.StatusForbidden, "%s may not %s this", by.Name, act)
	for _, field := range []struct {
		location, value string
		names           Names
	}{{"body.archive", s.Archive, by.Archives}, {"body.topic", s.Topic, by.Topics}} {
		if !field.names.Has(field.value) {
			p.Errors = append(p.Errors, FieldError{field.location, fmt.Sprintf("not among those of %s: %q", by.Name, []string(field.names)), field.value})
		}
	}
	if p.Errors == nil {
		return nil
	}
	g.deny(by, act, s.ID, p)
	return p
}

func (g *guard) Start(ctx context.Context, s Start) (Replay, bool, error) {
	if err := g.startable(ctx, "start", &s); err != nil {
		return Replay{}, false, err
	}
	r, created, err := g.next.Start(ctx, s)
	return g.shown(ctx, r), created, g.noted(ctx, "start", s.ID, err)
}

func (g *guard) Plan(ctx context.Context, s Start) (Plan, error) {
	if err := g.startable(ctx, "plan", &s); err != nil {
		return Plan{}, err
	}
	p, err := g.next.Plan(ctx, s)
	return g.planned(ctx, p, s.ID), g.noted(ctx, "plan", s.ID, err)
}

// Replays has the service leave out what may not be seen, in one pass: who reads on until a page is full would have it look through
// all replays again for each that is missing.
func (g *guard) Replays(ctx context.Context, q Query) (Page[Replay], error) {
	if err := g.needs(ctx, Viewer, "list", ""); err != nil {
		return Page[Replay]{}, err
	}
	if by := By(ctx); !by.Archives.All() || !by.Topics.All() {
		q.Seen = by.sees
	}
	page, err := g.next.Replays(ctx, q)
	page.Items = slices.Clone(page.Items)
	for i := range page.Items {
		page.Items[i] = g.shown(ctx, page.Items[i])
	}
	return page, err
}

func (g *guard) Replay(ctx context.Context, id string) (Replay, error) {
	if err := g.needs(ctx, Viewer, "show", id); err != nil {
		return Replay{}, err
	}
	r, err := g.one(ctx, id)
	return g.shown(ctx, r), err
}

func (g *guard) Pause(ctx context.Context, id string, a Act) (Replay, error) {
	return g.steered(ctx, "pause", id, func() (Replay, error) { return g.next.Pause(ctx, id, a) })
}

func (g *guard) Resume(ctx context.Context, id string, r Resume) (Replay, error) {
	return g.steered(ctx, "resume", id, func() (Replay, error) { return g.next.Resume(ctx, id, r) })
}

func (g *guard) SetPace(ctx context.Context, id string, p Pace) (Replay, error) {
	return g.steered(ctx, "pace", id, func() (Replay, error) { return g.next.SetPace(ctx, id, p) })
}

func (g *guard) Cancel(ctx context.Context, id string, a Act) (Replay, error) {
	return g.steered(ctx, "cancel", id, func() (Replay, error) { return g.next.Cancel(ctx, id, a) })
}

func (g *guard) Approve(ctx context.Context, id string, a Act) (Replay, error) {
	return g.steered(ctx, "approve", id, func() (Replay, error) { return g.next.Approve(ctx, id, a) })
}

func (g *guard) Forget(ctx context.Context, id string, a Act) error {
	_, err := guarded(ctx, g, Admin, "forget", id, func() (struct{}, error) { return struct{}{}, g.next.Forget(ctx, id, a) })
	return err
}

func (g *guard) Receipt(ctx context.Context, id string) (replay.Receipt, error) {
	return guarded(ctx, g, Viewer, "receipt", id, func() (replay.Receipt, error) { return g.next.Receipt(ctx, id) })
}

func (g *guard) Quarantine(ctx context.Context, id string, q PageQuery) (Page[Quarantined], error) {
	return guarded(ctx, g, Viewer, "quarantine", id, func() (Page[Quarantined], error) { return g.next.Quarantine(ctx, id, q) })
}

func (g *guard) Offsets(ctx context.Context, id string, at time.Time) (Offsets, error) {
	return guarded(ctx, g, Viewer, "offsets", id, func() (Offsets, error) { return g.next.Offsets(ctx, id, at) })
}

func (g *guard) Group(ctx context.Context, id, group string) (Group, error) {
	return guarded(ctx, g, Viewer, "group", id, func() (Group, error) { return g.next.Group(ctx, id, group) })
}

// steered is guarded for what an operator does, and the replay that comes of it.
func (g *guard) steered(ctx context.Context, act, id string, do func() (Replay, error)) (Replay, error) {
	r, err := guarded(ctx, g, Operator, act, id, do)
	return g.shown(ctx, r), err
}

// guarded does something with a replay when the one who asks may.
func guarded[T any](ctx context.Context, g *guard, role Role, act, id string, do func() (T, error)) (T, error) {
	if err := g.may(ctx, role, act, id); err != nil {
		var none T
		return none, err
	}
	out, err := do()
	return out, g.noted(ctx, act, id, err)
}

// CheckStart implements Checker. Who may not ask for it is told nothing, and denied once they ask for what could be done.
func (g *guard) CheckStart(ctx context.Context, s Start) error {
	return g.startChecked(ctx, &s, func(c Checker) error { return c.CheckStart(ctx, s) })
}

// CheckPlan implements Checker, likewise.
func (g *guard) CheckPlan(ctx context.Context, s Start) error {
	return g.startChecked(ctx, &s, func(c Checker) error { return c.CheckPlan(ctx, s) })
}

func (g *guard) startChecked(ctx context.Context, s *Start, check func(Checker) error) error {
	by := By(ctx)
	mayArchive, mayTopic := s.Archive == "" || by.Archives.Has(s.Archive), s.Topic == "" || by.Topics.Has(s.Topic)
	c, can := g.next.(Checker)
	if !can || !by.Role.Covers(Operator) || !mayArchive || !mayTopic {
		return nil
	}
	return g.told(ctx, s.ID, check(c))
}

// CheckResume implements Checker, likewise.
func (g *guard) CheckResume(ctx context.Context, id string, r Resume) error {
	return g.steerChecked(ctx, id, func(c Checker) error { return c.CheckResume(ctx, id, r) })
}

// CheckPace implements Checker, likewise.
func (g *guard) CheckPace(ctx context.Context, id string, p Pace) error {
	return g.steerChecked(ctx, id, func(c Checker) error { return c.CheckPace(ctx, id, p) })
}

func (g *guard) steerChecked(ctx context.Context, id string, check func(Checker) error) error {
	c, can := g.next.(Checker)
	if !can || !By(ctx).Role.Covers(Operator) {
		return nil
	}
	if _, err := g.one(ctx, id); err != nil {
		return err
	}
	return g.told(ctx, id, check(c))
}

func (g *guard) Archives(ctx context.Context) (Page[Archive], error) {
	if err := g.needs(ctx, Viewer, "archives", ""); err != nil {
		return Page[Archive]{}, err
	}
	page, err := g.next.Archives(ctx)
	page.Items = slices.DeleteFunc(slices.Clone(page.Items), func(a Archive) bool { return !By(ctx).Archives.Has(a.Name) })
	return page, err
}

func (g *guard) Hours(ctx context.Context, archive string, w Span) (Page[Hour], error) {
	if err := g.needs(ctx, Viewer, "hours", ""); err != nil {
		return Page[Hour]{}, err
	}
	if !By(ctx).Archives.Has(archive) {
		return Page[Hour]{}, unknownArchive(archive)
	}
	page, err := g.next.Hours(ctx, archive, w)
	if isUnknown(err) {
		err = unknownArchive(archive)
	}
	return page, err
}

// Audit tells of acts on what may be seen. Each is judged by the archive and the topic that it was about, not by the replay that
// has its id now: that one may be another. What names neither, such as a denial, is for those who may see all. A page may so
// hold little, or nothing, with more behind it.
func (g *guard) Audit(ctx context.Context, q AuditQuery) (Page[replay.Audited], error) {
	if err := g.needs(ctx, Admin, "audit", q.ID); err != nil {
		return Page[replay.Audited]{}, err
	}
	by := By(ctx)
	page, err := g.next.Audit(ctx, q)
	page.Items = slices.DeleteFunc(slices.Clone(page.Items), func(a replay.Audited) bool {
		return !by.Archives.Has(a.Archive) || !by.Topics.Has(a.Topic)
	})
	for i := range page.Items {
		page.Items[i].Result = g.resulted(ctx, &page.Items[i])
	}
	return page, err
}

// Events leaves out what may not be seen, also when it is gone. Which of it was shown nobody needs to know, and nobody could:
// who comes again may have seen it before.
func (g *guard) Events(ctx context.Context, id, after string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if err := g.watchable(ctx, id); err != nil {
			yield(Event{}, err)
			return
		}
		by := By(ctx)
		all := by.Archives.All() && by.Topics.All()
		for e, err := range g.next.Events(ctx, id, after) {
			if visible := all || err != nil || sees(by, &e.Replay); !visible {
				continue
			}
			if e.Replay = g.shown(ctx, e.Replay); !yield(e, err) {
				return
			}
		}
	}
}

func (g *guard) watchable(ctx context.Context, id string) error {
	if id == "" {
		return g.needs(ctx, Viewer, "watch", "")
	}
	return g.may(ctx, Viewer, "watch", id)
}

func (g *guard) Version(ctx context.Context) (Version, error) {
	if err := g.needs(ctx, Viewer, "version", ""); err != nil {
		return Version{}, err
	}
	return g.next.Version(ctx)
}

// Ready is for probes, which nobody knows.
func (g *guard) Ready(ctx context.Context) (Readiness, error) { return g.next.Ready(ctx) }
