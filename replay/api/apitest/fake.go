// Package apitest has what tests of the daemon's API share: a Service in memory, and the cases that every Service passes,
// whether it is asked directly or by HTTP.
package apitest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/pace"
)

// Fake is a Service in memory that replays nothing: a replay stands as it is wished. It knows the archives payments and
// orders, and the targets replay.payments and replay.orders.
type Fake struct {
	mu      sync.Mutex
	replays []*entry // the oldest first
	audited []replay.Audited
	n       int           // of changes
	changed chan struct{} // closed at the next
	broken  error         // that everything answers with
	began   time.Time
}

type entry struct {
	api.Replay

	asked api.Start
	n     int // of its newest change
	gone  bool
}

var (
	_ api.Service = (*Fake)(nil)
	_ api.Checker = (*Fake)(nil)
)

// NewFake has no replays.
func NewFake() *Fake {
	return &Fake{changed: make(chan struct{}), began: time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)}
}

// Break has everything answer with err; nil: as it should again.
func (f *Fake) Break(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = err
}

// Change makes something about a replay different, as its progress would.
func (f *Fake) Change(id string, how func(*api.Replay)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.find(id); e != nil {
		how(&e.Replay)
		f.touch(e)
	}
}

var (
	archives = []string{"orders", "payments"}
	topics   = []string{"replay.orders", "replay.payments"}
)

func (f *Fake) touch(e *entry) {
	f.n++
	e.n = f.n
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *Fake) find(id string) *entry {
	for _, e := range f.replays {
		if e.ID == id && !e.gone {
			return e
		}
	}
	return nil
}

func (f *Fake) known(id string) (*entry, error) {
	if f.broken != nil {
		return nil, f.broken
	}
	if e := f.find(id); e != nil {
		return e, nil
	}
	return nil, api.UnknownReplay(id)
}

func (f *Fake) audit(ctx context.Context, act, id, reason string) {
	for _, phase := range []string{"intent", "outcome"} {
		a := replay.Audited{Version: 1, ID: id, Act: act, Phase: phase, Items: []string{}, Reason: reason, User: api.By(ctx).Name, At: f.began}
		if phase == "outcome" {
			a.Result = "done"
		}
		f.audited = append(f.audited, a)
	}
}

// invalid names every field that is wrong.
func invalid(s *api.Start) *api.Problem {
	p := api.NewProblem(http.StatusUnprocessableEntity, "this cannot be replayed")
	bad := func(field, value string, err error) {
		if err != nil {
			p.Errors = append(p.Errors, api.FieldError{Location: "body." + field, Message: err.Error(), Value: value})
		}
	}
	if !slices.Contains(archives, s.Archive) {
		bad("archive", s.Archive, fmt.Errorf("not known: %q", archives))
	}
	if !slices.Contains(topics, s.Topic) {
		bad("topic", s.Topic, fmt.Errorf("no target: %q", topics))
	}
	if s.ID != "" {
		bad("id", s.ID, replay.ValidID(s.ID))
	}
	for _, at := range []struct{ field, value string }{{"from", s.From}, {"to", s.To}} {
		if at.value != "" {
			_, err := time.Parse(time.RFC3339, at.value)
			bad(at.field, at.value, err)
		}
	}
	if s.Pace != "" {
		_, err := pace.Parse(s.Pace)
		bad("pace", s.Pace, err)
	}
	if p.Errors == nil {
		return nil
	}
	return p
}

// CheckStart implements api.Checker.
func (f *Fake) CheckStart(_ context.Context, s api.Start) error {
	if p := invalid(&s); p != nil {
		return p
	}
	return nil
}

// CheckPlan implements api.Checker.
func (f *Fake) CheckPlan(ctx context.Context, s api.Start) error { return f.CheckStart(ctx, s) }

