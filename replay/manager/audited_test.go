package manager

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

func TestActsAreAuditedBeforeAndAfterAndRefusedWithout(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", nil)
		defer ends(d)
		ben := as(t, "ben")
		d.begin("1", "x", 100, "10/s")
		if got := c.audits(); got != "start intent, start outcome: done" {
			t.Error(got)
		}
		for _, name := range []string{"pause", "pace", "resume", "approve", "cancel"} {
			c.mu.Lock()
			c.deaf = errors.New("no answer")
			c.mu.Unlock()
			before, _ := (*registers)(d).Find("1")
			if err := acts(d)[name](ben, "1", ""); problem(err) != "503" {
				t.Errorf("%s without an audit: %v", name, err)
			}
			if now, _ := (*registers)(d).Find("1"); now.Wish.Token != before.Wish.Token {
				t.Errorf("%s without an audit was done", name)
			}
			c.mu.Lock()
			c.deaf = nil
			c.mu.Unlock()
			if err := acts(d)[name](ben, "1", ""); err != nil {
				t.Error(name, err)
			}
			want := name + " intent, " + name + " outcome: done"
			if name == "approve" {
				want += ": it was so already"
			}
			if got := c.audits(); got != want {
				t.Errorf("audited: %s", got)
			}
		}
		if err := acts(d)["forget"](ben, "1", ""); err != nil || c.audits() != "forget intent, forget outcome: done" {
			t.Error(err)
		}
		if _, err := d.Replay(t.Context(), "1"); problem(err) != "404" {
			t.Errorf("forgotten: %v", err)
		}
	})
}

// TestAnActWithoutTheAuditTopicSaysWhatCuresThat: to wait does not.
func TestAnActWithoutTheAuditTopicSaysWhatCuresThat(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", nil)
		defer ends(d)
		d.begin("1", "x", 100, "10/s")
		lost := &replay.Refusal{Item: "restart", What: "topic replayd.audit was deleted", Next: "Start the daemons anew."}
		c.mu.Lock()
		c.deaf = fmt.Errorf("write: %w", lost)
		c.mu.Unlock()
		for name, act := range acts(d) {
			if name == "forget" { // the replay has not ended
				continue
			}
			err := act(as(t, "ben"), "1", "")
			p := apitest.Refused(t, err, http.StatusConflict)
			if p.Item != lost.Item || p.Next != lost.Next || p.Detail != "the act could not be written to the audit, so it was not done: "+lost.What {
				t.Errorf("%s: %#v", name, p)
			}
		}
		if n := d.Standing().Unaudited; n != 5 {
			t.Errorf("%d acts were not done", n)
		}
	})
}

// TestTheAuditTellsWhatWasDone, also when the replay is forgotten: by whom, why, of what, and at which pace.
func TestTheAuditTellsWhatWasDone(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", nil)
		defer ends(d)
		if _, _, err := d.Start(as(t, "anna"), api.Start{ID: "1", Archive: "a", Topic: "x", Limit: 9, Pace: "10/s", Reason: "INC-1"}); err != nil {
			t.Fatal(err)
		}
		ben := as(t, "ben")
		if _, err := d.SetPace(ben, "1", api.Pace{Pace: "x4", MaxGap: "10s", Reason: "too slow"}); err != nil {
			t.Error(err)
		}
		for _, act := range []string{"pause", "cancel", "forget"} {
			if err := acts(d)[act](ben, "1", "why to "+act); err != nil {
				t.Error(act, err)
			}
		}
		window := specOf("1", "x", 9).Window
		want := []replay.Audited{
			{Act: "start", User: "anna", Reason: "INC-1", Pace: "10/s"},
			{Act: "pace", User: "ben", Reason: "too slow", Pace: "x4", MaxGap: replay.Duration(10 * time.Second)},
			{Act: "pause", User: "ben", Reason: "why to pause"},
			{Act: "cancel", User: "ben", Reason: "why to cancel"},
			{Act: "forget", User: "ben", Reason: "why to forget"},
		}
		if len(c.audit) != 2*len(want) {
			t.Fatalf("audited %s", c.audits())
		}
		for i, a := range c.audit {
			w := want[i/2]
			if phase := []string{"intent", "outcome"}[i%2]; a.Phase != phase || a.ID != "1" || a.Act != w.Act || a.User != w.User || a.Reason != w.Reason {
				t.Errorf("record %d is the %s of %s by %s: %+v", i, phase, w.Act, w.User, a)
			}
			if a.Archive != "a" || a.Topic != "x" || a.Window == nil || *a.Window != window || a.Pace != w.Pace || a.MaxGap != w.MaxGap {
				t.Errorf("record %d does not tell what %s was about: %+v", i, w.Act, a)
			}
		}
	})
}

// TestAStartIsAuditedWithWhatItAllows reads it where sessions that are allowed so do not write it again.
func TestAStartIsAuditedWithWhatItAllows(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", nil)
		defer ends(d)
		allow := []string{"overlap", "durability"}
		if _, _, err := d.Start(as(t, "anna"), api.Start{ID: "1", Topic: "x", Limit: 1, Allow: allow}); err != nil {
			t.Fatal(err)
		}
		for _, a := range c.audit {
			if !slices.Equal(a.Items, allow) {
				t.Errorf("audited %+v", a)
			}
		}
		if len(c.audit) != 2 {
			t.Errorf("audited %s", c.audits())
		}
	})
}

// TestTheAuditIsReadInPages, and what is no place in it is told as that.
func TestTheAuditIsReadInPages(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", nil)
		defer ends(d)
		for i := range 3 {
			d.begin(fmt.Sprint(i), "x", 1, "1/s")
		}
		var told []string
		for q := (api.AuditQuery{PageQuery: api.PageQuery{Limit: 4}}); ; {
			page, err := d.Audit(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range page.Items {
				told = append(told, a.ID+" "+a.Phase)
			}
			if q.After = page.Next; q.After == "" {
				break
			}
		}
		if want := []string{"0 intent", "0 outcome", "1 intent", "1 outcome", "2 intent", "2 outcome"}; !slices.Equal(told, want) {
			t.Errorf("told %q", told)
		}
		for _, after := range []string{"abc", "-1", "1.5", "99999999999999999999"} {
			if _, err := d.Audit(t.Context(), api.AuditQuery{PageQuery: api.PageQuery{After: after}}); problem(err) != "422 query.after" {
				t.Errorf("after %s: %v", after, err)
			}
		}
	})
}

// TestWhoeverHangsUpLeavesNoActWithoutAnOutcome has callers that go away at any instant.
func TestWhoeverHangsUpLeavesNoActWithoutAnOutcome(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, seed)
			d := c.daemon("d", nil)
			defer ends(d)
			d.begin("1", "x", 100, "10/s")
			for _, name := range []string{"pause", "pace", "resume", "cancel", "forget"} {
				ctx, hangUp := context.WithCancel(as(t, "ben"))
				go func() {
					<-time.After(c.short())
					hangUp()
				}()
				_ = acts(d)[name](ctx, "1", "") // which nobody is told
				hangUp()
				wait(actLimit)
			}
			told := c.audits()
			if strings.Count(told, "intent") != strings.Count(told, "outcome: done") || strings.Count(told, "intent") != 6 {
				t.Errorf("seed %d: audited %s", seed, told)
			}
		})
	}
}
