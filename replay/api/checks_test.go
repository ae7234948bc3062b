package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

// tallying is a service that counts what it is asked to do.
type tallying struct {
	*apitest.Fake

	done atomic.Int64
}

func (c *tallying) Start(ctx context.Context, s api.Start) (api.Replay, bool, error) {
	c.done.Add(1)
	return c.Fake.Start(ctx, s)
}

func (c *tallying) Plan(ctx context.Context, s api.Start) (api.Plan, error) {
	c.done.Add(1)
	return c.Fake.Plan(ctx, s)
}

func (c *tallying) Pause(ctx context.Context, id string, a api.Act) (api.Replay, error) {
	c.done.Add(1)
	return c.Fake.Pause(ctx, id, a)
}

func (c *tallying) Resume(ctx context.Context, id string, r api.Resume) (api.Replay, error) {
	c.done.Add(1)
	return c.Fake.Resume(ctx, id, r)
}

func (c *tallying) SetPace(ctx context.Context, id string, p api.Pace) (api.Replay, error) {
	c.done.Add(1)
	return c.Fake.SetPace(ctx, id, p)
}

// CheckResume wants a reason of everybody.
func (c *tallying) CheckResume(ctx context.Context, id string, r api.Resume) error {
	err := c.Fake.CheckResume(ctx, id, r)
	if r.Reason != "" {
		return err
	}
	return api.Also(err, api.FieldError{Location: "body.reason", Message: "is required here"})
}

// refusedFields sends a request and returns the status of its answer and the fields that it names.
func refusedFields(t *testing.T, method, url, body string, headers ...string) (status int, fields []string, p api.Problem) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&p); err != nil {
		t.Fatal(err)
	}
	for _, e := range p.Errors {
		fields = append(fields, e.Location)
	}
	slices.Sort(fields)
	return answer.StatusCode, fields, p
}

// TestOneAnswerNamesEveryFieldThatIsWrong: those that the document's schemas refuse, and those that the service does. Nothing is done.
func TestOneAnswerNamesEveryFieldThatIsWrong(t *testing.T) {
	for _, c := range []struct{ route, body, want string }{
		{"POST /v1/replays", `{"archive":"payments","topic":"replay.payments","on_bad":"maybe","from":"yesterday"}`, "body.from body.on_bad"},
		{"POST /v1/plan", `{"archive":"payments","topic":"replay.payments","on_bad":"maybe","from":"yesterday"}`, "body.from body.on_bad"},
		{"POST /v1/replays", `{"archive":"none","topic":"none","limit":"5","dedupe":"no","pace":"fast"}`, "body.archive body.dedupe body.limit body.pace body.topic"},
		{"POST /v1/replays", `{"archive":"payments","topic":"none","unheard":1}`, "body.topic body.unheard"},
		{"POST /v1/replays", `{"topic":"none"}`, "body.archive body.topic"},                                   // the service says of a missing one the same
		{"POST /v1/replays", `{"archive":5,"topic":"none","from":true}`, "body.archive body.from body.topic"}, // not: no archive ""
		{"POST /v1/replays", `{"archive":"none","topic":"replay.payments","allow":["overlap",1]}`, "body.allow[1] body.archive"},
		{"POST /v1/replays", `["archive"]`, "body"},
		{"POST /v1/replays/a/resume", `{"on_late":"never","max_bad":"some"}`, "body.max_bad body.on_late body.reason"},
		{"POST /v1/replays/a/pause", `{"why":"INC-1"}`, "body.reason body.why"},
		{"PUT /v1/replays/a/pace", `{"pace":"fast","reason":"two\nlines"}`, "body.pace body.reason"},
		{"PUT /v1/replays/a/pace", `{"reason":"two\nlines"}`, "body.pace body.reason"},
	} {
		service := &tallying{Fake: apitest.NewFake()}
		some(t, service.Fake)
		s := serve(t, api.Guard(service, nil), api.ServerOptions{})
		method, path, _ := strings.Cut(c.route, " ")
		status, fields, p := refusedFields(t, method, s.URL+path, c.body)
		if status != http.StatusUnprocessableEntity || strings.Join(fields, " ") != c.want {
			t.Errorf("%s %s: %d names %q, want %q: %+v", c.route, c.body, status, fields, c.want, p)
		}
		if p.Detail != "what is asked for cannot be done as it stands" { // whoever found it
			t.Errorf("%s %s: it is headed %q", c.route, c.body, p.Detail)
		}
		if n := service.done.Load(); n != 0 {
			t.Errorf("%s %s: it was done", c.route, c.body)
		}
	}
}

