package main

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

// telling is a daemon that tells of its one replay what a test says, second after second, and answers to acts with how it
// stands then.
type telling struct {
	*apitest.Fake
	answer api.Replay
	tells  []api.Replay
}

func (d *telling) act() (api.Replay, error) { return d.answer, nil }

func (d *telling) Pause(context.Context, string, api.Act) (api.Replay, error)     { return d.act() }
func (d *telling) Resume(context.Context, string, api.Resume) (api.Replay, error) { return d.act() }
func (d *telling) Cancel(context.Context, string, api.Act) (api.Replay, error)    { return d.act() }

func (d *telling) Start(context.Context, api.Start) (api.Replay, bool, error) {
	r, err := d.act()
	return r, true, err
}

func (d *telling) Receipt(context.Context, string) (replay.Receipt, error) {
	return replay.Receipt{Type: "receipt", ID: "p1", State: d.tells[len(d.tells)-1].State}, nil
}

func (d *telling) Events(ctx context.Context, _, _ string) iter.Seq2[api.Event, error] {
	return func(yield func(api.Event, error) bool) {
		for _, r := range d.tells {
			if !yield(api.Event{Replay: r}, nil) {
				return
			}
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return
			}
		}
		<-ctx.Done()
	}
}

func (d *telling) types(t *testing.T, args ...string) *result {
	t.Helper()
	return typeFor(t, d, args...)
}

// typeFor runs a command for d. It fails when an hour of fake time does not end it.
func typeFor(t *testing.T, d api.Service, args ...string) *result {
	t.Helper()
	r := &result{t: t, args: args}
	a := &app{out: &r.out, err: &r.err, now: time.Now, dial: func(*clientFlags) (api.Service, error) { return d, nil }}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	r.code = a.run(ctx, args)
	if ctx.Err() != nil {
		t.Errorf("%q does not end", args)
	}
	return r
}

// stand is a replay, of which something was wished at a second.
func stand(state, wanted replay.State, second int, more ...func(*api.Replay)) api.Replay {
	r := api.Replay{ID: "p1", State: state, Wanted: wanted, WishedAt: time.Date(2026, 11, 2, 3, 0, second, 0, time.UTC), Sessions: 1}
	for _, do := range more {
		do(&r)
	}
	return r
}

func queued(why string) func(*api.Replay)     { return func(r *api.Replay) { r.Queued = why } }
func because(why string) func(*api.Replay)    { return func(r *api.Replay) { r.Reason = why } }
func worksAt(daemon string) func(*api.Replay) { return func(r *api.Replay) { r.Daemon = daemon } }

// TestWatchingEndsWhereNothingMoreComes: of a replay that failed and is not tried again, or was refused before it began.
func TestWatchingEndsWhereNothingMoreComes(t *testing.T) {
	t.Parallel()
	const run = replay.Running
	running, failed, due := stand(run, run, 0), stand(replay.Failed, run, 0), stand(replay.Failed, run, 0, queued("tried again at 12"))
	for name, c := range map[string]struct {
		tells []api.Replay
		code  int
		says  string
	}{
		"failed for good":           {[]api.Replay{running, stand(replay.Failed, run, 0, because("before a bad event"))}, exitFailed, "replay p1 is failed: before a bad event\nTo try it again: replayd resume p1"},
		"refused":                   {[]api.Replay{stand(replay.Planned, run, 0), stand(replay.Planned, run, 0, because("overlap: it is there"))}, exitRefused, "overlap: it is there"},
		"refused at once":           {[]api.Replay{stand(replay.Planned, run, 0, because("overlap: it is there"))}, exitRefused, "overlap: it is there"},
		"failed and tried again":    {append(slices.Repeat([]api.Replay{due}, 100), stand(replay.CompletedWithQuarantine, run, 0)), exitQuarantined, ""},
		"told as failed, then when": {append(append([]api.Replay{failed, due, failed}, slices.Repeat([]api.Replay{running}, 10)...), stand(replay.Cancelled, run, 0)), exitCancelled, ""},
		"failed, and being resumed": {append(slices.Repeat([]api.Replay{stand(replay.Failed, run, 0, worksAt("a 1"))}, 10), stand(replay.Completed, run, 0)), exitOK, ""},
		"paused, then over":         {append(slices.Repeat([]api.Replay{stand(replay.Paused, replay.Paused, 0, because("paused by anna"))}, 100), stand(replay.Completed, run, 0)), exitOK, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &telling{apitest.NewFake(), c.tells[0], c.tells}
				d.types(t, "watch", "p1").want(c.code, c.says)
				d.types(t, append(slices.Clone(startPayments), "--watch", "--yes")...).want(c.code, c.says)
			})
		})
	}
}

