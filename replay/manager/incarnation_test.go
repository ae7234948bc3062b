package manager

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"replayd/replay"
	"replayd/replay/api"
)

// slowAudit are registers whose audit is held up.
type slowAudit struct {
	Registers

	asked, goOn chan struct{}
}

func (s *slowAudit) Audit(ctx context.Context, a replay.Audited) error {
	if a.Phase == "intent" {
		close(s.asked)
		<-s.goOn
	}
	return s.Registers.Audit(ctx, a)
}

// TestAnActIsOfTheReplayThatItWasCheckedFor and not of the one that has its id when the intent is audited at last.
func TestAnActIsOfTheReplayThatItWasCheckedFor(t *testing.T) {
	for _, name := range []string{"pause", "resume", "cancel", "approve", "pace", "forget"} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(t *testing.T, c *cluster) {
				secondPerson := func(o *Options) { o.SecondPerson = 1 }
				d := c.daemon("d", nil, secondPerson)
				slow := &slowAudit{asked: make(chan struct{}), goOn: make(chan struct{})}
				a := c.daemon("a", nil, secondPerson, func(o *Options) { slow.Registers, o.Registers = o.Registers, slow })
				defer ends(d, a)
				anna := as(t, "anna")
				start := func(n int64) {
					t.Helper()
					if _, _, err := d.Start(anna, api.Start{ID: "x", Archive: "a", Topic: "x", Limit: n}); err != nil {
						t.Fatal(err)
					}
				}
				start(10)
				cancel := func() {
					t.Helper()
					if _, err := d.Cancel(anna, "x", api.Act{}); err != nil {
						t.Fatal(err)
					}
				}
				if name == "forget" {
					cancel()
				}
				wait(settle)
				answer := make(chan error)
				go func() { answer <- acts(a)[name](as(t, "bert"), "x", "") }()
				<-slow.asked
				if name != "forget" {
					cancel()
				}
				if err := d.Forget(anna, "x", api.Act{}); err != nil {
					t.Fatal(err)
				}
				start(40)
				if name == "forget" {
					cancel()
				}
				before, _ := (*registers)(d).Find("x")
				wait(settle)
				close(slow.goOn)
				if err := <-answer; problem(err) != "409" || !strings.Contains(err.Error(), "another one was started under its id") {
					t.Errorf("it is answered: %v", err)
				}
				wait(settle)
				if now, ok := (*registers)(d).Find("x"); !ok || now.Wish.Token != before.Wish.Token || now.Incarnation != before.Incarnation {
					t.Errorf("the other replay is wished %+v, and was %+v", now.Wish, before.Wish)
				}
			})
		})
	}
}

