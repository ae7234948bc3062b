package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

// ofOrders asks for orders alone, of the ten replays of mixed r0, r3, r6 and r9.
func ofOrders(t *testing.T) context.Context {
	return api.WithBy(t.Context(), api.Principal{Name: "alice", Role: api.Operator, Archives: api.Names{"orders"}, Topics: all})
}

func ofAll(t *testing.T) context.Context {
	return api.WithBy(t.Context(), api.Principal{Name: "bob", Role: api.Operator, Archives: all, Topics: all})
}

const notTold = "The other replay is one that you may not see: ask who runs this daemon about it, or use another topic."

// TestWhyAReplayWaitsTellsOfNoneThatMayNotBeSeen in any answer that shows it.
func TestWhyAReplayWaitsTellsOfNoneThatMayNotBeSeen(t *testing.T) {
	for text, want := range map[string]string{
		"behind r1":                  "behind another replay of this topic",
		"behind r1, which is paused": "behind another replay of this topic, which is paused",
		"behind r0":                  "behind r0",
		"behind the moon":            "behind the moon",
		"overlap: replay r1 has put events of a to b into topic x: twice\nContinue that replay with replayd resume r1, use another --topic": "overlap: another replay has put events of a to b into topic x: twice\n" + notTold,
		"replay r2.\n  Or replayd run --id r2.": "another replay.\n  " + notTold,
		"replay r6 and replay r7":               "replay r6 and another replay",
		"forgotten replay gone-1 has put events of a to b into topic x: twice\nUse another --topic": "a forgotten replay has put events of a to b into topic x: twice\nUse another --topic",
		"behind gone-1, which is paused": "behind another replay of this topic, which is paused",
		"replay gone-1 is being forgotten\nForget it again if that has ended before its end; until then its id is not free":      "another replay is being forgotten\nForget it again if that has ended before its end; until then its id is not free",
		"the Idempotency-Key of replay r3 is that of replay gone-1, which was started just before\nForget it: replayd forget r3": "the Idempotency-Key of replay r3 is that of another replay, which was started just before\nForget it: replayd forget r3",
		"overlap: replay gone-1 has put events\nWhat became of that replay says replayd show gone-1.":                            "overlap: another replay has put events\n" + notTold,
		"look for other replays into topic x: spec/r1/0a1b in topic replayd.config was written by a newer replayd":               "look for other replays into topic x: a record of another replay in topic replayd.config was written by a newer replayd",
		"gone-1/checkpoint in topic replayd.checkpoints was written by a newer replayd":                                          "a record of another replay in topic replayd.checkpoints was written by a newer replayd",
		"write started/gone-1 to replayd.config: no answer":                                                                      "write a record of another replay to replayd.config: no answer",
		"write started/r6 to replayd.config: no answer":                                                                          "write started/r6 to replayd.config: no answer",
		"topic x holds events of unknown replay gone.1. And more":                                                                "topic x holds events of an unknown replay. And more",
		"forgotten replay r3 and forgotten replay r0":                                                                            "forgotten replay r3 and a forgotten replay",
		"replayd show r6": "replayd show r6",
	} {
		f := mixed(t)
		f.Change("r3", func(r *api.Replay) { r.Queued, r.Reason, r.Progress = text, text, &replay.Report{Error: text} })
		g := api.Guard(f, nil)
		for name, ask := range map[string]func(context.Context) (api.Replay, error){
			"show":  func(ctx context.Context) (api.Replay, error) { return g.Replay(ctx, "r3") },
			"pause": func(ctx context.Context) (api.Replay, error) { return g.Pause(ctx, "r3", api.Act{}) },
			"list": func(ctx context.Context) (api.Replay, error) {
				p, err := g.Replays(ctx, api.Query{Archive: "orders"})
				return p.Items[2], err
			},
			"watch": func(ctx context.Context) (r api.Replay, err error) {
				var e api.Event
				for e, err = range g.Events(ctx, "r3", "") {
					break
				}
				return e.Replay, err
			},
		} {
			few, err := ask(ofOrders(t))
			if err != nil || few.Queued != want || few.Reason != want || few.Progress.Error != want {
				t.Errorf("%s tells %q, %q and %q, want %q: %v", name, few.Queued, few.Reason, few.Progress.Error, want, err)
			}
			if r, err := ask(ofAll(t)); err != nil || r.Queued != text || r.Reason != text || r.Progress.Error != text {
				t.Errorf("%s tells who may see all %q, want %q: %v", name, r.Queued, text, err)
			}
		}
	}
}

