package manager

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

// problem is the status of an error and the fields that it names; 0 for none.
func problem(err error) string {
	var p *api.Problem
	switch {
	case err == nil:
		return "ok"
	case !errors.As(err, &p):
		return "no problem: " + err.Error()
	}
	text := fmt.Sprint(p.Status)
	for _, e := range p.Errors {
		text += " " + e.Location
	}
	return text
}

// audits are the acts that were audited since the last call, as act and phase, and the result of an outcome.
func (c *cluster) audits() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []string
	for _, a := range c.audit {
		text := a.Act + " " + a.Phase
		if a.Phase == "outcome" {
			text += ": " + a.Result
		}
		list = append(list, text)
		if a.Version != 1 || a.ID == "" || a.User == "" || a.Host == "" || a.PID == 0 || a.At.IsZero() || a.Items == nil {
			c.t.Errorf("the audit lacks something: %+v", a)
		}
	}
	c.audit = nil
	return strings.Join(list, ", ")
}

// reasonOf is where the reason of an act stands in its request.
var reasonOf = map[string]string{
	"pause": "body.reason", "resume": "body.reason", "cancel": "body.reason", "approve": "body.reason", "pace": "body.reason", "forget": "query.reason",
}

// acts are all that change a replay.
func acts(d *daemon) map[string]func(ctx context.Context, id, reason string) error {
	return map[string]func(context.Context, string, string) error{
		"pause": func(ctx context.Context, id, r string) error {
			_, err := d.Pause(ctx, id, api.Act{Reason: r})
			return err
		},
		"resume": func(ctx context.Context, id, r string) error {
			_, err := d.Resume(ctx, id, api.Resume{Act: api.Act{Reason: r}})
			return err
		},
		"cancel": func(ctx context.Context, id, r string) error {
			_, err := d.Cancel(ctx, id, api.Act{Reason: r})
			return err
		},
		"approve": func(ctx context.Context, id, r string) error {
			_, err := d.Approve(ctx, id, api.Act{Reason: r})
			return err
		},
		"pace": func(ctx context.Context, id, r string) error {
			_, err := d.SetPace(ctx, id, api.Pace{Pace: "9/s", Reason: r})
			return err
		},
		"forget": func(ctx context.Context, id, r string) error { return d.Forget(ctx, id, api.Act{Reason: r}) },
	}
}

func TestActsThatCannotBeAreRefusedAndNotAudited(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		ben := as(t, "ben")
		d.begin("ended", "x", 1, "10/s")
		d.begin("waits", "y", 1, "10/s")
		c.mu.Lock()
		spec := specOf("foreground", "z", 1)
		c.append(func(known map[string]*entry, at int64) {
			known["foreground"] = &entry{Known: replay.Known{Spec: spec, Order: at, Begun: true, CheckpointAt: time.Now(), Checkpoint: &replay.Checkpoint{State: replay.Running, Host: "laptop", PID: 77}}}
			known["newer"] = &entry{Known: replay.Known{Spec: replay.Spec{ID: "newer"}, Order: at, Err: errors.New("of a newer replayd")}}
		})
		c.mu.Unlock()
		wait(5 * time.Second)
		c.audits()
		for name, act := range acts(d) {
			if err := act(ben, "unknown", ""); problem(err) != "404" {
				t.Errorf("%s of an unknown replay: %v", name, err)
			}
			if err := act(ben, "foreground", ""); problem(err) != "409" || !strings.Contains(err.Error(), "in the foreground at laptop 77") || !strings.Contains(err.Error(), "Stop it there") {
				t.Errorf("%s of a foreground replay: %v", name, err)
			}
			if name == "forget" {
				continue
			}
			if err := act(ben, "ended", ""); problem(err) != "409" || !strings.Contains(err.Error(), "it is completed") {
				t.Errorf("%s of an ended replay: %v", name, err)
			}
			if err := act(ben, "newer", ""); problem(err) != "409" {
				t.Errorf("%s of a newer replay: %v", name, err)
			}
		}
		if _, err := d.Quarantine(ben, "newer", api.PageQuery{}); problem(err) != "409" {
			t.Errorf("the quarantine of a newer replay: %v", err)
		}
		if err := acts(d)["forget"](ben, "waits", ""); problem(err) != "409" {
			t.Errorf("forget of one that has not ended: %v", err)
		}
		if got := c.audits(); got != "" {
			t.Errorf("audited: %s", got)
		}
		_, err := d.SetPace(ben, "waits", api.Pace{Pace: "fast", MaxGap: "-1s"})
		if problem(err) != "422 body.pace body.max_gap" {
			t.Error(err)
		}
		if _, err := d.SetPace(ben, "waits", api.Pace{}); problem(err) != "422 body.pace" {
			t.Error(err)
		}
	})
}

