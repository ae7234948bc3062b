package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"replayd/replay"
)

// What operations take.
type (
	startInput struct {
		Key  string `header:"Idempotency-Key" maxLength:"255" doc:"makes a start that is sent again the same one; the replay is named by it when id is not given" example:"INC-1234"`
		Body Start
	}
	planInput struct{ Body Start }
	// OneReplay names a replay. It is exported because else it could not be a part of others.
	OneReplay struct {
		ID string `path:"id" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$" maxLength:"128" doc:"of the replay" example:"payments-0300"`
	}
	actInput struct {
		OneReplay

		Body *Act
	}
	resumeInput struct {
		OneReplay

		Body *Resume
	}
	paceInput struct {
		OneReplay

		Body Pace
	}
	forgetInput struct {
		OneReplay

		Reason string `query:"reason" maxLength:"256" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]*$" patternDescription:"one line, without control characters" doc:"why, for the audit"`
	}
	quarantineInput struct {
		OneReplay
		PageQuery
	}
	offsetsInput struct {
		OneReplay

		EventTime time.Time `query:"event_time" required:"true" doc:"that is looked for" example:"2026-11-01T12:00:00Z"`
	}
	groupInput struct {
		OneReplay

		Group string `path:"group" minLength:"1" maxLength:"255" doc:"of consumers" example:"payments-svc"`
	}
	hoursInput struct {
		Name string `path:"name" minLength:"1" maxLength:"256" doc:"of the archive" example:"payments"`
		Span
	}
	eventsInput struct {
		After string `header:"Last-Event-ID" maxLength:"256" doc:"id of the last event that was read"`
	}
	eventsOfInput struct {
		OneReplay

		After string `header:"Last-Event-ID" maxLength:"256" doc:"id of the last event that was read"`
	}
	noInput struct{}
)

// What operations answer with.
type (
	body[T any] struct{ Body T }

	started struct {
		Status   int
		Location string `header:"Location" doc:"where the replay is told of"`
		Body     Replay
	}
	readiness struct {
		Status int
		Body   Readiness
	}
)

// Health says that the daemon answers.
type Health struct {
	Status string `json:"status" doc:"ok" example:"ok"`
}

// register makes the routes and the document.
func (s *Server) register(metrics http.Handler) {
	s.describe(metrics)
	s.serveDocument()
}

// describe makes the routes of the service.
func (s *Server) describe(metrics http.Handler) huma.API {
	a := newDocument(s.routes)
	a.UseMiddleware(s.checking)
	s.describeStart(a)
	s.describeActs(a)
	s.describeReads(a)
	s.describeArchives(a)
	s.describeEvents(a)
	s.describeDaemon(a, metrics)
	finish(a.OpenAPI())
	return a
}

// add offers f as an operation.
func add[I, O any](s *Server, a huma.API, op huma.Operation, f func(context.Context, *I) (O, error)) {
	huma.Register(a, op, func(ctx context.Context, in *I) (*body[O], error) {
		out, err := f(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return &body[O]{out}, nil
	})
}

func (s *Server) describeStart(a huma.API) {
	op := operation(routeStart, tagReplays, "Start a replay",
		"Makes a replay known; a daemon runs it when its turn comes. 201: it is new. "+
			"200: the same Idempotency-Key has started it before, in the same way. "+
			"403: who asks may not, or the configuration of the daemon lets nobody: the item not-allowed, which allow does not override. "+
			"409: the id is taken. 422: fields are wrong, the Idempotency-Key has started something else, "+
			"or preflight refuses what would hurt: it has an item, and allow overrides it by that name. "+
			"502: the archive cannot be read. Needs the role operator.", http.StatusBadGateway)
	op.DefaultStatus = http.StatusCreated
	op.Responses = map[string]*huma.Response{"200": {
		Description: "It was started before",
		Headers: map[string]*huma.Param{
			"Location": {Description: "where the replay is told of", Schema: &huma.Schema{Type: huma.TypeString}},
		},
		Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Ref: "#/components/schemas/Replay"}}},
	}}
	huma.Register(a, op, func(ctx context.Context, in *startInput) (*started, error) {
		in.Body.IdempotencyKey = in.Key
		r, created, err := s.service.Start(ctx, in.Body)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		status := http.StatusOK
		if created {
			status = http.StatusCreated
		}
		return &started{status, routeReplay.with(r.ID), r}, nil
	})
}

func (s *Server) describeActs(a huma.API) {
	for _, act := range []struct {
		route                route
		summary, description string
		do                   func(Service, context.Context, string, Act) (Replay, error)
	}{
		{routePause, "Pause a replay", "It stops after what is being committed, and can be resumed there.", Service.Pause},
		{
			routeCancel, "Cancel a replay",
			"It ends after what is being committed, and cannot be continued. What it has produced stays.", Service.Cancel,
		},
		{
			routeApprove, "Approve a replay",
			"Lets one begin that waits for a second person, who must be another than the one who started it.", Service.Approve,
		},
	} {
		add(s, a, operation(act.route, tagReplays, act.summary, act.description+" Needs the role operator.", http.StatusNotFound),
			func(ctx context.Context, in *actInput) (Replay, error) {
				return act.do(s.service, ctx, in.ID, given(in.Body))
			})
	}
	add(s, a, operation(routeResume, tagReplays, "Resume a replay",
		"One that is paused or failed goes on where it stopped, and with other choices if it says so. Needs the role operator.",
		http.StatusNotFound),
		func(ctx context.Context, in *resumeInput) (Replay, error) {
			return s.service.Resume(ctx, in.ID, given(in.Body))
		})
	add(s, a, operation(routePace, tagReplays, "Change the pace",
		"Holds within a second, and after a restart too. Needs the role operator.", http.StatusNotFound),
		func(ctx context.Context, in *paceInput) (Replay, error) {
			return s.service.SetPace(ctx, in.ID, in.Body)
		})
	huma.Register(a, operation(routeForget, tagReplays, "Forget a replay",
		"Removes what is known of one that has ended, or runs in the foreground and was not heard for 10 minutes. "+
			"Its records and the audit stay. Needs the role admin.",
		http.StatusNotFound, http.StatusConflict),
		func(ctx context.Context, in *forgetInput) (*struct{}, error) {
			if err := s.service.Forget(ctx, in.ID, Act{Reason: in.Reason}); err != nil {
				return nil, s.problem(ctx, err)
			}
			return nil, nil
		})
}