// Start implements api.Service.
func (f *Fake) Start(ctx context.Context, s api.Start) (api.Replay, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return api.Replay{}, false, f.broken
	}
	if p := invalid(&s); p != nil {
		return api.Replay{}, false, p
	}
	if e := f.by(s.IdempotencyKey); e != nil {
		before := e.asked
		before.Plan, before.AsOf = s.Plan, s.AsOf
		if !reflect.DeepEqual(before, s) {
			return api.Replay{}, false, api.NewProblem(http.StatusUnprocessableEntity, "this Idempotency-Key has started something else, %s", e.ID)
		}
		return e.Replay, false, nil
	}
	id := s.ID
	if id == "" {
		id = fmt.Sprintf("r-%d", len(f.replays)+1)
	}
	if f.find(id) != nil {
		return api.Replay{}, false, api.NewProblem(http.StatusConflict, "replay %s exists and is another one", id)
	}
	from, _ := time.Parse(time.RFC3339, s.From)
	to, _ := time.Parse(time.RFC3339, s.To)
	e := &entry{asked: s, Replay: api.Replay{
		ID: id, State: replay.Running, Owner: "daemon", Archive: s.Archive, URL: "memory:///" + s.Archive, WindowOn: cmp.Or(s.WindowOn, replay.OnEvent),
		From: from.UTC(), To: to.UTC(), Topic: s.Topic, Pace: cmp.Or(s.Pace, pace.Default().String()), Wanted: replay.Running,
		StartedBy: api.By(ctx).Name, StartedAt: f.began, Sessions: 1,
	}}
	f.replays = append(f.replays, e)
	f.audit(ctx, "start", id, s.Reason)
	f.touch(e)
	return e.Replay, true, nil
}

func (f *Fake) by(key string) *entry {
	for _, e := range f.replays {
		if key != "" && e.asked.IdempotencyKey == key && !e.gone {
			return e
		}
	}
	return nil
}

// Replays implements api.Service.
func (f *Fake) Replays(_ context.Context, q api.Query) (api.Page[api.Replay], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return api.Page[api.Replay]{}, f.broken
	}
	var list []api.Replay
	for _, e := range slices.Backward(f.replays) {
		if !e.gone && q.Stands(&e.Replay) && is(q.Archive, e.Archive) && is(q.Topic, e.Topic) && (q.Seen == nil || q.Seen(e.Archive, e.Topic)) {
			list = append(list, e.Replay)
		}
	}
	return page(list, q.PageQuery, func(i int, r api.Replay) string { return r.ID })
}

func is(asked, value string) bool { return asked == "" || asked == value }

// page is the part that q asks for. Each item has a cursor.
func page[T any](list []T, q api.PageQuery, cursor func(int, T) string) (api.Page[T], error) {
	begin := 0
	if q.After != "" {
		begin = -1
		for i, item := range list {
			if cursor(i, item) == q.After {
				begin = i + 1
			}
		}
		if begin < 0 {
			p := api.NewProblem(http.StatusUnprocessableEntity, "this list has no such part")
			p.Errors = []api.FieldError{{Location: "query.after", Message: "is not the next of a page", Value: q.After}}
			return api.Page[T]{}, p
		}
	}
	end := min(len(list), begin+cmp.Or(q.Limit, 100))
	p := api.Page[T]{Items: append([]T{}, list[begin:end]...)}
	if end < len(list) {
		p.Next = cursor(end-1, list[end-1])
	}
	return p, nil
}

// Replay implements api.Service.
func (f *Fake) Replay(_ context.Context, id string) (api.Replay, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e, err := f.known(id)
	if err != nil {
		return api.Replay{}, err
	}
	return e.Replay, nil
}

// act changes a replay that has not ended.
func (f *Fake) act(ctx context.Context, act, id, reason string, how func(*api.Replay)) (api.Replay, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e, err := f.known(id)
	if err != nil {
		return api.Replay{}, err
	}
	if e.State.Terminal() {
		return api.Replay{}, api.NewProblem(http.StatusConflict, "replay %s is %s", id, e.State)
	}
	how(&e.Replay)
	e.WishedBy, e.WishedAt = api.By(ctx).Name, f.began.Add(time.Duration(f.n)*time.Millisecond) // later than what was wished before
	f.audit(ctx, act, id, reason)
	e.WishedReason = reason
	f.touch(e)
	return e.Replay, nil
}

func to(s replay.State) func(*api.Replay) {
	return func(r *api.Replay) { r.State, r.Wanted = s, s }
}

// Pause implements api.Service.
func (f *Fake) Pause(ctx context.Context, id string, a api.Act) (api.Replay, error) {
	return f.act(ctx, "pause", id, a.Reason, to(replay.Paused))
}

// Resume implements api.Service.
func (f *Fake) Resume(ctx context.Context, id string, r api.Resume) (api.Replay, error) {
	return f.act(ctx, "resume", id, r.Reason, to(replay.Running))
}

// Cancel implements api.Service.
func (f *Fake) Cancel(ctx context.Context, id string, a api.Act) (api.Replay, error) {
	return f.act(ctx, "cancel", id, a.Reason, to(replay.Cancelled))
}

