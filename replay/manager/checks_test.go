package manager

import (
	"testing"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

// picky is a desk that lets no replay go on otherwise.
type picky struct{ Desk }

func (picky) Choices(_ *replay.Known, r api.Resume) (map[string]replay.Choice, error) {
	if r.OnBad == "" {
		return nil, nil
	}
	return nil, api.Invalid(api.FieldError{Location: "body.on_bad", Message: "is frozen", Value: r.OnBad})
}

// TestAnActThatIsWrongNamesAllItsFieldsAtOnce: its reason, and what it asks for.
func TestAnActThatIsWrongNamesAllItsFieldsAtOnce(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", nil, func(o *Options) { o.Desk, o.RequireReason = picky{o.Desk}, true })
		defer ends(d)
		anna := as(t, "anna")
		if _, _, err := d.Start(anna, api.Start{ID: "1", Topic: "x", Limit: 9, Reason: "INC-1"}); err != nil {
			t.Fatal(err)
		}
		c.audits()
		if _, err := d.SetPace(anna, "1", api.Pace{Pace: "fast", MaxGap: "-1s"}); problem(err) != "422 body.reason body.pace body.max_gap" {
			t.Error(err)
		}
		if _, err := d.SetPace(anna, "1", api.Pace{Pace: "fast", Reason: "INC-1"}); problem(err) != "422 body.pace" {
			t.Error(err)
		}
		if _, err := d.Resume(anna, "1", api.Resume{OnBad: "stop"}); problem(err) != "422 body.reason body.on_bad" {
			t.Error(err)
		}
		if got := c.audits(); got != "" {
			t.Errorf("audited: %s", got)
		}
	})
}

// TestWhatIsCheckedIsNotDone, nor audited.
func TestWhatIsCheckedIsNotDone(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", nil, func(o *Options) { o.Desk, o.RequireReason = clerk{picky{o.Desk}, apitest.NewFake()}, true })
		defer ends(d)
		right := api.Start{ID: "1", Archive: "a", Topic: "x", From: "2026-11-01T12:00:00Z", Pace: "5/s", Reason: "INC-1"}
		wrong := api.Start{ID: "no spaces", Topic: "x", From: "yesterday", Pace: "5/s", Plan: "0a1b"}
		for want, err := range map[string]error{
			"422 body.id body.reason body.from": d.CheckStart(as(t, "anna"), wrong),
			"422 body.from":                     d.CheckPlan(as(t, "anna"), wrong), // which needs no reason
			"ok":                                d.CheckStart(as(t, "anna"), right),
		} {
			if problem(err) != want {
				t.Errorf("want %s: %v", want, err)
			}
		}
		if _, ok := (*registers)(d).Find("1"); ok {
			t.Error("what was checked was started")
		}
		if _, _, err := d.Start(as(t, "anna"), right); err != nil {
			t.Fatal(err)
		}
		before := c.audits()
		for want, err := range map[string]error{
			"422 body.reason body.on_bad": d.CheckResume(as(t, "anna"), "1", api.Resume{OnBad: "stop"}),
			"422 body.on_bad":             d.CheckResume(as(t, "anna"), "1", api.Resume{OnBad: "stop", Act: api.Act{Reason: "INC-1"}}),
			"404":                         d.CheckResume(as(t, "anna"), "2", api.Resume{OnBad: "stop", Act: api.Act{Reason: "INC-1"}}),
			"422 body.reason body.pace":   d.CheckPace(as(t, "anna"), "1", api.Pace{Pace: "fast"}),
			"ok":                          d.CheckPace(as(t, "anna"), "1", api.Pace{Pace: "1/s", Reason: "INC-1"}),
		} {
			if problem(err) != want {
				t.Errorf("want %s: %v", want, err)
			}
		}
		if k, _ := (*registers)(d).Find("1"); paceOf(&k, k.Wish) != "5/s" || c.audits() != "" || before != "start intent, start outcome: done" {
			t.Error("what was checked was done")
		}
	})
}
