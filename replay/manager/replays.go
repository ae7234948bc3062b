package manager

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/pace"
)

// replay is k as people see it.
func (m *Manager) replay(k *replay.Known) api.Replay {
	s, w := &k.Spec, wished(k)
	r := api.Replay{
		ID: s.ID, State: m.state(k), Owner: s.Owner, Archive: s.Archive, URL: s.URL, WindowOn: s.Window.On, From: s.Window.From, To: s.Window.To,
		Topic: s.Topic, Pace: paceOf(k, &w), Wanted: w.State, Waits: w.Waits, StartedBy: k.Start.By, StartedAt: s.AsOf,
		WishedBy: w.By, WishedAt: w.At,
	}
	addChosen(k, &r)
	if c := k.Checkpoint; c != nil {
		r.Reason, r.Sessions = c.Reason, c.Sessions
		if r.State == replay.Running && s.Owner == replay.OwnerRun && c.Host != "" { // of a daemon's its words tell
			r.Daemon = fmt.Sprintf("%s %d", c.Host, c.PID)
		}
	} else if r.State == replay.Cancelled {
		r.Reason = w.Why()
	}
	if k.Err != nil {
		r.Reason = k.Err.Error()
		if !steerable(k) || !m.runsSomewhere(k) {
			r.State = replay.Failed
		}
	}
	if r.State.Terminal() {
		r.EndedAt = endedAt(k, &w)
	}
	m.addOwn(k, &r)
	return r
}

// addChosen adds to r what its sessions may do that others may not: whoever approves it answers for that, too.
func addChosen(k *replay.Known, r *api.Replay) {
	s := k.Chosen()
	r.Allow, r.StopOn = slices.Compact(slices.Sorted(slices.Values(s.Allow))), s.StopOn
	if s.MaxBad != 0 {
		r.MaxBad = strconv.FormatFloat(100*s.MaxBad, 'g', shareDigits, 64) + "%"
	}
}

// shareDigits are so few that a share of 0.07 is not told as 7.000000000000001%.
const shareDigits = 10

// endedAt is when a replay ended: it was cancelled before it began, or its last checkpoint was written.
func endedAt(k *replay.Known, w *replay.Wish) time.Time {
	if k.Checkpoint == nil {
		return w.At
	}
	return k.CheckpointAt.UTC()
}

// state is where k stands. One that was cancelled before it began has ended, unless a session is about to begin it: that one
// writes its end itself.
func (m *Manager) state(k *replay.Known) replay.State {
	s := k.State()
	if k.Checkpoint != nil || s != replay.Cancelled {
		return s
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sessions[k.Spec.ID] != nil || alive(k, time.Now()) && !k.Live.State.Terminal() {
		return replay.Planned
	}
	return s
}

// addOwn adds to r what this daemon knows of k beside the control topics.
func (m *Manager) addOwn(k *replay.Known, r *api.Replay) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	id := k.Spec.ID
	own, b := m.sessions[id], m.setbacks[id]
	switch {
	case r.State.Terminal():
	case r.Waits: // which is known before Run has looked
		r.Queued = "waits for the approval of a second person"
	default:
		r.Queued = m.queued[id]
	}
	if r.Queued == "" && !r.State.Terminal() && !m.options.Work.Mine(k.Spec.Topic) {
		r.Queued = toldQueued(k)
	}
	told := alive(k, now) && !r.State.Terminal()
	switch state, reason := wrong(k, &b); {
	case own != nil || told || reason == "" || r.State.Terminal():
	case state == replay.Failed || r.State == replay.Running: // begun, and refused since: nobody runs it
		r.State, r.Reason = replay.Failed, reason
	default:
		r.Reason = reason
	}
	if told {
		report := k.Live.Report
		r.Progress, r.Daemon, r.Queued = &report, k.Live.Daemon, ""
	} else if k.Checkpoint != nil {
		p := progressOf(k)
		report := p.Report()
		r.Progress = &report
	}
	if own == nil || r.State.Terminal() { // a session that still closes what has ended tells no more of it
		return
	}
	r.Daemon, r.Queued = m.options.Daemon, "" // also while it opens the archive, before it is anywhere
	if p := own.progress.Load(); p != nil {
		report := p.Report()
		r.Progress = &report
	}
}

// left reports whether the last session of k has left it to others.
func left(k *replay.Known) bool { return k.Live != nil && k.Live.Daemon == "" }

// alive reports whether a session tells that it works on k, and not that it has left it, or how it went wrong.
func alive(k *replay.Known, now time.Time) bool {
	return k.Live != nil && !left(k) && k.Live.At.Add(silent).After(now) && k.Live.State != replay.Failed && k.Live.State != replay.Planned
}

