package api_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

var all = api.Names{api.Everything}

// withReplay is a fake with the replay a.
func withReplay(t *testing.T) *apitest.Fake {
	t.Helper()
	f := apitest.NewFake()
	if _, _, err := f.Start(t.Context(), apitest.Payments("a")); err != nil {
		t.Fatal(err)
	}
	return f
}

// acts is every method of Service with the role that it needs. Each is done to the replay id.
func acts(id string) map[string]struct {
	needs api.Role
	do    func(context.Context, api.Service) error
} {
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	type act = struct {
		needs api.Role
		do    func(context.Context, api.Service) error
	}
	return map[string]act{
		"Start": {api.Operator, func(ctx context.Context, s api.Service) error {
			_, _, err := s.Start(ctx, apitest.Payments("new"))
			return err
		}},
		"Plan": {api.Operator, func(ctx context.Context, s api.Service) error {
			_, err := s.Plan(ctx, apitest.Payments(""))
			return err
		}},
		"Pause":  {api.Operator, func(ctx context.Context, s api.Service) error { _, err := s.Pause(ctx, id, api.Act{}); return err }},
		"Resume": {api.Operator, func(ctx context.Context, s api.Service) error { _, err := s.Resume(ctx, id, api.Resume{}); return err }},
		"SetPace": {api.Operator, func(ctx context.Context, s api.Service) error {
			_, err := s.SetPace(ctx, id, api.Pace{Pace: "1/s"})
			return err
		}},
		"Cancel":  {api.Operator, func(ctx context.Context, s api.Service) error { _, err := s.Cancel(ctx, id, api.Act{}); return err }},
		"Approve": {api.Operator, func(ctx context.Context, s api.Service) error { _, err := s.Approve(ctx, id, api.Act{}); return err }},
		"Forget":  {api.Admin, func(ctx context.Context, s api.Service) error { return s.Forget(ctx, id, api.Act{}) }},
		"Audit": {api.Admin, func(ctx context.Context, s api.Service) error {
			_, err := s.Audit(ctx, api.AuditQuery{ID: id})
			return err
		}},
		"Replays": {api.Viewer, func(ctx context.Context, s api.Service) error { _, err := s.Replays(ctx, api.Query{}); return err }},
		"Replay":  {api.Viewer, func(ctx context.Context, s api.Service) error { _, err := s.Replay(ctx, id); return err }},
		"Receipt": {api.Viewer, func(ctx context.Context, s api.Service) error { _, err := s.Receipt(ctx, id); return err }},
		"Quarantine": {api.Viewer, func(ctx context.Context, s api.Service) error {
			_, err := s.Quarantine(ctx, id, api.PageQuery{})
			return err
		}},
		"Offsets":  {api.Viewer, func(ctx context.Context, s api.Service) error { _, err := s.Offsets(ctx, id, at); return err }},
		"Group":    {api.Viewer, func(ctx context.Context, s api.Service) error { _, err := s.Group(ctx, id, "g"); return err }},
		"Archives": {api.Viewer, func(ctx context.Context, s api.Service) error { _, err := s.Archives(ctx); return err }},
		"Hours": {api.Viewer, func(ctx context.Context, s api.Service) error {
			_, err := s.Hours(ctx, "payments", api.Span{From: at, To: at.Add(time.Hour)})
			return err
		}},
		"Events": {api.Viewer, func(ctx context.Context, s api.Service) error {
			for _, err := range s.Events(ctx, id, "") {
				return err
			}
			return nil
		}},
		"Version": {api.Viewer, func(ctx context.Context, s api.Service) error { _, err := s.Version(ctx); return err }},
	}
}

func status(err error) int {
	var p *api.Problem
	if errors.As(err, &p) {
		return p.Status
	}
	return 0
}

// strict is a service that denies whatever would change something, for reasons of its own.
type strict struct{ api.Service }

func denial() error { return api.NewProblem(http.StatusForbidden, "not this one") }