func TestWhatIsSoAlreadyIsAuditedAndNotWritten(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		ben := as(t, "ben")
		d.begin("1", "x", 1000, "10/s")
		wait(3 * time.Second)
		for _, name := range []string{"resume", "pause", "pause", "pace", "pace", "resume", "resume"} {
			wait(3 * time.Second)
			before, _ := (*registers)(d).Find("1")
			c.audits()
			if err := acts(d)[name](ben, "1", ""); err != nil {
				t.Fatal(err)
			}
			now, _ := (*registers)(d).Find("1")
			written, said := now.Wish.Token != before.Wish.Token, !strings.Contains(c.audits(), "already")
			if written != said {
				t.Errorf("%s was written %v and said to be %v", name, written, said)
			}
			same := before.Wish.State == now.Wish.State && before.Wish.Pace == now.Wish.Pace
			if written == same {
				t.Errorf("%s was written %v: %+v was %+v", name, written, now.Wish, before.Wish)
			}
		}
		if r := d.stands("1"); r.Pace != "9/s" || r.Wanted != replay.Running {
			t.Errorf("a pause and a resume keep the pace: %+v", r)
		}
	})
}

func TestAReasonCanBeRequired(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", nil, func(o *Options) { o.RequireReason = true })
		defer ends(d)
		ben := as(t, "ben")
		if _, _, err := d.Start(ben, api.Start{ID: "1", Topic: "x", Limit: 1}); problem(err) != "422 body.reason" {
			t.Error(err)
		}
		if _, _, err := d.Start(ben, api.Start{ID: "1", Topic: "x", Limit: 1, Reason: "INC-1"}); err != nil {
			t.Error(err)
		}
		for name, act := range acts(d) {
			if err := act(ben, "1", ""); problem(err) != "422 "+reasonOf[name] {
				t.Errorf("%s without a reason: %v", name, err)
			}
		}
		if _, err := d.Pause(ben, "1", api.Act{Reason: "lunch"}); err != nil {
			t.Error(err)
		}
	})
}

// TestAReasonIsOneLineOfText of a length that headers have room for: the API's document counts in characters.
func TestAReasonIsOneLineOfText(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", nil)
		defer ends(d)
		ben := as(t, "ben")
		d.begin("1", "x", 1, "10/s")
		for _, reason := range []string{"INC-1\nreplay 2: completed", "\x1b]0;pwned\a", "\u009b31m", "a\x00", "\xff", strings.Repeat("é", replay.MaxReason/2) + "!"} {
			for name, act := range acts(d) {
				if err := act(ben, "1", reason); problem(err) != "422 "+reasonOf[name] {
					t.Errorf("%s because %q: %v", name, reason, err)
				}
			}
			if _, _, err := d.Start(ben, api.Start{ID: "2", Topic: "x", Limit: 1, Reason: reason}); problem(err) != "422 body.reason" {
				t.Errorf("start because %q: %v", reason, err)
			}
		}
		if _, err := d.Pause(ben, "1", api.Act{Reason: strings.Repeat("é", replay.MaxReason/2)}); err != nil {
			t.Error(err)
		}
	})
}

