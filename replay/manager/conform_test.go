package manager

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/api/apitest"
	"replayd/replay/pace"
)

// clerk is a desk that knows what apitest.Fake knows.
type clerk struct {
	Desk

	fake *apitest.Fake
}

func (c clerk) Spec(_ context.Context, s api.Start) (replay.Spec, replay.Start, error) {
	p := api.NewProblem(http.StatusUnprocessableEntity, "this cannot be replayed")
	for _, field := range []struct {
		name, value string
		read        func(string) error
	}{
		{"from", s.From, func(v string) error { _, err := time.Parse(time.RFC3339, v); return err }},
		{"pace", s.Pace, func(v string) error { _, err := pace.Parse(v); return err }},
	} {
		if err := field.read(field.value); err != nil {
			p.Errors = append(p.Errors, api.FieldError{Location: "body." + field.name, Message: err.Error(), Value: field.value})
		}
	}
	if p.Errors != nil {
		return replay.Spec{}, replay.Start{}, p
	}
	spec := specOf(s.ID, s.Topic, 5000)
	spec.Archive = s.Archive
	return spec, replay.Start{Pace: s.Pace}, nil
}

func (c clerk) Plan(ctx context.Context, s api.Start) (api.Plan, error) { return c.fake.Plan(ctx, s) }

func (c clerk) Archives(ctx context.Context) (api.Page[api.Archive], error) {
	return c.fake.Archives(ctx)
}

func (c clerk) Hours(ctx context.Context, archive string, w api.Span) (api.Page[api.Hour], error) {
	return c.fake.Hours(ctx, archive, w)
}

func (c clerk) Offsets(_ context.Context, k *replay.Known, at time.Time) (api.Offsets, error) {
	return api.Offsets{ID: k.Spec.ID, Topic: k.Spec.Topic, EventTime: at, Partitions: []api.Partition{{}}}, nil
}

func (c clerk) Group(_ context.Context, k *replay.Known, group string) (api.Group, error) {
	return api.Group{ID: k.Spec.ID, Group: group, Partitions: []api.GroupPartition{{}}}, nil
}

// TestAManagerIsAService runs the cases of the API at a daemon that runs the replays and at one that has none of their topics.
func TestAManagerIsAService(t *testing.T) {
	for name, mine := range map[string][]string{"that runs them": {"replay.payments", "replay.orders"}, "that runs none": nil} {
		t.Run(name, func(t *testing.T) {
			apitest.ConformIn(t, synctest.Test, func(t *testing.T) api.Service {
				d := newCluster(t, 1).daemon("d", mine, func(o *Options) { o.Desk = clerk{o.Desk, apitest.NewFake()} })
				t.Cleanup(func() { ends(d) })
				return d
			})
		})
	}
}