// Approve implements api.Service.
func (f *Fake) Approve(ctx context.Context, id string, a api.Act) (api.Replay, error) {
	return f.act(ctx, "approve", id, a.Reason, func(r *api.Replay) { r.Waits = false })
}

// SetPace implements api.Service.
func (f *Fake) SetPace(ctx context.Context, id string, p api.Pace) (api.Replay, error) {
	if err := f.CheckPace(ctx, id, p); err != nil {
		return api.Replay{}, err
	}
	return f.act(ctx, "pace", id, p.Reason, func(r *api.Replay) {
		s, _ := pace.Parse(p.Pace)
		r.Pace = s.String()
	})
}

// CheckPace implements api.Checker.
func (f *Fake) CheckPace(_ context.Context, _ string, p api.Pace) error {
	if _, err := pace.Parse(p.Pace); err != nil {
		return api.Invalid(api.FieldError{Location: "body.pace", Message: err.Error(), Value: p.Pace})
	}
	return nil
}

// CheckResume implements api.Checker.
func (f *Fake) CheckResume(_ context.Context, _ string, r api.Resume) error {
	if strings.HasSuffix(r.MaxBad, "%") || r.MaxBad == "" {
		return nil
	}
	return api.Invalid(api.FieldError{Location: "body.max_bad", Message: "is no share in percent", Value: r.MaxBad})
}

// Forget implements api.Service.
func (f *Fake) Forget(ctx context.Context, id string, a api.Act) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	e, err := f.known(id)
	if err != nil {
		return err
	}
	if !e.State.Terminal() {
		return api.NewProblem(http.StatusConflict, "replay %s is %s: cancel it first", id, e.State)
	}
	e.gone = true
	f.audit(ctx, "forget", id, a.Reason)
	f.touch(e)
	return nil
}

// Receipt implements api.Service.
func (f *Fake) Receipt(ctx context.Context, id string) (replay.Receipt, error) {
	r, err := f.Replay(ctx, id)
	if err != nil {
		return replay.Receipt{}, err
	}
	if !r.State.Terminal() {
		return replay.Receipt{}, api.NewProblem(http.StatusConflict, "replay %s is %s: it has no receipt yet", id, r.State)
	}
	last := int64(12)
	return replay.Receipt{
		Type: "receipt", Version: 1, ID: id, State: r.State, Archive: r.Archive, WindowOn: r.WindowOn, Topic: r.Topic, Sessions: 1,
		Counters:  replay.Counters{Read: 10, Produced: 10, FilteredBy: map[string]int64{}, QuarantinedBy: map[string]int64{}, Gaps: []string{}},
		OpenHours: []string{}, Guarantee: "exactly-once",
		Partitions: []replay.Partition{{Topic: r.Topic, Records: 10, StartOffset: 3, LastOffset: &last}},
	}, nil
}

// Quarantine implements api.Service: three entries.
func (f *Fake) Quarantine(ctx context.Context, id string, q api.PageQuery) (api.Page[api.Quarantined], error) {
	if _, err := f.Replay(ctx, id); err != nil {
		return api.Page[api.Quarantined]{}, err
	}
	var list []api.Quarantined
	for n := range int64(3) {
		list = append(list, api.Quarantined{N: n + 1, Quarantined: replay.Quarantined{Object: "2026/11/01/03/a.json.gz", Range: [2]int64{n * 10, n*10 + 10}, Reason: "json"}})
	}
	return page(list, q, func(i int, _ api.Quarantined) string { return strconv.Itoa(i + 1) })
}

// Offsets implements api.Service.
func (f *Fake) Offsets(ctx context.Context, id string, at time.Time) (api.Offsets, error) {
	r, err := f.Replay(ctx, id)
	if err != nil {
		return api.Offsets{}, err
	}
	return api.Offsets{ID: id, EventTime: at.UTC(), Known: at.UTC().Truncate(time.Minute), Topic: r.Topic, Partitions: []api.Partition{{Partition: 0, Offset: 3}, {Partition: 1, Offset: 5}}}, nil
}

// Group implements api.Service.
func (f *Fake) Group(ctx context.Context, id, group string) (api.Group, error) {
	if _, err := f.Replay(ctx, id); err != nil {
		return api.Group{}, err
	}
	return api.Group{Group: group, ID: id, State: "Stable", Lag: 7, ETA: 1.5, Partitions: []api.GroupPartition{{Partition: 0, Committed: 5, Last: 12}}}, nil
}

