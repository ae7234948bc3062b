package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/pflag"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

func endedAt(at time.Time) func(*api.Replay) { return func(r *api.Replay) { r.EndedAt = at } }

// over is how far a replay came of which no session tells any more.
func over(r *api.Replay) {
	p := replay.Progress{Phase: replay.Ended, Percent: 100}
	p.Counters.Produced = 1234
	report := p.Report()
	r.Progress = &report
}

// neverBegun is a replay that was cancelled before it had a session.
func neverBegun(r *api.Replay) { r.Sessions = 0 }

// readBy is a replay that a group reads on.
type readBy struct {
	*telling
	group *reading
}

func (d *readBy) Group(ctx context.Context, id, group string) (api.Group, error) {
	return d.group.Group(ctx, id, group)
}

// TestWhatHasEndedIsToldAsThat: how, when, with how many records, and where its account is; and not how fast it is.
func TestWhatHasEndedIsToldAsThat(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 2, 3, 12, 0, 0, time.UTC)
	const run, cancelled, when = replay.Running, replay.Cancelled, "ended 2026-11-02 03:12:00Z"
	for name, c := range map[string]struct {
		stands api.Replay
		line   string
		code   int
		says   []string
	}{
		"watch":                    {stand(replay.Completed, run, 0, endedAt(at), over), "watch p1 -o text", exitOK, []string{when, "replay p1: completed in"}},
		"watch, quarantined":       {stand(replay.CompletedWithQuarantine, run, 0, endedAt(at), over), "watch p1 -o text", exitQuarantined, []string{when}},
		"watch at an old daemon":   {stand(replay.Completed, run, 0, over), "watch p1 -o text", exitOK, []string{"replay p1 ended\n"}},
		"watch, cancelled":         {stand(cancelled, cancelled, 0, endedAt(at), over), "watch p1 -o text", exitCancelled, []string{when, "replay p1: cancelled in"}},
		"watch, never begun":       {stand(cancelled, cancelled, 0, endedAt(at), neverBegun), "watch p1 -o text", exitCancelled, []string{"replay p1: cancelled", when + ", before it began"}},
		"watch, never begun, JSON": {stand(cancelled, cancelled, 0, endedAt(at), neverBegun), "watch p1 -o json", exitCancelled, []string{`"ended_at":"2026-11-02T03:12:00Z"`}},
		"watch with a group":       {stand(replay.Completed, run, 0, endedAt(at), over), "watch p1 --group g -o text", exitOK, []string{"completed", when, "its receipt: replayd show p1", "produced 1,234"}},
		"an act that waits":        {stand(cancelled, cancelled, 0, endedAt(at), over), "cancel p1 --wait -o text", exitOK, []string{"cancelled", when, "its receipt: replayd show p1", "produced 1,234"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &readBy{&telling{apitest.NewFake(), c.stands, []api.Replay{c.stands}}, &reading{lag: 100}}
				r := typeFor(t, d, strings.Fields(c.line)...).want(c.code)
				text := r.err.String() + r.out.String()
				for _, says := range c.says {
					if !strings.Contains(text, says) {
						t.Errorf("it does not say %q", says)
					}
				}
				if strings.Contains(text, "0/s") || strings.Contains(text, "fetched") {
					t.Error("it tells how fast that is which has ended")
				}
				if t.Failed() {
					t.Log(text)
				}
			})
		})
	}
}

