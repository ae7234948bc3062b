package kafka

import (
	"errors"
	"strings"
	"testing"
	"time"

	"replayd/replay"
	"replayd/replay/pace"
)

// refusedNow lets a replay wait for a person because of what its session met under what is wished of it.
func refusedNow(t *testing.T, v *View, id, why string) replay.Refused {
	t.Helper()
	k, _ := v.Find(id)
	r := replay.NewRefused(k.Wish.Token, replay.Planned, why, "host 7", time.Now())
	if err := v.Refuse(t.Context(), id, r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestWhatWaitsForAPersonDoesSoUntilSomethingIsWishedAnew, as every daemon knows, also one that begins later.
func TestWhatWaitsForAPersonDoesSoUntilSomethingIsWishedAnew(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	other := follow(t, connect(t, f))
	slow, err := pace.Parse("7/s")
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	for name, act := range map[string]func() error{
		"wish":    func() error { return other.Wish(t.Context(), "r", running()) },
		"pace":    func() error { return other.SetPace(t.Context(), "r", replay.PaceWish{Pace: slow}) },
		"approve": func() error { return other.Approve(t.Context(), "r", replay.Signed{}) },
	} {
		r := refusedNow(t, v, "r", "overlap")
		if k, _ := v.Find("r"); k.Refused == nil || k.Refused.Error != "overlap" || k.Refused.State != replay.Planned {
			t.Errorf("it is not read back: %+v", k.Refused)
		}
		f.Compact()
		for _, at := range []*View{other, follow(t, connect(t, f))} {
			finds(t, at, "r", func(k replay.Known) bool { return k.Refused != nil && k.Refused.At.Equal(r.At) })
		}
		if err := act(); err != nil {
			t.Fatal(err)
		}
		for _, at := range []*View{v, other, follow(t, connect(t, f))} {
			finds(t, at, "r", func(k replay.Known) bool { return k.Refused == nil })
		}
		if err := v.Refuse(t.Context(), "r", r); err != nil { // of a daemon that slept
			t.Fatal(err)
		}
		if k, _ := v.Find("r"); k.Refused != nil {
			t.Errorf("%s: what came of an earlier wish holds back a later: %+v", name, k.Refused)
		}
	}
}

// TestWhyAReplayWaitsThatCannotBeReadHoldsItToo until somebody lets it go on.
func TestWhyAReplayWaitsThatCannotBeReadHoldsItToo(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	config(t, c, refusedKey("r"), "rubbish") // of one that had the id before
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	if k, _ := v.Find("r"); k.Refused != nil {
		t.Errorf("what stood there before holds: %+v", k.Refused)
	}
	for _, value := range []string{"rubbish", `{"version":1,"state":"running"}`, `{"version":2}`} {
		config(t, c, refusedKey("r"), value)
		k := finds(t, v, "r", func(k replay.Known) bool { return k.Refused != nil })
		if k.Err != nil || k.Refused.State != replay.Planned || !strings.Contains(k.Refused.Error, refusedKey("r")) || !strings.Contains(k.Refused.Error, "replayd resume r") {
			t.Errorf("%s: it waits because of %+v, %v", value, k.Refused, k.Err)
		}
		if err := v.Wish(t.Context(), "r", running()); err != nil {
			t.Fatal(err)
		}
		if k, _ := v.Find("r"); k.Refused != nil {
			t.Errorf("%s: resumed, it waits because of %+v", value, k.Refused)
		}
	}
}

func TestWhyAReplayWaitsIsForgottenWithIt(t *testing.T) {
	t.Parallel()
	f := fake(t)
	v := follow(t, connect(t, f))
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	r := refusedNow(t, v, "r", "overlap")
	if err := v.Cancel(t.Context(), "r", replay.Signed{}); err != nil {
		t.Fatal(err)
	}
	if err := v.Forget(t.Context(), "r", ""); err != nil {
		t.Fatal(err)
	}
	if keys := left(t, f, "r"); len(keys) > 0 {
		t.Errorf("left are %v", keys)
	}
	if err := v.Refuse(t.Context(), "r", r); !errors.As(err, new(*Unknown)) {
		t.Errorf("and it is written again: %v", err)
	}
}

// TestWhyAForgottenReplayWaitsIsNothingToItsSuccessor even where both are wished alike, or it comes too late to be held back.
func TestWhyAForgottenReplayWaitsIsNothingToItsSuccessor(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	v := follow(t, c)
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	before, _ := v.Find("r")
	if err := v.Cancel(t.Context(), "r", replay.Signed{}); err != nil {
		t.Fatal(err)
	}
	forget(t, v, "r")
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	k, _ := v.Find("r")
	late := replay.NewRefused(k.Wish.Token, replay.Planned, "forgotten meanwhile", "host 7", time.Now())
	late.Incarnation = before.Incarnation
	if err := v.Refuse(t.Context(), "r", late); !errors.As(err, new(*replay.Another)) || !errors.As(err, new(*replay.Conflict)) {
		t.Errorf("it is answered %v", err)
	}
	if err := v.write(t.Context(), refusedKey("r"), late); err != nil {
		t.Fatal(err)
	}
	if k, _ := v.Find("r"); k.Refused != nil {
		t.Errorf("the next one waits because of %+v", k.Refused)
	}
	late.Incarnation = k.Incarnation
	if err := v.Refuse(t.Context(), "r", late); err != nil {
		t.Fatal(err)
	}
	if k, _ := v.Find("r"); k.Refused == nil {
		t.Error("its own does not hold it")
	}
}

// TestNoReplayIsRefusedForGoodOrAtAnyLength by what is no end of a session.
func TestNoReplayIsRefusedForGoodOrAtAnyLength(t *testing.T) {
	t.Parallel()
	v := follow(t, connect(t, fake(t)))
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	if err := v.Refuse(t.Context(), "r", replay.Refused{State: replay.Cancelled}); err == nil {
		t.Error("it is refused as cancelled")
	}
	refusedNow(t, v, "r", strings.Repeat("€", 1<<20))
	if k, _ := v.Find("r"); len(k.Refused.Error) > 4<<10 || len(k.Refused.Error) < 4000 || !strings.HasSuffix(k.Refused.Error, "€ …") {
		t.Errorf("%d bytes are kept, which end in %q", len(k.Refused.Error), k.Refused.Error[len(k.Refused.Error)-20:])
	}
}

// TestARefusalIsNothingOnceAnotherSessionHasGoneOn, whenever it was written; one that does not tell of which session it is holds.
func TestARefusalIsNothingOnceAnotherSessionHasGoneOn(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	refused := c.Sink(Settings{})
	if session, commit := refused.Stands(); session == "" || commit != -1 {
		t.Errorf("before it has the replay it stands at %q, %d", session, commit)
	}
	first := begun(t, c, "r")
	defer first.Close()
	v := follow(t, c)
	k := finds(t, v, "r", func(k replay.Known) bool { return k.Checkpoint != nil })
	r := replay.NewRefused(k.Wish.Token, replay.Failed, "restart", "host 7", time.Now())
	if r.Session, r.Commit = first.Stands(); r.Session != k.Checkpoint.Session || r.Commit != k.Checkpoint.Commit {
		t.Errorf("its newest commit is %s %d, and it stands at %s %d", k.Checkpoint.Session, k.Checkpoint.Commit, r.Session, r.Commit)
	}
	refuse := func(r replay.Refused, holds bool) {
		t.Helper()
		if err := v.Refuse(t.Context(), "r", r); err != nil {
			t.Fatal(err)
		}
		if k, _ := v.Find("r"); (k.Refused != nil) != holds {
			t.Errorf("refused at %q, %d it waits because of %+v", r.Session, r.Commit, k.Refused)
		}
	}
	refuse(r, true)
	second := c.Sink(Settings{})
	defer second.Close()
	if _, err := second.Open(t.Context(), daemonSpec("r")); err != nil {
		t.Fatal(err)
	}
	if err := second.Commit(t.Context(), chunk(0, 11, replay.Running)); err != nil {
		t.Fatal(err)
	}
	finds(t, v, "r", func(k replay.Known) bool { return k.Refused == nil })
	refuse(r, false)
	r.Session, r.Commit = "", 0
	refuse(r, true)
}