// TestWhatElseIsWrongIsAskedOnceAndOnlyOfWhatIsRefused: each field stands once, a header among them, and a body that is no JSON has none.
func TestWhatElseIsWrongIsAskedOnceAndOnlyOfWhatIsRefused(t *testing.T) {
	service := &tallying{Fake: apitest.NewFake()}
	s := serve(t, api.Guard(service, nil), api.ServerOptions{})
	right := `{"archive":"payments","topic":"replay.payments"}`
	long := strings.Repeat("k", 300)
	if status, fields, _ := refusedFields(t, "POST", s.URL+"/v1/replays", strings.Replace(right, "replay.payments", "none", 1), "Idempotency-Key", long); status != 422 ||
		!slices.Equal(fields, []string{"body.topic", "header.Idempotency-Key"}) {
		t.Errorf("%d %q", status, fields)
	}
	if status, _, p := refusedFields(t, "POST", s.URL+"/v1/replays", `{"archive"`); status != 400 || len(p.Errors) != 1 {
		t.Errorf("no JSON: %d %+v", status, p)
	}
	if status, _, p := refusedFields(t, "POST", s.URL+"/v1/replays", right, "Content-Type", "text/plain"); status != 415 || len(p.Errors) != 1 {
		t.Errorf("no JSON: %d %+v", status, p)
	}
	if n := service.done.Load(); n != 0 {
		t.Errorf("%d were done", n)
	}
	if status, _, _ := refusedFields(t, "POST", s.URL+"/v1/replays", right); status != 201 || service.done.Load() != 1 {
		t.Errorf("what is right: %d, done %d times", status, service.done.Load())
	}
}

// TestWhatElseIsWrongIsToldOnlyToWhoMayAskForIt, and who may not is not denied what could not be done anyway.
func TestWhatElseIsWrongIsToldOnlyToWhoMayAskForIt(t *testing.T) {
	fake := apitest.NewFake()
	some(t, fake)
	denials := api.NewDenials(nil, zerolog.Nop())
	g := api.Guard(fake, denials).(api.Checker)
	wrong := api.Start{Archive: "payments", Topic: "replay.payments", From: "yesterday"}
	for name, c := range map[string]struct {
		by    api.Principal
		start api.Start
		told  bool
	}{
		"operator":         {api.Principal{Name: "o", Role: api.Operator, Archives: all, Topics: all}, wrong, true},
		"of the archive":   {api.Principal{Name: "o", Role: api.Operator, Archives: api.Names{"payments"}, Topics: all}, wrong, true},
		"of none yet":      {api.Principal{Name: "o", Role: api.Operator, Archives: api.Names{"orders"}, Topics: all}, api.Start{From: "yesterday"}, true},
		"of another":       {api.Principal{Name: "o", Role: api.Operator, Archives: api.Names{"orders"}, Topics: all}, wrong, false},
		"of another topic": {api.Principal{Name: "o", Role: api.Operator, Archives: all, Topics: api.Names{"x"}}, wrong, false},
		"viewer":           {api.Principal{Name: "v", Role: api.Viewer, Archives: all, Topics: all}, wrong, false},
		"who is not known": {api.Principal{}, wrong, false},
	} {
		ctx := api.WithBy(t.Context(), c.by)
		paced, resumed := g.CheckPace(ctx, "a", api.Pace{Pace: "fast"}), g.CheckResume(ctx, "a", api.Resume{MaxBad: "some"})
		for act, err := range map[string]error{"start": g.CheckStart(ctx, c.start), "plan": g.CheckPlan(ctx, c.start)} {
			if told := len(api.WrongFields(err)) > 0; told != c.told {
				t.Errorf("%s %s: %v", name, act, err)
			}
		}
		sees := c.by.Role == api.Operator && (name == "operator" || name == "of the archive")
		if len(api.WrongFields(paced)) > 0 != sees || len(api.WrongFields(resumed)) > 0 != sees {
			t.Errorf("%s: %v, %v", name, paced, resumed)
		}
	}
	if n := denials.Count(); n != 0 {
		t.Errorf("%d were denied", n)
	}
}