func (s *Server) describeReads(a huma.API) {
	add(s, a, operation(routeReplays, tagReplays, "List replays", "The newest first."),
		func(ctx context.Context, q *Query) (Page[Replay], error) {
			p, err := s.service.Replays(ctx, *q)
			return p.filled(), err
		})
	add(s, a, operation(routeReplay, tagReplays, "How a replay stands",
		"As its newest checkpoint and the daemon that runs it tell.", http.StatusNotFound),
		func(ctx context.Context, in *OneReplay) (Replay, error) { return s.service.Replay(ctx, in.ID) })
	add(s, a, operation(routeReceipt, tagReplays, "The receipt of a replay",
		"The closed account of one that has ended; 409 while it has not.", http.StatusNotFound, http.StatusConflict),
		func(ctx context.Context, in *OneReplay) (replay.Receipt, error) { return s.service.Receipt(ctx, in.ID) })
	add(s, a, operation(routeQuarantine, tagReplays, "What was not produced",
		"Each entry with its address and the reason; 409 of a replay that cannot be read whole.",
		http.StatusNotFound, http.StatusConflict),
		func(ctx context.Context, in *quarantineInput) (Page[Quarantined], error) {
			p, err := s.service.Quarantine(ctx, in.ID, in.PageQuery)
			return p.filled(), err
		})
	add(s, a, operation(routeOffsets, tagReplays, "Offsets that lead to an event time",
		"Every record of the replay whose event time is at or later stands at or behind them, "+
			"also of events whose clock was fast: these may lead back to the beginning of the replay.",
		http.StatusNotFound, http.StatusConflict),
		func(ctx context.Context, in *offsetsInput) (Offsets, error) {
			o, err := s.service.Offsets(ctx, in.ID, in.EventTime)
			o.Partitions = filled(o.Partitions)
			return o, err
		})
	add(s, a, operation(routeGroup, tagReplays, "How far a consumer group is",
		"In the records of this replay; 409 while it has none.", http.StatusNotFound, http.StatusConflict),
		func(ctx context.Context, in *groupInput) (Group, error) {
			g, err := s.service.Group(ctx, in.ID, in.Group)
			g.Partitions = filled(g.Partitions)
			return g, err
		})
	add(s, a, operation(routeAudit, tagReplays, "What was done",
		"The oldest first: the intent before each act, its outcome after. "+
			"An id may have been of several replays, forgotten ones among them; each act says which archive and topic it was about, "+
			"and only those that may be seen are told, so a page may hold less than its limit, or nothing, with more behind it. "+
			"Needs the role admin."),
		func(ctx context.Context, q *AuditQuery) (Page[replay.Audited], error) {
			p, err := s.service.Audit(ctx, *q)
			p = p.filled()
			for i := range p.Items {
				p.Items[i].Items = filled(p.Items[i].Items)
			}
			return p, err
		})
}

func (s *Server) describeArchives(a huma.API) {
	add(s, a, operation(routePlan, tagArchives, "What a start would do",
		"Produces nothing. Its hash, given to a start as plan, has that refused when the archive has changed since, "+
			"also while the replay waits to begin. Needs the role operator.", http.StatusBadGateway),
		func(ctx context.Context, in *planInput) (Plan, error) {
			p, err := s.service.Plan(ctx, in.Body)
			p.Lines = filled(p.Lines)
			if p.Plan == nil {
				p.Plan = map[string]any{}
			}
			return p, err
		})
	add(s, a, operation(routeArchives, tagArchives, "List archives", "Those that the daemon is configured with."),
		func(ctx context.Context, _ *noInput) (Page[Archive], error) {
			p, err := s.service.Archives(ctx)
			p = p.filled()
			for i := range p.Items {
				p.Items[i].URL = filled(p.Items[i].URL)
			}
			return p, err
		})
	add(s, a, operation(routeHours, tagArchives, "Hours of an archive",
		"Objects and bytes of each, and gaps, in at most 31 days.", http.StatusNotFound, http.StatusBadGateway),
		func(ctx context.Context, in *hoursInput) (Page[Hour], error) {
			p, err := s.service.Hours(ctx, in.Name, in.Span)
			return p.filled(), err
		})
}

// filled makes an empty list of an absent one.
func filled[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// filled is a copy of the page, with a list.
func (p Page[T]) filled() Page[T] {
	p.Items = append([]T{}, p.Items...)
	return p
}