func TestALargeReplayWaitsForASecondPerson(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"}, func(o *Options) { o.SecondPerson = sized(50) })
		defer ends(d)
		d.begin("large", "x", 51, "unlimited")
		d.begin("small", "x", 50, "unlimited")
		wait(10 * time.Second)
		if r := d.stands("large"); !r.Waits || r.State != replay.Planned || !strings.Contains(r.Queued, "second person") {
			t.Errorf("it stands %+v", r)
		}
		if r := d.stands("small"); r.Waits || r.State != replay.Completed {
			t.Errorf("it stands %+v", r)
		}
		if _, err := d.Approve(as(t, "anna"), "large", api.Act{}); problem(err) != "403" {
			t.Errorf("who started it approves it: %v", err)
		}
		if _, err := d.Resume(as(t, "anna"), "large", api.Resume{}); err != nil { // which is no way round
			t.Error(err)
		}
		wait(10 * time.Second)
		if r := d.stands("large"); !r.Waits || r.State != replay.Planned {
			t.Errorf("it stands %+v", r)
		}
		if r, err := d.Approve(as(t, "ben"), "large", api.Act{}); err != nil || r.Waits || r.Queued != "" {
			t.Error(r, err)
		}
		wait(10 * time.Second)
		if r := d.stands("large"); r.State != replay.Completed {
			t.Errorf("it stands %+v", r)
		}
	})
}

func TestAStartIsTheSameForTheSameKey(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		a, b := c.daemon("a", nil), c.daemon("b", nil)
		defer ends(a, b)
		anna := as(t, "anna")
		asked := api.Start{Topic: "x", Limit: 10, Pace: "10/s", From: "-3h", IdempotencyKey: "deploy 17"}
		first, created, err := a.Start(anna, asked)
		if err != nil || !created || !strings.HasPrefix(first.ID, "k-") || len(first.ID) != len("k-")+keyLength {
			t.Fatal(first, created, err)
		}
		wait(time.Second)
		for _, d := range []*daemon{a, b} {
			again, created, err := d.Start(as(t, "ben"), asked)
			if err != nil || created || again.ID != first.ID {
				t.Errorf("%+v, %v, %v", again, created, err)
			}
			other := asked
			other.Limit, other.Pace, other.Filter = 11, "", "true"
			_, _, err = d.Start(anna, other)
			if problem(err) != "422 body.filter body.limit body.pace" {
				t.Error(err)
			}
			other = asked
			other.ID, other.IdempotencyKey = first.ID, ""
			if _, _, err := d.Start(anna, other); problem(err) != "409" {
				t.Error(err)
			}
			other = asked
			other.ID = "another"
			_, _, err = d.Start(anna, other)
			if problem(err) != "422 body.id" || !strings.Contains(err.Error(), "use another id for a new replay; over HTTP with another Idempotency-Key") {
				t.Error(err)
			}
		}
		if _, created, err := a.Start(anna, api.Start{Topic: "x", Limit: 10}); err != nil || !created {
			t.Errorf("without key and id: %v", err)
		}
		k, _ := (*registers)(a).Find(first.ID)
		if strings.Contains(k.Start.Key, "deploy") || strings.Contains(k.Start.Key, "10/s") || len(strings.Fields(k.Start.Key)) != 5 {
			t.Errorf("kept of what was asked: %s", k.Start.Key)
		}
	})
}