// TestTheLastLineOfWatchIsHowItStands for who reads JSON.
func TestTheLastLineOfWatchIsHowItStands(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &telling{apitest.NewFake(), api.Replay{}, []api.Replay{stand(replay.Running, replay.Running, 0), stand(replay.Failed, replay.Running, 0)}}
		lines := objects(t, d.types(t, "watch", "p1", "-o", "json").want(exitFailed).out.String())
		if last := lines[len(lines)-1]; last["state"] != "failed" {
			t.Errorf("the last line is %v", last)
		}
	})
}

// TestAWaitEndsAsItIs and not as it was before the act, nor as it was wished.
func TestAWaitEndsAsItIs(t *testing.T) {
	t.Parallel()
	const run, paused, cancelled, failed = replay.Running, replay.Paused, replay.Cancelled, replay.Failed
	for name, c := range map[string]struct {
		act    string
		answer api.Replay
		tells  []api.Replay
		code   int
		says   string
	}{
		"cancel of a failed one":           {"cancel", stand(failed, cancelled, 9), []api.Replay{stand(failed, run, 0), stand(failed, cancelled, 9), stand(failed, cancelled, 9, worksAt("a 1")), stand(cancelled, cancelled, 9)}, exitOK, "cancelled"},
		"cancel that cannot be":            {"cancel", stand(failed, cancelled, 9), []api.Replay{stand(failed, run, 0), stand(failed, cancelled, 9)}, exitFailed, "failed, to be cancelled"},
		"cancel that takes its time":       {"cancel", stand(failed, cancelled, 9), append(slices.Repeat([]api.Replay{stand(failed, cancelled, 9, worksAt("a 1"))}, 100), stand(cancelled, cancelled, 9)), exitOK, "cancelled"},
		"pause of a failed one":            {"pause", stand(failed, paused, 9), []api.Replay{stand(failed, run, 0), stand(failed, paused, 9), stand(paused, paused, 9)}, exitOK, "p1: paused"},
		"pause that cannot be":             {"pause", stand(failed, paused, 9), []api.Replay{stand(failed, paused, 9)}, exitFailed, "failed, to be paused"},
		"pause of one that fails":          {"pause", stand(run, paused, 9), []api.Replay{stand(failed, paused, 9, worksAt("a 1")), stand(paused, paused, 9)}, exitOK, "p1: paused"},
		"pause, and it ends before":        {"pause", stand(run, paused, 9), []api.Replay{stand(replay.CompletedWithQuarantine, paused, 9)}, exitQuarantined, "completed_with_quarantine"},
		"pause, told as before":            {"pause", stand(run, paused, 9), []api.Replay{stand(paused, paused, 3), stand(run, paused, 9), stand(paused, paused, 9)}, exitOK, "p1: paused"},
		"resume, and it is over":           {"resume", stand(failed, run, 9), []api.Replay{stand(replay.CompletedWithQuarantine, run, 9)}, exitQuarantined, "completed_with_quarantine"},
		"resume, which may quarantine":     {"resume --quarantine-ok", stand(failed, run, 9), []api.Replay{stand(replay.CompletedWithQuarantine, run, 9)}, exitOK, "completed_with_quarantine"},
		"resume, told as before":           {"resume", stand(failed, run, 9), []api.Replay{stand(failed, paused, 0), stand(failed, run, 9), stand(run, run, 9)}, exitOK, "p1: running"},
		"resume in vain":                   {"resume", stand(failed, run, 9), []api.Replay{stand(failed, paused, 0), stand(failed, run, 9, because("disk full"))}, exitFailed, "disk full"},
		"resume, and it is refused":        {"resume", stand(replay.Planned, run, 9), []api.Replay{stand(replay.Planned, run, 9, because("glacier: cold"))}, exitRefused, "glacier: cold"},
		"resume, and its turn comes later": {"resume", stand(run, run, 9, queued("behind p0")), append(slices.Repeat([]api.Replay{stand(run, run, 9, queued("behind p0"))}, 100), stand(run, run, 9)), exitOK, "p1: running"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &telling{apitest.NewFake(), c.answer, c.tells}
				if out := d.types(t, append(strings.Fields(c.act), "p1", "--wait", "-o", "text")...).want(c.code).out.String(); !strings.Contains(out, c.says) {
					t.Errorf("it prints\n%s", out)
				}
			})
		})
	}
}

