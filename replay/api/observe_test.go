package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

// watcher keeps what is told of answers.
type watcher struct {
	mu   sync.Mutex
	seen []string
	took time.Duration
}

func (w *watcher) see(o api.Observed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, fmt.Sprint(o.Operation, " ", o.Status))
	w.took += o.Took
}

func (w *watcher) told() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen)
}

// TestEachAnswerIsToldWithItsOperation closes the server before it looks: what is told comes behind the answer.
func TestEachAnswerIsToldWithItsOperation(t *testing.T) {
	var w watcher
	_, secrets := tokens(t, api.Token{Name: "a", Role: api.Viewer, Archives: all, Topics: all})
	path, more := tokens(t, api.Token{Name: "b", Role: api.Viewer, Archives: all, Topics: all})
	auth, err := api.NewAuthenticator(api.AuthOptions{TokensFile: path}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, api.Guard(withReplay(t), nil), api.ServerOptions{
		Auth: auth, Observe: w.see, Log: zerolog.Nop(), Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "begun")
			panic("and broken off")
		}),
	})
	for _, path := range []string{"/healthz", "/v1/replays", "/nowhere"} {
		r, err := send(t, s.Client(), "GET", s.URL+path, "", "Authorization: Bearer "+more["b"])
		answer(t, r, err)
	}
	r, err := send(t, s.Client(), "GET", s.URL+"/v1/audit", "", "Authorization: Bearer "+secrets["a"])
	problem(t, 401, r, err)
	s.Client().CloseIdleConnections() // a request that breaks one of them off is sent again
	r, err = send(t, s.Client(), "GET", s.URL+"/metrics", "", "Authorization: Bearer "+more["b"])
	if err == nil {
		r.Body.Close()
	}
	r, err = send(t, s.Client(), "GET", s.URL+"/v1/events", "", "Authorization: Bearer "+more["b"])
	if err != nil || r.StatusCode != 200 {
		t.Fatal(err)
	}
	r.Body.Close() // the stream's end
	r, err = send(t, s.Client(), "GET", s.URL+"/v1/replays/unknown/events", "", "Authorization: Bearer "+more["b"])
	problem(t, 404, r, err)
	s.Close()
	want := []string{"getHealth 200", "listReplays 200", "none 404", "listAudit 401", "getMetrics 500", "watchReplay 404"}
	if got := w.told(); !slices.Equal(got, want) || w.took <= 0 {
		t.Errorf("got  %q in %s\nwant %q", got, w.took, want)
	}
}

func TestOperationsAreThoseOfTheDocument(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	if err := json.Unmarshal(api.Document(), &doc); err != nil {
		t.Fatal(err)
	}
	want := []string{"none", "getDocument", "getDocumentYAML"} // the document does not tell of itself
	for _, methods := range doc.Paths {
		for _, op := range methods {
			want = append(want, op.OperationID)
		}
	}
	got := api.Operations()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, slices.Compact(want)) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestMetricsAreForThoseWhoMaySeeAllReplays since they name each that runs.
func TestMetricsAreForThoseWhoMaySeeAllReplays(t *testing.T) {
	path, secrets := tokens(t,
		api.Token{Name: "all", Role: api.Viewer, Archives: all, Topics: all},
		api.Token{Name: "archive", Role: api.Admin, Archives: api.Names{"payments"}, Topics: all},
		api.Token{Name: "topic", Role: api.Admin, Archives: all, Topics: api.Names{"replay.payments"}})
	auth, err := api.NewAuthenticator(api.AuthOptions{TokensFile: path}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	denials := api.NewDenials(nil, zerolog.Nop())
	s := serve(t, api.Guard(apitest.NewFake(), denials), api.ServerOptions{
		Auth: auth, Denials: denials, Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "up 1") }),
	})
	for name, want := range map[string]int{"all": 200, "archive": 403, "topic": 403} {
		r, err := send(t, s.Client(), "GET", s.URL+"/metrics", "", "Authorization: Bearer "+secrets[name])
		if status, text := answer(t, r, err); status != want {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if n := denials.Count(); n != 2 {
		t.Errorf("%d denials are counted", n)
	}
	if n := (*api.Denials)(nil).Count(); n != 0 {
		t.Errorf("nobody counts, and has counted %d", n)
	}
}

func TestStreamsAreCounted(t *testing.T) {
	inner := server(t, withReplay(t), api.ServerOptions{})
	if now, most := inner.Streams(); now != 0 || most != 2000 {
		t.Errorf("%d of %d streams", now, most)
	}
	fill := api.FillStreams(inner, 3)
	if now, _ := inner.Streams(); now != 3 {
		t.Errorf("%d streams", now)
	}
	fill()
}