// TestOfTwoStartsAtOnceOneIsCreated asks two daemons at the same time, for the same and for something else.
func TestOfTwoStartsAtOnceOneIsCreated(t *testing.T) {
	for _, c := range []struct {
		name       string
		one, other api.Start
		want       string
	}{
		{"the same", api.Start{IdempotencyKey: "k", Topic: "x", Limit: 5}, api.Start{IdempotencyKey: "k", Topic: "x", Limit: 5}, "ok"},
		{"another body", api.Start{IdempotencyKey: "k", Topic: "x", Limit: 5}, api.Start{IdempotencyKey: "k", Topic: "y", Limit: 5}, "422 body.topic"},
		{"another name", api.Start{ID: "m", IdempotencyKey: "k", Topic: "x", Limit: 5}, api.Start{ID: "n", IdempotencyKey: "k", Topic: "x", Limit: 5}, "422 body.id"},
		{"by name", api.Start{ID: "n", Topic: "x", Limit: 5}, api.Start{ID: "n", Topic: "x", Limit: 6}, "409"},
	} {
		t.Run(c.name, func(t *testing.T) {
			simulate(t, func(t *testing.T, cl *cluster) {
				a, b := cl.daemon("a", nil), cl.daemon("b", nil)
				defer ends(a, b)
				type answer struct {
					created bool
					err     error
				}
				answers := make(chan answer)
				for d, s := range map[*daemon]api.Start{a: c.one, b: c.other} {
					go func() {
						_, created, err := d.Start(as(t, d.name), s)
						answers <- answer{created, err}
					}()
				}
				var got []string
				for range 2 {
					switch x := <-answers; {
					case x.created:
						got = append(got, "created")
					default:
						got = append(got, problem(x.err))
					}
				}
				slices.Sort(got)
				if !slices.Contains(got, "created") || !slices.Contains(got, c.want) {
					t.Errorf("answered %q, want created and %q", got, c.want)
				}
			})
		})
	}
}

// TestAStartThatIsWrongNamesAllItsFieldsAtOnce: those of which the manager tells, and those of the desk.
func TestAStartThatIsWrongNamesAllItsFieldsAtOnce(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", nil, func(o *Options) { o.Desk, o.RequireReason = clerk{o.Desk, apitest.NewFake()}, true })
		defer ends(d)
		if v, err := d.Version(t.Context()); err != nil || !v.ReasonRequired {
			t.Errorf("nobody is told before that a reason is required: %+v, %v", v, err)
		}
		s := api.Start{ID: "no spaces", Topic: "x", From: "yesterday", Pace: "fast"}
		if _, _, err := d.Start(as(t, "anna"), s); problem(err) != "422 body.id body.reason body.from body.pace" {
			t.Error(err)
		}
		s.From, s.Pace = "2026-11-01T12:00:00Z", "5/s"
		if _, _, err := d.Start(as(t, "anna"), s); problem(err) != "422 body.id body.reason" {
			t.Error(err)
		}
	})
}

func TestAStartThatIsWrongNamesItsFieldsAndIsNotAudited(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", nil)
		defer ends(d)
		if _, _, err := d.Start(as(t, "anna"), api.Start{ID: "no spaces", Topic: "x"}); problem(err) != "422 body.id" {
			t.Error(err)
		}
		var p *api.Problem
		if _, _, err := d.Start(as(t, "anna"), api.Start{Topic: "forbidden"}); !errors.As(err, &p) || p.Status != 403 || p.Item != "not-allowed" {
			t.Error(err)
		}
		if got := c.audits(); got != "" {
			t.Errorf("audited: %s", got)
		}
	})
}

func TestListsAreTheNewestFirstByPages(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", nil)
		defer ends(d)
		for i := range 5 {
			d.begin(fmt.Sprint(i), []string{"x", "y"}[i%2], 10, "10/s")
		}
		if _, err := d.Cancel(as(t, "ben"), "2", api.Act{}); err != nil {
			t.Fatal(err)
		}
		list := func(q api.Query) (ids string) {
			for {
				page, err := d.Replays(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range page.Items {
					ids += r.ID
				}
				if q.After = page.Next; q.After == "" {
					return ids
				}
				ids += "|"
			}
		}
		for want, q := range map[string]api.Query{
			"43210": {}, "43|21|0": {PageQuery: api.PageQuery{Limit: 2}}, "31": {Topic: "y"}, "2": {State: "cancelled"}, "": {Archive: "b"},
			"43|10": {State: "planned", PageQuery: api.PageQuery{Limit: 2}},
		} {
			if got := list(q); got != want {
				t.Errorf("%+v lists %s, want %s", q, got, want)
			}
		}
		if _, err := d.Replays(t.Context(), api.Query{PageQuery: api.PageQuery{After: "x"}}); problem(err) != "422 query.after" {
			t.Error(err)
		}
		if _, err := d.Receipt(t.Context(), "1"); problem(err) != "409" {
			t.Error(err)
		}
	})
}