func (strict) Start(context.Context, api.Start) (api.Replay, bool, error) {
	return api.Replay{}, false, denial()
}
func (strict) Plan(context.Context, api.Start) (api.Plan, error) { return api.Plan{}, denial() }
func (strict) Approve(context.Context, string, api.Act) (api.Replay, error) {
	return api.Replay{}, denial()
}

func TestWhatTheServiceItselfDeniesIsAuditedToo(t *testing.T) {
	for name, id := range map[string]string{"Start": "new", "Plan": "", "Approve": "a"} {
		a := &audits{}
		d := api.NewDenials(a.write, zerolog.Nop())
		stop := running(t, d)
		g := api.Guard(strict{withReplay(t)}, d)
		err := acts("a")[name].do(api.WithBy(t.Context(), api.Principal{Name: "alice", Role: api.Operator, Archives: all, Topics: all}), g)
		stop()
		list := a.all()
		if status(err) != http.StatusForbidden || len(list) != 1 || list[0].User != "alice" || list[0].Act != "denied" || list[0].ID != id ||
			!slices.Equal(list[0].Items, []string{strings.ToLower(name)}) || !strings.Contains(list[0].Result, "not this one") {
			t.Errorf("%s: %v, audited %+v", name, err, list)
		}
	}
}

func TestEachActNeedsItsRole(t *testing.T) {
	ranks := []api.Role{"", "root", api.Viewer, api.Operator, api.Admin}
	for name, act := range acts("a") {
		for i, role := range ranks {
			g := api.Guard(withReplay(t), nil)
			err := act.do(api.WithBy(t.Context(), api.Principal{Name: "alice", Role: role, Archives: all, Topics: all}), g)
			denied := i < slices.Index(ranks, act.needs)
			if got := status(err) == http.StatusForbidden; got != denied {
				t.Errorf("%s by %q: denied %v, want %v: %v", name, role, got, denied, err)
			}
		}
	}
	if n := len(acts("a")); n != 19 {
		t.Errorf("%d acts", n)
	}
}

// TestWhatEachRoleMayIsDocumented holds the table of docs/security.md against the acts.
func TestWhatEachRoleMayIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "\n### What each role may\n")
	commands := map[string]string{"Replays": "list", "Replay": "show", "Events": "watch", "SetPace": "pace"}
	have := map[api.Role][]string{}
	for name, act := range acts("a") {
		have[act.needs] = append(have[act.needs], cmp.Or(commands[name], strings.ToLower(name)))
	}
	for role, names := range have {
		row := regexp.MustCompile("(?m)^[|] `" + string(role) + "` [|] `(.*)` [|]$").FindStringSubmatch(table)
		if row == nil {
			t.Errorf("no row for %s", role)
			continue
		}
		told := strings.Split(row[1], "`, `")
		slices.Sort(told)
		slices.Sort(names)
		if !slices.Equal(told, names) {
			t.Errorf("%s may %q, and the page says %q", role, names, told)
		}
	}
}