// wrong is what went wrong with the last session of k, here or at another daemon, and nobody wished anew since.
func wrong(k *replay.Known, b *setback) (replay.State, string) {
	w := wished(k)
	if b.reason != "" && b.token == w.Token {
		return b.state(), b.reason
	}
	l := k.Live
	if l == nil || !l.Under(&w) || l.State != replay.Failed && l.State != replay.Planned {
		return "", ""
	}
	return l.State, l.Error
}

// toldQueued is why the daemon that is to run k says that it waits, and nobody wished anew since.
func toldQueued(k *replay.Known) string {
	w := wished(k)
	if l := k.Live; l != nil && l.Under(&w) {
		return l.Queued
	}
	return ""
}

// progressOf is how far a replay is of which no session tells.
func progressOf(k *replay.Known) replay.Progress {
	p := replay.Progress{ID: k.Spec.ID, State: k.State(), Phase: replay.Waiting}
	w := wished(k)
	_ = p.Pace.UnmarshalText([]byte(paceOf(k, &w)))
	c := k.Checkpoint
	if c == nil {
		return p
	}
	p.Counters, p.Percent = c.Counters, 100
	from, to := k.Spec.Window.From, k.Spec.Window.To
	if c.Begun {
		p.Event = time.Unix(0, c.Watermark).UTC()
	}
	switch {
	case !k.Spec.Window.Bounded() || c.State == replay.Completed || c.State == replay.CompletedWithQuarantine:
	case !c.Begun:
		p.Percent = 0
	default:
		p.Percent = 100 * min(1, max(0, float64(p.Event.Sub(from))/float64(to.Sub(from))))
	}
	switch {
	case c.State == replay.Running:
		p.Phase = replay.Listing // nobody has told yet what it does
	case c.State.Terminal():
		p.Phase = replay.Ended
	}
	return p
}

// paceOf is the pace that is wished, or else that of the start.
func paceOf(k *replay.Known, w *replay.Wish) string {
	return cmp.Or(w.Pace.String(), k.Start.Pace, pace.Default().String())
}

// whole is nil once this daemon can tell of all replays: before, it would call one unknown, or idle, that others run.
func (m *Manager) whole() error {
	if m.options.Registers.Whole() {
		return nil
	}
	return unread(m.options.Registers.Ready())
}

// unread is the problem of what the control topics may hold, and could not be read because of err.
func unread(err error) error {
	why := "the control topics are still being read"
	if err != nil { // else they were read just now
		why = err.Error()
	}
	p := api.NewProblem(http.StatusServiceUnavailable, "this daemon does not know all replays now: %s", why)
	p.Next = "Ask again in some seconds, or ask another daemon."
	return p
}

// find returns a replay, or the problem that there is none. One that is not known while nothing can be read may be there.
func (m *Manager) find(id string) (replay.Known, error) {
	if err := m.whole(); err != nil {
		return replay.Known{}, err
	}
	if k, ok := m.options.Registers.Find(id); ok {
		return k, nil
	}
	if err := m.options.Registers.Ready(); err != nil {
		return replay.Known{}, unread(err)
	}
	p := api.NewProblem(http.StatusNotFound, "no replay is called %q", id)
	p.Next = "List them: replayd list"
	return replay.Known{}, p
}

// Replay implements api.Service.
func (m *Manager) Replay(_ context.Context, id string) (api.Replay, error) {
	k, err := m.find(id)
	if err != nil {
		return api.Replay{}, err
	}
	return m.replay(&k), nil
}

// Limits of a page.
const (
	defaultPage = 100
	maxPage     = 1000
)

// place is where a page goes on; 0 where it is the first.
func place(after string) (int64, error) {
	if after == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(after, 10, 64)
	if err != nil || n < 0 {
		return 0, noNext(after)
	}
	return n, nil
}

// noNext is the problem of an after that no page had for its next.
func noNext(after string) error {
	return api.Invalid(api.FieldError{Location: "query.after", Message: "is not the next of a page", Value: after})
}

// cursor is a place in the list of replays, written 17/payments-0300. The order alone is none: replays of which no spec is
// left all have 0.
type cursor struct {
	order int64
	id    string
}

func (c cursor) String() string { return strconv.FormatInt(c.order, 10) + "/" + c.id }

// parseCursor reads a cursor as it is written, and in no other form.
func parseCursor(text string) (cursor, error) {
	order, id, _ := strings.Cut(text, "/")
	n, err := strconv.ParseInt(order, 10, 64)
	if c := (cursor{n, id}); err == nil && n >= 0 && replay.ValidID(id) == nil && c.String() == text {
		return c, nil
	}
	return cursor{}, noNext(text)
}

