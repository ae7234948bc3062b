package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

const streamed = `A stream of server-sent events that ends only with the client or the daemon. First how each replay stands,
then each that changes: event ` + "`replay`" + ` with a Replay as data, event ` + "`gone`" + ` with the id of one that was forgotten, event ` + "`problem`" + `
with a problem as the last of a stream that cannot go on. A comment comes each 15 s. Whoever reads slowly misses what has been
replaced meanwhile, and never the newest. Last-Event-ID goes on behind that event, or, when it is of another daemon or of long
ago, begins with all again.`

func (s *Server) describeEvents(a huma.API) {
	op := operation(routeEvents, tagReplays, "Watch all replays", streamed)
	op.Responses = streamAnswer()
	huma.Register(a, op, func(ctx context.Context, in *eventsInput) (*huma.StreamResponse, error) {
		return s.begin(ctx, "", in.After)
	})
	op = operation(routeEventsOf, tagReplays, "Watch a replay", streamed, http.StatusNotFound)
	op.Responses = streamAnswer()
	huma.Register(a, op, func(ctx context.Context, in *eventsOfInput) (*huma.StreamResponse, error) {
		if _, err := s.service.Replay(ctx, in.ID); err != nil {
			return nil, s.problem(ctx, err)
		}
		return s.begin(ctx, in.ID, in.After)
	})
}

func streamAnswer() map[string]*huma.Response {
	return map[string]*huma.Response{"200": {
		Description: "The stream",
		Content: map[string]*huma.MediaType{"text/event-stream": {
			Schema:  &huma.Schema{Type: huma.TypeString, Description: "frames of id, event and data, which is JSON"},
			Example: "id: 17\nevent: gone\ndata: {\"id\":\"payments-0300\"}\n\n",
		}},
	}}
}

// begin takes a place for a stream, which it leaves at its end.
func (s *Server) begin(ctx context.Context, id, after string) (*huma.StreamResponse, error) {
	leave, none := s.streams.take(By(ctx).Name)
	if none != nil {
		return nil, none
	}
	return &huma.StreamResponse{Body: func(h huma.Context) {
		defer leave()
		r, w := humago.Unwrap(h)
		s.follow(w, r, id, after)
	}}, nil
}

func (s *Server) describeDaemon(a huma.API, metrics http.Handler) {
	add(s, a, operation(routeVersion, tagDaemon, "The program's version", "As replayd version prints it."),
		func(ctx context.Context, _ *noInput) (Version, error) { return s.service.Version(ctx) })
	add(s, a, operation(routeHealth, tagDaemon, "Whether the daemon answers", "For an orchestrator that restarts what does not. Needs no login."),
		func(context.Context, *noInput) (Health, error) { return Health{"ok"}, nil })

	op := operation(routeReady, tagDaemon, "Whether the daemon can do its work", "With the reasons why not. Needs no login.")
	op.Responses = map[string]*huma.Response{"503": {
		Description: "It cannot, or nobody can tell now",
		Content: map[string]*huma.MediaType{
			"application/json": {Schema: &huma.Schema{Ref: "#/components/schemas/Readiness"}},
			problemType:        {Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}},
		},
	}}
	op.Errors = without(op.Errors, http.StatusServiceUnavailable)
	huma.Register(a, op, func(ctx context.Context, _ *noInput) (*readiness, error) { return s.ready(ctx) })

	op = operation(routeMetrics, tagDaemon, "Metrics", "In the text form of Prometheus. For viewers who may see all archives and topics.", http.StatusNotFound)
	op.Responses = map[string]*huma.Response{"200": {
		Description: "Metrics", Content: map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	huma.Register(a, op, func(ctx context.Context, _ *noInput) (*huma.StreamResponse, error) {
		if metrics == nil {
			return nil, s.problem(ctx, NewProblem(http.StatusNotFound, "this daemon keeps no metrics"))
		}
		if p := s.mayMeasure(By(ctx)); p != nil {
			return nil, s.problem(ctx, p)
		}
		return &huma.StreamResponse{Body: func(h huma.Context) {
			r, w := humago.Unwrap(h)
			metrics.ServeHTTP(w, r)
		}}, nil
	})
}

// mayMeasure is nil for those who may see all replays: metrics name each that runs.
func (s *Server) mayMeasure(by Principal) *Problem {
	if by.Role.Covers(Viewer) && by.Archives.All() && by.Topics.All() {
		return nil
	}
	p := NewProblem(http.StatusForbidden, "metrics are for viewers who may see all archives and topics")
	p.Next = "Ask who runs this daemon for such a token: replayd token new prometheus makes one."
	s.denials.Note(Denied{Who: by.Name, Act: "metrics", Why: p.Detail})
	return p
}

func without(statuses []int, status int) (rest []int) {
	for _, s := range statuses {
		if s != status {
			rest = append(rest, s)
		}
	}
	return rest
}

// Ready is what the service says; a daemon that stops is not, so that nobody is sent to it any more, nor one that never had the
// keys by which it should know people: a wrong address of them ends a rollout at the first daemon. It waits for those keys as long as
// ctx lets it, and asks for them on behind it.
func (s *Server) Ready(ctx context.Context) (Readiness, error) {
	r, err := s.service.Ready(ctx)
	if err != nil {
		return r, err
	}
	if err := s.auth.ready(ctx); err != nil {
		r.Ready, r.Reasons = false, append(r.Reasons, err.Error())
	}
	select {
	case <-s.stopping:
		r.Ready, r.Reasons = false, append(r.Reasons, "the daemon is stopping")
	default:
	}
	r.Reasons = filled(r.Reasons)
	return r, nil
}

func (s *Server) ready(ctx context.Context) (*readiness, error) {
	r, err := s.Ready(ctx)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	if !r.Ready {
		return &readiness{http.StatusServiceUnavailable, r}, nil
	}
	return &readiness{http.StatusOK, r}, nil
}

// serveDocument offers the document itself. There is no page that shows it: that would be others' code in a browser.
func (s *Server) serveDocument() {
	for _, form := range []struct {
		route route
		kind  string
		text  []byte
	}{{routeJSON, "application/openapi+json", documents().json}, {routeYAML, "application/openapi+yaml", documents().yaml}} {
		s.routes.HandleFunc(form.route.pattern(), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", form.kind)
			_, _ = w.Write(form.text) // nobody is left to be told
		})
	}
}
