package main

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

func TestWhenAGroupWillHaveReadAReplay(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	type look struct{ second, lag, produced int64 }
	for name, c := range map[string]struct {
		state replay.State
		rate  float64 // of the replay, events a second
		eta   float64 // its own
		looks []look
		want  float64
	}{
		"one look":                            {replay.Completed, 0, 0, []look{{0, 100, 500}}, 0},
		"behind the end, at 10 a second":      {replay.Completed, 0, 0, []look{{0, 100, 500}, {4, 60, 500}}, 6},
		"it reads nothing":                    {replay.Completed, 0, 0, []look{{0, 100, 500}, {4, 100, 500}}, 0},
		"it keeps up, so it ends with it":     {replay.Running, 50, 60, []look{{0, 0, 500}, {10, 0, 1000}}, 60},
		"it is faster, and cannot end before": {replay.Running, 50, 60, []look{{0, 500, 500}, {10, 0, 1000}}, 60},
		"half as fast: 500 and 3000 more":     {replay.Running, 50, 60, []look{{0, 250, 500}, {10, 500, 1000}}, 3500 / 25.},
		"paused, nobody knows when it ends":   {replay.Paused, 0, 0, []look{{0, 100, 500}, {10, 50, 500}}, 0},
		"what was long ago counts no more":    {replay.Completed, 0, 0, []look{{0, 1000, 0}, {100, 900, 0}, {130, 600, 0}}, 60},
		"old looks stay until newer are long": {replay.Completed, 0, 0, []look{{0, 900, 0}, {29, 610, 0}}, 61},
	} {
		var rate groupRate
		got := 0.0
		for _, l := range c.looks {
			r := &api.Replay{State: c.state, Progress: &replay.Report{Produced: l.produced, EventsPerSecond: c.rate, ETASeconds: c.eta}}
			read := []api.GroupPartition{{Committed: 10_000 + l.produced - l.lag}, {Partition: 1, Committed: -1}}
			got = rate.seconds(begin.Add(time.Duration(l.second)*time.Second), &api.Group{State: "Stable", Lag: l.lag, Partitions: read}, r)
		}
		if got != c.want {
			t.Errorf("%s: %g seconds, want %g", name, got, c.want)
		}
	}
	var rate groupRate
	for i := range 10_000 {
		rate.seconds(begin.Add(time.Duration(i)*time.Second), &api.Group{}, &api.Replay{})
	}
	if len(rate.looks) > 40 {
		t.Errorf("%d looks are kept", len(rate.looks))
	}
}

// TestAGroupThatReadsNothingHasNoEnd: what the replay says that it has produced is some seconds newer than the lag, or older.
func TestAGroupThatReadsNothingHasNoEnd(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		state string
		read  []int64 // in all, at each look
		want  bool
	}{
		{"Dead", []int64{-1, -1}, false},
		{"Empty", []int64{270, 270}, false},
		{"Empty", []int64{270, 300}, false},
		{"Stable", []int64{270, 270}, false},
		{"Stable", []int64{-1, 270}, false}, // where it began nobody knows
		{"Stable", []int64{270, 200}, false},
		{"Stable", []int64{270, 300}, true},
	} {
		var rate groupRate
		got := 0.0
		for i, l := range []struct{ lag, produced int64 }{{4755, 5025}, {5169, 5467}} {
			r := &api.Replay{State: replay.Running, Progress: &replay.Report{Produced: l.produced, EventsPerSecond: 220, ETASeconds: 60}}
			g := &api.Group{State: c.state, Lag: l.lag, Partitions: []api.GroupPartition{{Committed: c.read[i]}}}
			got = rate.seconds(begin.Add(time.Duration(i)*groupEvery), g, r)
		}
		if (got > 0) != c.want {
			t.Errorf("%s, read %d: it ends in %g s", c.state, c.read, got)
		}
	}
}

// reading is a daemon whose consumer group reads on with each look.
type reading struct {
	*apitest.Fake
	lag int64
}

func (r *reading) Group(_ context.Context, id, group string) (api.Group, error) {
	r.lag = max(0, r.lag-30)
	return api.Group{Group: group, ID: id, State: "Stable", Lag: r.lag, Done: r.lag == 0, Partitions: []api.GroupPartition{{Committed: 1000 - r.lag}}}, nil
}

func TestWatchingAGroupEndsWhenItHasReadAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &reading{apitest.NewFake(), 200}
		r, _, err := d.Start(t.Context(), api.Start{Archive: "payments", From: "2026-11-01T12:00:00Z", To: "2026-11-01T16:00:00Z", Topic: "replay.payments"})
		if err != nil {
			t.Fatal(err)
		}
		d.Change(r.ID, func(r *api.Replay) { r.State = replay.Completed })
		watched := &result{t: t, args: []string{"watch", r.ID, "--group", "payments-svc", "-o", "json"}}
		a := &app{out: &watched.out, err: &watched.err, now: time.Now, dial: func(*clientFlags) (api.Service, error) { return d, nil }}
		watched.code = a.run(t.Context(), watched.args)
		watched.want(exitOK, "group payments-svc has read all of it").receipt()
		var etas []float64
		for _, line := range objects(t, watched.out.String()) {
			if group, ok := line["group"].(map[string]any); ok && group["eta_seconds"] != nil {
				etas = append(etas, group["eta_seconds"].(float64))
			}
		}
		if want := []float64{140 / 15., 110 / 15., 80 / 15., 50 / 15., 20 / 15.}; !slices.Equal(etas, want) {
			t.Errorf("it will be done in %v, want %v", etas, want)
		}
	})
}

func TestAGroupIsToldInOneLine(t *testing.T) {
	for want, g := range map[string]api.Group{
		"group g has read all of it":                                    {Group: "g", State: "Stable", Done: true},
		"group g has 1 offset left, done in about 1m30s":                {Group: "g", State: "Stable", Lag: 1, ETA: 90},
		"group g (PreparingRebalance) has 20 offsets left":              {Group: "g", State: "PreparingRebalance", Lag: 20},
		"nobody reads in group g: it has 20 offsets left":               {Group: "g", State: "Empty", Lag: 20, ETA: 90},
		"there is no group g: it has 20 offsets left once there is one": {Group: "g", State: "Dead", Lag: 20, ETA: 90},
	} {
		if got := groupLine(&g); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