// compare follows the order of Registers.All.
func (c cursor) compare(k *replay.Known) int {
	return cmp.Or(cmp.Compare(c.order, k.Order), cmp.Compare(c.id, k.Spec.ID))
}

// Replays implements api.Service.
func (m *Manager) Replays(ctx context.Context, q api.Query) (api.Page[api.Replay], error) {
	page := api.Page[api.Replay]{Items: []api.Replay{}}
	if err := m.whole(); err != nil {
		return page, err
	}
	var last cursor
	if q.After != "" {
		var err error
		if last, err = parseCursor(q.After); err != nil {
			return page, err
		}
	}
	limit := min(cmp.Or(max(0, q.Limit), defaultPage), maxPage)
	for _, k := range slices.Backward(m.options.Registers.All()) {
		if err := ctx.Err(); err != nil { // there may be many, and nobody who waits for them
			return api.Page[api.Replay]{}, err
		}
		if q.After != "" && last.compare(&k) <= 0 || !asked(&q, &k.Spec) {
			continue
		}
		r := m.replay(&k)
		if q.State != "" && string(r.State) != q.State {
			continue
		}
		if len(page.Items) == limit {
			page.Next = last.String()
			break
		}
		page.Items, last = append(page.Items, r), cursor{k.Order, k.Spec.ID}
	}
	return page, nil
}

// asked reports whether q asks for the replay that s is of, but for its state.
func asked(q *api.Query, s *replay.Spec) bool {
	return (q.Archive == "" || s.Archive == q.Archive) && (q.Topic == "" || s.Topic == q.Topic) && (q.Seen == nil || q.Seen(s.Archive, s.Topic))
}

// Receipt implements api.Service.
func (m *Manager) Receipt(_ context.Context, id string) (replay.Receipt, error) {
	k, err := m.find(id)
	if err != nil {
		return replay.Receipt{}, err
	}
	c := k.Checkpoint
	switch state := m.state(&k); {
	case !state.Terminal():
		return replay.Receipt{}, api.NewProblem(http.StatusConflict, "replay %s is %s: it has a receipt when it has ended", id, state)
	case c == nil: // cancelled before it began
		w := wished(&k)
		c = &replay.Checkpoint{State: state, Reason: w.Why()}
	}
	c.Seal(&k.Spec)
	return *c.Receipt, nil
}

// Quarantine implements api.Service.
func (m *Manager) Quarantine(ctx context.Context, id string, q api.PageQuery) (api.Page[api.Quarantined], error) {
	k, err := m.find(id)
	if err == nil && k.Err != nil { // which of the replays that have had the id it is may not be known
		err = api.NewProblem(http.StatusConflict, "replay %s: %s", id, k.Err)
	}
	if err != nil {
		return api.Page[api.Quarantined]{}, err
	}
	q.Limit = min(cmp.Or(max(0, q.Limit), defaultPage), maxPage)
	return m.options.Desk.Quarantine(ctx, id, q)
}

// Offsets implements api.Service.
func (m *Manager) Offsets(ctx context.Context, id string, at time.Time) (api.Offsets, error) {
	k, err := m.find(id)
	if err != nil {
		return api.Offsets{}, err
	}
	return m.options.Desk.Offsets(ctx, &k, at)
}

// Group implements api.Service.
func (m *Manager) Group(ctx context.Context, id, group string) (api.Group, error) {
	k, err := m.find(id)
	if err != nil {
		return api.Group{}, err
	}
	return m.options.Desk.Group(ctx, &k, group)
}

// Plan implements api.Service.
func (m *Manager) Plan(ctx context.Context, s api.Start) (api.Plan, error) {
	return m.options.Desk.Plan(ctx, s)
}

// Archives implements api.Service.
func (m *Manager) Archives(ctx context.Context) (api.Page[api.Archive], error) {
	return m.options.Desk.Archives(ctx)
}

// Hours implements api.Service.
func (m *Manager) Hours(ctx context.Context, archive string, w api.Span) (api.Page[api.Hour], error) {
	return m.options.Desk.Hours(ctx, archive, w)
}

// Audit implements api.Service.
func (m *Manager) Audit(ctx context.Context, q api.AuditQuery) (api.Page[replay.Audited], error) {
	limit := min(cmp.Or(max(0, q.Limit), defaultPage), maxPage)
	page := api.Page[replay.Audited]{Items: []replay.Audited{}}
	from, err := place(q.After)
	if err != nil {
		return page, err
	}
	acts, next, err := m.options.Registers.Audited(ctx, q.ID, from, limit)
	if err != nil {
		return page, unwritten(err)
	}
	if page.Items = append(page.Items, acts...); next > 0 {
		page.Next = strconv.FormatInt(next, 10)
	}
	return page, nil
}