// Plan implements api.Service.
func (f *Fake) Plan(_ context.Context, s api.Start) (api.Plan, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return api.Plan{}, f.broken
	}
	if p := invalid(&s); p != nil {
		return api.Plan{}, p
	}
	return api.Plan{Hash: "0123", AsOf: f.began.Format(time.RFC3339), Accepted: true, Lines: []string{"window 4h", "topic " + s.Topic}, Plan: map[string]any{"type": "plan"}}, nil
}

// Archives implements api.Service.
func (f *Fake) Archives(context.Context) (api.Page[api.Archive], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	page := api.Page[api.Archive]{Items: []api.Archive{}}
	for _, name := range archives {
		page.Items = append(page.Items, api.Archive{Name: name, URL: []string{"memory:///" + name}})
	}
	return page, f.broken
}

// Hours implements api.Service.
func (f *Fake) Hours(_ context.Context, archive string, w api.Span) (api.Page[api.Hour], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.broken != nil:
		return api.Page[api.Hour]{}, f.broken
	case !slices.Contains(archives, archive):
		return api.Page[api.Hour]{}, api.NewProblem(http.StatusNotFound, "there is no archive %s", archive)
	case !w.From.Before(w.To) || w.To.Sub(w.From) > 31*24*time.Hour:
		p := api.NewProblem(http.StatusUnprocessableEntity, "the window is empty, or longer than 31 days")
		p.Errors = []api.FieldError{{Location: "query.to", Message: "want up to 31 days behind from"}}
		return api.Page[api.Hour]{}, p
	}
	page := api.Page[api.Hour]{Items: []api.Hour{}}
	for at := w.From.UTC().Truncate(time.Hour); at.Before(w.To); at = at.Add(time.Hour) {
		page.Items = append(page.Items, api.Hour{Hour: at.Format("2006-01-02T15Z"), Objects: 3, Bytes: 3_000})
	}
	return page, nil
}

// Audit implements api.Service.
func (f *Fake) Audit(_ context.Context, q api.AuditQuery) (api.Page[replay.Audited], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return api.Page[replay.Audited]{}, f.broken
	}
	var list []replay.Audited
	for _, a := range f.audited {
		if is(q.ID, a.ID) {
			list = append(list, a)
		}
	}
	return page(list, q.PageQuery, func(i int, _ replay.Audited) string { return strconv.Itoa(i + 1) })
}

// Events implements api.Service. The ID of an event is the number of its change.
func (f *Fake) Events(ctx context.Context, id, after string) iter.Seq2[api.Event, error] {
	return func(yield func(api.Event, error) bool) {
		seen, err := strconv.Atoi(after)
		if f.mu.Lock(); err != nil || seen > f.n {
			seen = 0 // of another daemon, or of long ago
		}
		f.mu.Unlock()
		for first := seen == 0; ; first = false {
			list, changed, err := f.since(id, seen, first)
			if err != nil {
				yield(api.Event{}, err)
				return
			}
			for _, e := range list {
				if !yield(e, nil) {
					return
				}
				seen, _ = strconv.Atoi(e.ID)
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

// since are the events behind the change seen, of each replay the newest, and what is closed at the next.
func (f *Fake) since(id string, seen int, first bool) (list []api.Event, changed <-chan struct{}, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return nil, nil, f.broken
	}
	var newer []*entry
	for _, e := range f.replays {
		if e.n > seen && is(id, e.ID) && !(first && e.gone) {
			newer = append(newer, e)
		}
	}
	slices.SortFunc(newer, func(a, b *entry) int { return cmp.Compare(a.n, b.n) })
	for _, e := range newer {
		event := api.Event{ID: strconv.Itoa(e.n), Replay: e.Replay}
		if e.gone {
			event.Gone, event.Replay = true, api.Replay{ID: e.ID, Archive: e.Archive, Topic: e.Topic}
		}
		list = append(list, event)
	}
	return list, f.changed, nil
}

// Version implements api.Service.
func (f *Fake) Version(context.Context) (api.Version, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return api.Version{Version: "v1.2.3"}, f.broken
}

// Ready implements api.Service.
func (f *Fake) Ready(context.Context) (api.Readiness, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return api.Readiness{Reasons: []string{f.broken.Error()}}, nil
	}
	return api.Readiness{Ready: true, Reasons: []string{}}, nil
}