// TestWhoPausedWhatHasNotBegunIsTold, and why: also of what waits for approval, and of what is refused as well.
func TestWhoPausedWhatHasNotBegunIsTold(t *testing.T) {
	t.Parallel()
	by := func(who, why string) func(*api.Replay) {
		return func(r *api.Replay) { r.WishedBy, r.WishedReason = who, why }
	}
	refused := func(r *api.Replay) { r.Reason = "the archive cannot be read\nit denies" }
	waits := func(r *api.Replay) { r.Waits = true }
	const planned, paused = replay.Planned, replay.Paused
	for _, c := range []struct {
		stands api.Replay
		says   string
	}{
		{stand(planned, paused, 0, by("omar", "hold")), "paused by omar: hold"},
		{stand(planned, paused, 0, by("omar", "hold"), waits), "paused by omar: hold"},
		{stand(planned, paused, 0, by("omar", "hold"), refused), "paused by omar: hold"},
		{stand(planned, paused, 0, by("omar", "")), "paused by omar"},
		{stand(planned, replay.Running, 0, by("omar", "hold")), ""},
		{stand(paused, paused, 0, by("omar", "hold")), ""}, // its reason says it
		{stand(replay.Cancelled, replay.Cancelled, 0, by("omar", "hold"), neverBegun), ""},
	} {
		w := &watch{id: "p1", at: c.stands}
		shown, watched := replayLines(&c.stands), w.lines()
		if c.says == "" {
			if text := strings.Join(append(shown, watched...), "\n"); strings.Contains(text, "hold") {
				t.Errorf("of what was not paused before it began it tells\n%s", text)
			}
		} else if !slices.Contains(shown, "  "+c.says) || !slices.Contains(watched, c.says) {
			t.Errorf("%q stands neither in %q nor in %q", c.says, shown, watched)
		}
	}
}

// TestWhatDoesNotChangeIsToldOnceAMinute to who keeps what is told: a replay may wait for a second person all night.
func TestWhatDoesNotChangeIsToldOnceAMinute(t *testing.T) {
	t.Parallel()
	const run = replay.Running
	waits := stand(replay.Planned, run, 0, func(r *api.Replay) { r.Waits = true })
	goesOn := []api.Replay{}
	for n := range 29 {
		goesOn = append(goesOn, stand(run, run, 0, func(r *api.Replay) {
			p := replay.Progress{Percent: float64(n)}
			report := p.Report()
			r.Progress = &report
		}))
	}
	for name, c := range map[string]struct {
		tells    []api.Replay
		as, says string
		lines    int
	}{
		"text":           {slices.Repeat([]api.Replay{waits}, 595), "text", "planned, waits for approval", 10},
		"JSON":           {slices.Repeat([]api.Replay{waits}, 595), "json", `"waits":true`, 10},
		"text that runs": {goesOn, "text", "replay p1: running", 3},
		"JSON that runs": {goesOn, "json", `"state":"running"`, 29},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &telling{apitest.NewFake(), c.tells[0], append(c.tells, stand(replay.Completed, run, 0))}
				r := d.types(t, append(slices.Clone(startPayments), "--watch", "--yes", "-o", c.as)...).want(exitOK)
				if got := strings.Count(r.err.String()+r.out.String(), c.says); got != c.lines {
					t.Errorf("told %d times, want %d", got, c.lines)
				}
			})
		})
	}
}

// TestWhatAKeyDidIsSaidWhileItIsNews, and what went wrong long enough to be read: neither of how the replay stands later.
func TestWhatAKeyDidIsSaidWhileItIsNews(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &telling{apitest.NewFake(), stand(replay.Paused, replay.Paused, 0), nil}
		w := &watch{id: "p1", daemon: d, at: stand(replay.Running, replay.Running, 0), waiting: waiting{answers: make(chan func())}}
		shows := func(says string, long time.Duration) {
			t.Helper()
			(<-w.answers)()
			if text := strings.Join(w.lines(), " · "); !strings.HasSuffix(text, " · "+says) {
				t.Errorf("it shows %s", text)
			}
			time.Sleep(long - time.Second)
			if text := strings.Join(w.lines(), " · "); !strings.HasSuffix(text, " · "+says) {
				t.Errorf("when hardly anybody has seen it, it shows %s", text)
			}
			time.Sleep(time.Second)
			if text := strings.Join(w.lines(), " · "); strings.Contains(text, says) {
				t.Errorf("when it is no news any more it shows %s", text)
			}
		}
		w.act(t.Context(), 'p')
		shows("asked to pause", noticed)
		w.at.Pace = "500/s"
		w.act(t.Context(), '+') // which Fake refuses: it has no such replay
		shows("there is no replay p1", readable)
	})
}