// TestWhoWaitsIsToldWhatFor, once they may wonder, and again when it is something else; and, when they leave, that it is wished.
func TestWhoWaitsIsToldWhatFor(t *testing.T) {
	t.Parallel()
	const run, planned = replay.Running, replay.Planned
	waits := stand(planned, run, 9, queued("waits for the approval of a second person"), func(r *api.Replay) { r.Waits = true })
	behind := stand(planned, run, 9, queued("behind p0"))
	for name, c := range map[string]struct {
		tells []api.Replay
		args  string
		told  []string
	}{
		"at once":       {[]api.Replay{behind, stand(run, run, 9)}, "", nil},
		"long":          {append(append(slices.Repeat([]api.Replay{waits}, 30), slices.Repeat([]api.Replay{behind}, 30)...), stand(run, run, 9)), "", []string{"planned, waits for approval: waits for the approval", "planned, queued: behind p0"}},
		"long, nothing": {append(slices.Repeat([]api.Replay{waits}, 30), stand(run, run, 9)), "-q", nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &telling{apitest.NewFake(), c.tells[0], c.tells}
				told := d.types(t, append(strings.Fields(c.args), "resume", "p1", "--wait", "-o", "text")...).want(exitOK).err.String()
				if n := strings.Count(told, "waiting: replay p1 is "); n != len(c.told) {
					t.Errorf("it is told %d times:\n%s", n, told)
				}
				for _, says := range c.told {
					if !strings.Contains(told, "waiting: replay p1 is "+says) {
						t.Errorf("it does not tell %q:\n%s", says, told)
					}
				}
			})
		})
	}
}

// TestEachKeyBeginsWhereTheOneBeforeHasLed although no event has told of that yet.
func TestEachKeyBeginsWhereTheOneBeforeHasLed(t *testing.T) {
	t.Parallel()
	d := apitest.NewFake()
	r, _, err := d.Start(t.Context(), api.Start{ID: "p1", Archive: "payments", Topic: "replay.payments", Pace: "500/s"})
	if err != nil {
		t.Fatal(err)
	}
	w := &watch{daemon: d, id: "p1", at: r, waiting: waiting{answers: make(chan func()), keys: []byte("+x++-p")}}
	for w.press(t.Context()); !w.acting.IsZero(); w.press(t.Context()) {
		(<-w.answers)()
	}
	if w.at.Pace != "2k/s" && w.at.Pace != "2000/s" || w.at.State != replay.Paused {
		t.Errorf("it stands as %s at %s", w.at.State, w.at.Pace)
	}
	old := r
	old.WishedAt = w.at.WishedAt.Add(-time.Second)
	over := old
	over.State = replay.Completed
	if a := &w.acts; !a.before(&old, &w.at) || a.before(&w.at, &w.at) || a.before(&over, &w.at) || new(acted).before(&old, &w.at) {
		t.Error("what is from before the last act is not told from what is behind it")
	}
}