func TestNobodyMayDoAnythingButAskWhetherItIsReady(t *testing.T) {
	g := api.Guard(withReplay(t), nil)
	for name, act := range acts("a") {
		if err := act.do(t.Context(), g); status(err) != http.StatusForbidden {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r, err := g.Ready(t.Context()); err != nil || !r.Ready {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestWhatMayNotBeSeenIsAsWhatThereIsNot(t *testing.T) {
	for _, by := range []api.Principal{
		{Name: "alice", Role: api.Admin, Archives: api.Names{"orders"}, Topics: all},
		{Name: "alice", Role: api.Admin, Archives: all, Topics: api.Names{"replay.o*"}},
	} {
		ctx := api.WithBy(t.Context(), by)
		unseen, none := acts("a"), acts("none")
		for name := range unseen {
			if slices.Contains([]string{"Start", "Plan", "Replays", "Archives", "Version", "Hours", "Audit"}, name) {
				continue
			}
			hidden := unseen[name].do(ctx, api.Guard(withReplay(t), nil))
			missing := none[name].do(ctx, api.Guard(withReplay(t), nil))
			if status(hidden) != http.StatusNotFound || status(missing) != http.StatusNotFound {
				t.Fatalf("%s: %v, %v", name, hidden, missing)
			}
			if want := strings.ReplaceAll(missing.Error(), "none", "a"); hidden.Error() != want {
				t.Errorf("%s: %q and %q can be told apart", name, hidden, missing)
			}
		}
	}
}

func TestOnlyWhatIsNamedMayBeStarted(t *testing.T) {
	ctx := api.WithBy(t.Context(), api.Principal{Name: "alice", Role: api.Operator, Archives: api.Names{"orders"}, Topics: api.Names{"replay.orders"}})
	g := api.Guard(apitest.NewFake(), nil)
	_, _, err := g.Start(ctx, apitest.Payments("a"))
	p := apitest.Refused(t, err, http.StatusForbidden)
	if len(p.Errors) != 2 || p.Errors[0].Location != "body.archive" || p.Errors[1].Location != "body.topic" {
		t.Errorf("%+v", p)
	}
	_, err = g.Plan(ctx, apitest.Payments("a"))
	apitest.Refused(t, err, http.StatusForbidden)
	mine := apitest.Payments("a")
	mine.Archive, mine.Topic = "orders", "replay.orders"
	if _, _, err := g.Start(ctx, mine); err != nil {
		t.Error(err)
	}
}

// mixed has ten replays, every third of orders.
func mixed(t *testing.T) *apitest.Fake {
	t.Helper()
	f := apitest.NewFake()
	for n := range 10 {
		s := apitest.Payments(fmt.Sprintf("r%d", n))
		if n%3 == 0 {
			s.Archive, s.Topic = "orders", "replay.orders"
		}
		if _, _, err := f.Start(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// listing counts how often it is asked for a list.
type listing struct {
	api.Service

	n int
}

func (l *listing) Replays(ctx context.Context, q api.Query) (api.Page[api.Replay], error) {
	l.n++
	return l.Service.Replays(ctx, q)
}

func TestListsHoldWhatMayBeSeenAndTellOfNoOther(t *testing.T) {
	ctx := api.WithBy(t.Context(), api.Principal{Name: "alice", Role: api.Admin, Archives: api.Names{"orders"}, Topics: all})
	l := &listing{Service: mixed(t)}
	g := api.Guard(l, nil)
	want := []string{"r9", "r6", "r3", "r0"}
	for limit := range 5 {
		var got []string
		q := api.Query{PageQuery: api.PageQuery{Limit: limit}}
		for {
			l.n = 0
			p, err := g.Replays(ctx, q)
			if err != nil || limit > 0 && len(p.Items) > limit {
				t.Fatalf("%d items, %v", len(p.Items), err)
			}
			if full := len(p.Items) == limit; p.Next != "" && !full || l.n != 1 { // each time is a pass over all replays
				t.Errorf("limit %d: %d items by %d lists, next %q", limit, len(p.Items), l.n, p.Next)
			}
			for _, r := range p.Items {
				got = append(got, r.ID)
			}
			if p.Next == "" {
				break
			}
			if !slices.Contains(want, p.Next) { // the fake's are ids
				t.Errorf("limit %d: next tells of %s", limit, p.Next)
			}
			q.After = p.Next
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: %q, want %q", limit, got, want)
		}
	}
	if p, err := g.Archives(ctx); err != nil || len(p.Items) != 1 || p.Items[0].Name != "orders" {
		t.Errorf("archives %+v, %v", p.Items, err)
	}
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	_, hidden := g.Hours(ctx, "payments", api.Span{From: at, To: at.Add(time.Hour)})
	if p := apitest.Refused(t, hidden, http.StatusNotFound); !strings.HasPrefix(p.Error(), "there is no archive payments\n") || !strings.Contains(p.Next, "GET /v1/archives") {
		t.Error(p.Error())
	}
}

// history is a service whose audit is this.
type history struct {
	api.Service

	acts []replay.Audited
}

func (h history) Audit(context.Context, api.AuditQuery) (api.Page[replay.Audited], error) {
	return api.Page[replay.Audited]{Items: h.acts, Next: "7"}, nil
}

// TestTheAuditTellsOfWhatMayBeSeenAlone, of an id that was of one archive, was forgotten, and is of another now.
func TestTheAuditTellsOfWhatMayBeSeenAlone(t *testing.T) {
	h := history{apitest.NewFake(), []replay.Audited{
		{ID: "a", Act: "start", Archive: "orders", Topic: "replay.orders"},
		{ID: "a", Act: "forget", Archive: "orders", Topic: "replay.orders"},
		{ID: "a", Act: "denied"},
		{ID: "a", Act: "start", Archive: "payments", Topic: "replay.payments"},
	}}
	for _, c := range []struct {
		archives, topics api.Names
		want             string
	}{
		{all, all, "start orders, forget orders, denied , start payments"},
		{api.Names{"orders"}, all, "start orders, forget orders"},
		{all, api.Names{"replay.p*"}, "start payments"},
		{api.Names{"orders"}, api.Names{"replay.payments"}, ""},
	} {
		ctx := api.WithBy(t.Context(), api.Principal{Name: "alice", Role: api.Admin, Archives: c.archives, Topics: c.topics})
		page, err := api.Guard(h, nil).Audit(ctx, api.AuditQuery{ID: "a"})
		if err != nil || page.Next != "7" {
			t.Fatal(page.Next, err)
		}
		var told []string
		for _, a := range page.Items {
			told = append(told, a.Act+" "+a.Archive)
		}
		if got := strings.Join(told, ", "); got != c.want {
			t.Errorf("of %q into %q is told %q, want %q", c.archives, c.topics, got, c.want)
		}
	}
	if len(h.acts) != 4 || h.acts[2].Act != "denied" {
		t.Errorf("it changed what the service has: %+v", h.acts)
	}
}

func TestWatchersSeeWhatTheyMay(t *testing.T) {
	ctx, cancel := context.WithCancel(api.WithBy(t.Context(), api.Principal{Name: "alice", Role: api.Viewer, Archives: api.Names{"orders"}, Topics: all}))
	defer cancel()
	f := mixed(t)
	g := api.Guard(f, nil)
	var got []string
	for e, err := range g.Events(ctx, "", "") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Replay.ID)
		if len(got) == 4 { // all that may be seen; now one of each ends and is forgotten
			for _, id := range []string{"r1", "r3"} {
				if _, err := f.Cancel(ctx, id, api.Act{}); err != nil {
					t.Fatal(err)
				}
				if err := f.Forget(ctx, id, api.Act{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if e.Gone {
			break
		}
	}
	if want := []string{"r0", "r3", "r6", "r9", "r3"}; !slices.Equal(got, want) {
		t.Errorf("seen %q, want %q", got, want)
	}
}

// TestWatchersWhoComeAgainAreToldWhatIsGone that they had seen, and of nothing else.
func TestWatchersWhoComeAgainAreToldWhatIsGone(t *testing.T) {
	ctx := api.WithBy(t.Context(), api.Principal{Name: "alice", Role: api.Viewer, Archives: api.Names{"orders"}, Topics: all})
	f := mixed(t)
	g := api.Guard(f, nil)
	last := ""
	for e, err := range g.Events(ctx, "", "") {
		if err != nil {
			t.Fatal(err)
		}
		if last = e.ID; e.Replay.ID == "r9" {
			break
		}
	}
	for _, id := range []string{"r1", "r3", "r6"} {
		if _, err := f.Cancel(ctx, id, api.Act{}); err != nil {
			t.Fatal(err)
		}
		if err := f.Forget(ctx, id, api.Act{}); err != nil {
			t.Fatal(err)
		}
	}
	f.Change("r9", func(r *api.Replay) { r.Reason = "the last change" })
	var got []string
	for e, err := range g.Events(ctx, "", last) {
		if err != nil {
			t.Fatal(err)
		}
		if !e.Gone {
			break
		}
		got = append(got, e.Replay.ID)
	}
	if want := []string{"r3", "r6"}; !slices.Equal(got, want) {
		t.Errorf("gone is %q, want %q", got, want)
	}
}