// TestWhoLeavesIsToldHowItStands, which leaving does not change, and the command that watches again, as it was typed.
func TestWhoLeavesIsToldHowItStands(t *testing.T) {
	t.Parallel()
	const run, paused = replay.Running, replay.Paused
	for says, at := range map[string]api.Replay{
		"watching has ended. Watch":                                          {},
		"watching has ended; replay p1 goes on. Watch":                       stand(run, run, 0),
		"watching has ended; replay p1 is running, to be paused. Watch":      stand(run, paused, 0),
		"watching has ended; replay p1 is paused. Watch":                     stand(paused, paused, 0),
		"watching has ended; replay p1 is planned, queued. Watch":            stand(replay.Planned, run, 0, queued("behind p0")),
		"watching has ended; replay p1 is completed. Watch":                  stand(replay.Completed, run, 0),
		"watching has ended; replay p1 is running, last heard 3m ago. Watch": stand(run, run, 0, func(r *api.Replay) { r.HeardAt = time.Now().Add(-3 * time.Minute) }),
	} {
		w := &watch{app: &app{}, id: "p1", at: at, restore: func() {}}
		if told := w.left(context.Canceled).Error(); told != says+" again with: replayd watch p1" {
			t.Errorf("who leaves is told %q", told)
		}
		if footer := w.footer(); strings.HasSuffix(footer, "q leave: the replay goes on") != strings.Contains(says, "goes on") {
			t.Errorf("%s: the keys are %q", says, footer)
		}
	}
	f := &clientFlags{}
	set := pflag.NewFlagSet("watch", pflag.ContinueOnError)
	f.add(set)
	if err := set.Parse([]string{"--server", "https://x:1", "--token-file", "a file", "--ca", "ca.pem"}); err != nil {
		t.Fatal(err)
	}
	w := &watch{app: &app{reached: f}, id: "p1", group: "g 1", quarantineOK: true, restore: func() {}}
	const again = "Watch again with: replayd watch p1 --ca=ca.pem --server=https://x:1 --token-file='a file' --group='g 1' --quarantine-ok"
	if told := w.left(context.Canceled).Error(); !strings.HasSuffix(told, again) {
		t.Errorf("who leaves is told %q", told)
	}
}

// TestACommandThatIsNamedReachesTheSameDaemon as the one that names it.
func TestACommandThatIsNamedReachesTheSameDaemon(t *testing.T) {
	t.Parallel()
	const run = replay.Running
	failed, over := stand(replay.Failed, run, 0, because("disk full")), stand(replay.Completed, run, 0)
	for line, c := range map[string]struct {
		stands api.Replay
		code   int
		says   string
	}{
		"watch p1":                   {failed, exitFailed, "To try it again: replayd resume p1 --server=http://x\n"},
		"cancel p1 --wait -o text":   {over, exitOK, "its receipt: replayd show p1 --server=http://x\n"},
		"watch p1 --group g -o text": {over, exitOK, "its receipt: replayd show p1 --server=http://x"},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &readBy{&telling{apitest.NewFake(), c.stands, []api.Replay{c.stands}}, &reading{lag: 100}}
			r := typeFor(t, d, append(strings.Fields(line), "--server", "http://x")...).want(c.code)
			if text := r.err.String() + r.out.String(); !strings.Contains(text, c.says) {
				t.Errorf("%s does not say %q:\n%s", line, c.says, text)
			}
		})
	}
}

// TestNobodyIsToldToTryWhatFailsAgain: where the reason names the command that goes on, it would.
func TestNobodyIsToldToTryWhatFailsAgain(t *testing.T) {
	t.Parallel()
	for reason, again := range map[string]bool{
		"disk full": true,
		"a bad entry\nContinue with: replayd resume p1 --on-bad=quarantine":            false,
		"the archive has changed\nContinue with --allow archive-change, or start anew": false,
		"a choice cannot be read\nOr say anew: replayd resume p1 --max-bad SHARE":      false,
	} {
		synctest.Test(t, func(t *testing.T) {
			failed := stand(replay.Failed, replay.Running, 0, because(reason))
			d := &telling{apitest.NewFake(), failed, []api.Replay{failed}}
			if told := d.types(t, "watch", "p1").want(exitFailed).err.String(); strings.Contains(told, "To try it again") != again {
				t.Errorf("it is told\n%s", told)
			}
		})
	}
}