func TestAnAuditThatDoesNotAnswerIsNotWaitedForForEver(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", nil)
		defer ends(d)
		d.begin("1", "x", 10, "10/s")
		d.silent = true
		began := time.Now()
		_, _, err := d.Start(as(t, "anna"), api.Start{ID: "2", Topic: "x"})
		if problem(err) != "503" || time.Since(began) != actLimit {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		if _, err := d.Pause(as(t, "anna"), "1", api.Act{}); problem(err) != "503" || time.Since(began) != 2*actLimit {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestAnotherPaceLeavesAReplayPausedByWhomItWasPaused(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		d.begin("1", "x", 1000, "10/s")
		wait(2 * time.Second)
		if _, err := d.Pause(as(t, "ben"), "1", api.Act{Reason: "lunch"}); err != nil {
			t.Fatal(err)
		}
		wait(2 * time.Second)
		if _, err := d.SetPace(as(t, "carl"), "1", api.Pace{Pace: "20/s", Reason: "slow"}); err != nil {
			t.Fatal(err)
		}
		wait(2 * time.Second)
		if r := d.stands("1"); r.Reason != "paused by ben: lunch" || r.WishedBy != "ben" || r.Pace != "20/s" {
			t.Errorf("it stands %+v", r)
		}
	})
}

// TestAStartThatFailsBeforeAnythingIsWrittenIsNotLaidToTheControlTopics nor told as what may have been done.
func TestAStartThatFailsBeforeAnythingIsWrittenIsNotLaidToTheControlTopics(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", nil)
		defer ends(d)
		if _, _, err := d.Start(as(t, "anna"), api.Start{ID: "1", Topic: "broken"}); !errors.Is(err, errBroken) || problem(err) != "no problem: "+errBroken.Error() {
			t.Errorf("got %v", err)
		}
	})
}

// TestWhatTwoPeopleAskForAtOnceBothHolds asks one daemon, or two, for different things at the same time.
func TestWhatTwoPeopleAskForAtOnceBothHolds(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, seed)
			large := func(o *Options) { o.SecondPerson = sized(50) }
			a, b := c.daemon("a", nil, large), c.daemon("b", []string{"x"}, large)
			defer ends(a, b)
			a.begin("1", "x", 1000, "10/s")
			wait(time.Second)
			asked := []string{"pause", "pace", "approve"}
			if seed%2 == 0 {
				asked = append(asked, "cancel")
			}
			done := make(chan string)
			for i, name := range asked {
				d := []*daemon{a, b}[(seed/2+uint64(i))%2]
				go func() {
					<-time.After(c.short() / 4)
					if err := acts(d)[name](as(t, "ben"), "1", ""); problem(err) != "ok" && problem(err) != "409" { // being cancelled
						t.Errorf("seed %d: %s: %v", seed, name, err)
						name = ""
					} else if err != nil {
						name = ""
					}
					done <- name
				}()
			}
			var did []string
			for range asked {
				did = append(did, <-done)
			}
			wait(time.Second)
			for _, d := range []*daemon{a, b} {
				r := d.stands("1")
				wanted := replay.Paused
				if slices.Contains(did, "cancel") {
					wanted = replay.Cancelled
				}
				if r.Wanted != wanted || r.Waits == slices.Contains(did, "approve") || (r.Pace == "9/s") != slices.Contains(did, "pace") {
					t.Errorf("seed %d: behind %q it stands %+v", seed, did, r)
				}
			}
		})
	}
}