// TestWhyAReplayIsWishedSoTellsOfNoneThatMayNotBeSeen: people name replays there.
func TestWhyAReplayIsWishedSoTellsOfNoneThatMayNotBeSeen(t *testing.T) {
	const why = "not before replay r1 has ended"
	f := mixed(t)
	f.Change("r3", func(r *api.Replay) { r.WishedReason = why })
	for by, want := range map[context.Context]string{ofAll(t): why, ofOrders(t): "not before another replay has ended"} {
		if r, err := api.Guard(f, nil).Replay(by, "r3"); err != nil || r.WishedReason != want {
			t.Errorf("%s is told %q, want %q: %v", api.By(by).Name, r.WishedReason, want, err)
		}
	}
}

// TestTheAuditTellsOfNoReplayThatMayNotBeSeen in what became of acts on those that may.
func TestTheAuditTellsOfNoReplayThatMayNotBeSeen(t *testing.T) {
	differs := "replay r3 exists and is another one:\n  archive: payments, not orders\nContinue it by --id alone, or choose another --id"
	for result, want := range map[string]string{
		"done":                                     "done",
		"replay r1 exists and is another one":      "another replay exists and is another one",
		"replay r6 exists and is another one":      "replay r6 exists and is another one",
		"overlap: replay r2 is there\nUse --id r2": "overlap: another replay is there",
		"write wish/r3 to topic: no answer":        "write wish/r3 to topic: no answer",
		differs:                                    "replay r3 exists and is another one:",
	} {
		h := history{mixed(t), []replay.Audited{{ID: "r3", Act: "start", Phase: "outcome", Archive: "orders", Topic: "replay.orders", Result: result}}}
		for want, by := range map[string]api.Principal{
			want:   {Name: "alice", Role: api.Admin, Archives: api.Names{"orders"}, Topics: all},
			result: {Name: "bob", Role: api.Admin, Archives: all, Topics: all},
		} {
			page, err := api.Guard(h, nil).Audit(api.WithBy(t.Context(), by), api.AuditQuery{})
			if err != nil || len(page.Items) != 1 || page.Items[0].Result != want {
				t.Errorf("%s is told %+v, want %q: %v", by.Name, page.Items, want, err)
			}
		}
		if h.acts[0].Result != result {
			t.Errorf("it changed what the service has: %+v", h.acts)
		}
	}
}

// refusing is a service that refuses what is to be started, or plans it, because of r1.
type refusing struct{ api.Service }

func (refusing) Start(_ context.Context, s api.Start) (api.Replay, bool, error) {
	p := api.NewProblem(http.StatusUnprocessableEntity, "replay r1 was started before, and asked for otherwise")
	p.Next = "Look at replay r1."
	p.Errors = []api.FieldError{{Location: "body.from", Message: "is not what replay r1 was started with"}}
	p.Also = []api.Refused{{Item: "overlap", Detail: "replay r2 has put events there", Next: "Continue that replay with replayd run --id r2 (with the flags it was begun with), or --allow overlap."}}
	return api.Replay{}, false, fmt.Errorf("start: %w", p)
}

func (refusing) Plan(context.Context, api.Start) (api.Plan, error) {
	refusal := map[string]any{"what": "replay r1 has put events there", "next": "replayd resume r1", "refused": true}
	return api.Plan{
		Lines: []string{"topic x", "preflight REFUSED overlap: replay r1 has put events there", "    one\n    replayd resume r1"},
		Plan:  map[string]any{"objects": 3.0, "preflight": []any{refusal}},
	}, nil
}

func TestRefusalsTellOfNoReplayThatMayNotBeSeen(t *testing.T) {
	g := api.Guard(refusing{mixed(t)}, nil)
	mine := apitest.Payments("")
	mine.Archive, mine.Topic = "orders", "replay.orders"
	for _, id := range []string{"", "r1"} { // named, it is known, but nothing more of it
		mine.ID = id
		_, _, err := g.Start(ofOrders(t), mine)
		p := apitest.Refused(t, err, http.StatusUnprocessableEntity)
		if text := p.Error(); strings.Contains(text, "r1") != (id != "") || strings.Contains(text, "r2") || len(p.Errors) != 0 || p.Also[0].Next != notTold {
			t.Errorf("named %q: %s", id, text)
		}
	}
	_, _, err := g.Start(ofAll(t), mine)
	if p := apitest.Refused(t, err, http.StatusUnprocessableEntity); len(p.Errors) != 1 || !strings.Contains(p.Error(), "--id r2") {
		t.Errorf("who may see all is told %s", p.Error())
	}
	mine.ID = ""
	few, err := g.Plan(ofOrders(t), mine)
	if text := fmt.Sprint(few); err != nil || strings.Contains(text, "r1") || few.Lines[2] != "    one\n    "+notTold || few.Plan["objects"] != 3.0 {
		t.Errorf("the plan says %s, %v", text, err)
	}
	if plan, err := g.Plan(ofAll(t), mine); err != nil || strings.Count(fmt.Sprint(plan), "r1") != 4 {
		t.Errorf("who may see all is told %+v, %v", plan, err)
	}
}