// TestAnActThatChangesNothingIsRefused where what another one writes cannot be read, and holds the replay. Of one that runs what
// can be read holds.
func TestAnActThatChangesNothingIsRefused(t *testing.T) {
	writes := map[string][]string{
		"pause": {replay.PartState}, "resume": {replay.PartState, replay.ChoiceMaxBad}, "pace": {replay.PartPace}, "approve": {replay.PartApproval},
		"cancel": {replay.PartState, replay.PartPace, replay.PartApproval, replay.PartCancel, replay.ChoiceMaxBad},
	}
	for part, cure := range map[string]string{
		replay.PartState: "replayd resume 1, or replayd pause 1", replay.PartPace: "replayd pace 1 PACE", replay.PartApproval: "replayd approve 1",
		replay.PartCancel: "replayd cancel 1", replay.ChoiceMaxBad: "replayd resume 1 --max-bad SHARE",
	} {
		t.Run(part, func(t *testing.T) {
			simulate(t, func(t *testing.T, c *cluster) {
				d, other := c.daemon("d", []string{"y"}), c.daemon("other", nil)
				defer ends(d, other)
				d.begin("1", "x", 1000, "10/s")
				d.begin("2", "y", 1000, "10/s")
				unread := &replay.WishUnreadable{Err: errors.New("overwritten"), Part: part}
				c.mu.Lock()
				c.append(func(known map[string]*entry, _ int64) {
					for _, id := range []string{"1", "2"} {
						held := *unread
						held.ID, known[id].Err = id, &held
					}
				})
				c.mu.Unlock()
				wait(5 * settle)
				c.audits()
				all := acts(d)
				delete(all, "forget")
				all["resume"] = func(ctx context.Context, id, _ string) error {
					_, err := d.Resume(ctx, id, api.Resume{MaxBad: "5%"})
					return err
				}
				for _, name := range []string{"pause", "resume", "pace", "approve", "cancel"} {
					err := all[name](as(t, "ben"), "1", "")
					if helps := slices.Contains(writes[name], part); helps && err != nil {
						t.Errorf("%s: %v", name, err)
					} else if !helps && (problem(err) != "409" || !strings.Contains(err.Error(), cure)) {
						t.Errorf("%s is answered %v", name, err)
					} else if told := c.audits(); !helps && told != "" {
						t.Errorf("%s is audited: %s", name, told)
					}
				}
				_, err := d.Resume(as(t, "ben"), "2", api.Resume{MaxBad: "5%"}) // which ends the session with the old choice
				if helps := slices.Contains(writes["resume"], part); helps != (err == nil) {
					t.Errorf("with another choice the one that runs is answered %v", err)
				} else if helps {
					return
				}
				if err := acts(d)["pause"](as(t, "ben"), "2", ""); err != nil {
					t.Errorf("the one that runs: %v", err)
				}
				if wait(5 * settle); d.stands("2").State != replay.Paused {
					t.Errorf("paused it is %+v", d.stands("2"))
				}
			})
		})
	}
}

// TestASessionOfAForgottenReplayIsNotItsSuccessors: its daemon froze, and reads in one stretch that the replay was cancelled and
// forgotten, and that its id is another's.
func TestASessionOfAForgottenReplayIsNotItsSuccessors(t *testing.T) {
	forgotten := &replay.Refusal{Item: "restart", What: "replay 1 was forgotten meanwhile: this session has produced nothing"}
	for what, begins := range map[string]func(d *daemon){
		"that does not end":         func(d *daemon) { d.opening = time.Hour },
		"that ends before it looks": func(d *daemon) { d.opening, d.lag = time.Minute, 2*time.Minute },
	} {
		t.Run(what, func(t *testing.T) {
			simulate(t, func(t *testing.T, c *cluster) {
				d, other := c.daemon("d", []string{"x"}), c.daemon("other", nil)
				defer ends(d, other)
				d.mu.Lock()
				begins(d)
				d.mu.Unlock()
				d.meets(true, forgotten)
				d.begin("1", "x", 100, "10/s")
				wait(time.Second)
				d.freeze(true)
				if _, err := other.Cancel(as(t, "anna"), "1", api.Act{}); err != nil {
					t.Fatal(err)
				}
				wait(2 * silent) // until nobody is heard to be at work on it
				if err := other.Forget(as(t, "anna"), "1", api.Act{}); err != nil {
					t.Fatal(err)
				}
				other.begin("1", "y", 50, "10/s")
				wait(time.Second)
				d.freeze(false)
				wait(6 * time.Minute)
				if r := d.stands("1"); r.State != replay.Planned || r.Reason != "" || r.Daemon != "" {
					t.Errorf("the next replay, which no session has had, stands %+v", r)
				}
				if s := d.Standing(); s.Ended[Abandoned] != s.Begun {
					t.Errorf("of %d sessions have ended %v", s.Begun, s.Ended)
				}
				other.gets("y")
				wait(time.Minute)
				if got, r := c.came("y"), other.stands("1"); got != "1:50" {
					t.Errorf("there came %q; it is %s: %s", got, r.State, r.Reason)
				}
			})
		})
	}
}
