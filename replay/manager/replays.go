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
		WishedBy: w.By, WishedAt: w.At, WishedReason: w.Reason,
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
	if foreground(k) {
		r.HeardAt = m.heardAt(k, time.Now()).UTC()
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
	if m.own(k) != nil || m.alive(k) && !k.Live.State.Terminal() {
		return replay.Planned
	}
	return s
}

// addOwn adds to r what this daemon knows of k beside the control topics.
func (m *Manager) addOwn(k *replay.Known, r *api.Replay) {
	m.mu.Lock()
	defer m.mu.Unlock()
	own, b := m.own(k), m.setbacks[k.Spec.ID]
	if r.State.Terminal() { // a session that still closes what has ended tells no more of it
		r.Progress = reached(k, nil, false)
		return
	}
	told := m.alive(k)
	r.Progress = reached(k, own, told)
	switch {
	case own != nil:
		r.Daemon = m.options.Daemon // also while it opens the archive, before it is anywhere
	case told:
		r.Daemon = k.Live.Daemon
	default:
		r.State, r.Reason = fallen(k, &b, r.State, r.Reason)
		r.Queued = m.waits(k, r.Waits)
	}
	if own == nil {
		r.Stale = m.options.Registers.Stale()
	}
}

// waits is why k, on which no session works, waits; empty: for nothing. The lock is held.
func (m *Manager) waits(k *replay.Known, approval bool) string {
	switch why := m.queued[k.Spec.ID]; {
	case approval: // which is known before Run has looked
		return "waits for the approval of a second person"
	case why != "" || m.options.Work.Mine(k.Spec.Topic):
		return why
	}
	return toldQueued(k)
}

// fallen is where k stands, on which no session works and which has not ended, and why: in a state and with a reason by its checkpoint,
// or otherwise where its last session went wrong.
func fallen(k *replay.Known, b *setback, state replay.State, reason string) (replay.State, string) {
	switch last, why := wrong(k, b); {
	case why == "":
		return state, reason
	case last == replay.Failed || state == replay.Running: // begun, and refused since: nobody runs it
		return replay.Failed, why
	default:
		return state, why
	}
}

// reached is how far k is: as this daemon's own session tells, or another's, if one does, or else its checkpoint. It is nil when none
// does.
func reached(k *replay.Known, own *session, told bool) *replay.Report {
	var p *replay.Progress
	if own != nil {
		p = own.progress.Load()
	}
	switch {
	case p != nil:
	case told:
		report := k.Live.Report
		return &report
	case k.Checkpoint != nil:
		stands := progressOf(k)
		p = &stands
	default:
		return nil
	}
	report := p.Report()
	return &report
}

// wrong is what went wrong with the last session of k, here or at another daemon, and nobody wished anew since.
func wrong(k *replay.Known, b *setback) (replay.State, string) {
	w := wished(k)
	if r := k.Refused; r != nil {
		return r.State, r.Error
	}
	if b.reason != "" && b.token == w.Token {
		return replay.Failed, b.reason
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
		p.Phase = replay.Untold
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
	if err := m.options.Registers.Ready(); err != nil || m.options.Registers.Doubtful(id) {
		return replay.Known{}, unread(err)
	}
	return replay.Known{}, api.UnknownReplay(id)
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
		if !q.Stands(&r) {
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

// asked reports whether q asks for the replay that s is of, however that stands.
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
