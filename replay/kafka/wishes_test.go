package kafka

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"replayd/replay"
)

func TestAReplayIsFrozenWithItsFirstWishInOneRecord(t *testing.T) {
	t.Parallel()
	f := fake(t)
	v := follow(t, connect(t, f))
	start := replay.Start{Pace: "x4", Compression: "zstd", By: "anna", Key: "hash"}
	w := replay.Wish{State: replay.Paused, Waits: true, Signed: replay.Signed{By: "anna"}}
	spec := daemonSpec("r")
	if err := v.Freeze(t.Context(), spec, start, w); err != nil {
		t.Fatal(err)
	}
	if n := len(consumed(t, f, "replayd.config")); n != 1 {
		t.Errorf("it takes %d records: a daemon may die between them", n)
	}
	for _, v := range []*View{v, follow(t, connect(t, f))} {
		k, ok := v.Find("r")
		if !ok || k.Wish == nil || !k.Wish.Waits || k.Wish.State != replay.Paused || k.Wish.Token == "" || k.Start.Key != "hash" || k.State() != replay.Planned {
			t.Errorf("it is known as %+v, wished %+v", k, k.Wish)
		}
	}
	known, err := connect(t, f).Stored(t.Context(), "r")
	if err != nil || known.Settings.Pace != "x4" || known.Settings.Compression != "zstd" || known.Spec.Hash() != spec.Hash() {
		t.Errorf("a foreground session finds %+v, %v", known, err)
	}
}

// TestADaemonsReplayWithoutAWishIsToRun writes a spec as another replayd might.
func TestADaemonsReplayWithoutAWishIsToRun(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	spec, foreground := daemonSpec("r"), testSpec("f")
	start := replay.Start{Pace: "x2", By: "anna"}
	config(t, c, specKey("r", "x"), string(encode(stored{Version: version, Spec: *spec, Start: &start})),
		specKey("f", "x"), string(encode(stored{Version: version, Spec: *foreground})))
	v := follow(t, c)
	if k, _ := v.Find("r"); k.Wish == nil || k.Wish.State != replay.Running || k.Wish.By != "anna" || !k.Wish.Pace.IsZero() || k.Wish.Validate() != nil {
		t.Errorf("it is wished %+v", k.Wish)
	}
	if k, _ := v.Find("f"); k.Wish != nil {
		t.Errorf("a foreground replay is wished %+v", k.Wish)
	}
}

// TestOfReplaysThatAreFrozenAtOnceOneWins does it at several daemons, with equal and with different specs.
func TestOfReplaysThatAreFrozenAtOnceOneWins(t *testing.T) {
	t.Parallel()
	for name, topics := range map[string][]string{"equal": {"replay", "replay", "replay"}, "different": {"replay", "a", "b"}} {
		t.Run(name, func(t *testing.T) {
			f := fake(t)
			var views []*View
			for range topics {
				views = append(views, follow(t, connect(t, f)))
			}
			for round := range 10 {
				id := fmt.Sprint("r", round)
				errs := make([]error, len(topics))
				var all sync.WaitGroup
				for i, v := range views {
					spec := daemonSpec(id)
					spec.Topic = topics[i]
					all.Go(func() {
						errs[i] = v.Freeze(t.Context(), spec, replay.Start{Key: fmt.Sprint(round, "-", i)}, running())
					})
				}
				all.Wait()
				winner := -1
				for i, err := range errs {
					taken := errors.As(err, new(*replay.Taken)) && errors.As(err, new(*SpecDiffers)) == (name == "different")
					switch {
					case err == nil && winner < 0:
						winner = i
					case !taken:
						t.Errorf("round %d: %d got %v", round, i, err)
					}
				}
				for i, v := range views {
					k := finds(t, v, id, func(replay.Known) bool { return true })
					if winner < 0 || k.Start.Key != fmt.Sprint(round, "-", winner) || k.Spec.Topic != topics[winner] {
						t.Errorf("round %d: %d won (%v), and %d knows %+v", round, winner, errs, i, k)
					}
				}
			}
			until(t, "the losers to be gone", func() bool {
				views[0].mu.Lock()
				defer views[0].mu.Unlock()
				for _, of := range views[0].registry.replays {
					if len(of.specs) != 1 {
						return false
					}
				}
				return true
			})
		})
	}
}

// TestOfReplaysThatAreFrozenAtOnceWithOneKeyOneWins freezes them under ids of their own.
func TestOfReplaysThatAreFrozenAtOnceWithOneKeyOneWins(t *testing.T) {
	t.Parallel()
	f := fake(t)
	views := []*View{follow(t, connect(t, f)), follow(t, connect(t, f)), follow(t, connect(t, f))}
	for round := range 10 {
		key := fmt.Sprint("key", round, " topic=x")
		ids, errs := make([]string, len(views)), make([]error, len(views))
		var all sync.WaitGroup
		for i, v := range views {
			ids[i] = fmt.Sprint("r", round, "-", i)
			all.Go(func() { errs[i] = v.Freeze(t.Context(), daemonSpec(ids[i]), replay.Start{Key: key}, running()) })
		}
		all.Wait()
		winner := slices.Index(errs, nil)
		for i, err := range errs {
			var taken *replay.Taken
			if i != winner && (!errors.As(err, &taken) || winner < 0 || taken.ID != ids[winner]) {
				t.Errorf("round %d: %d got %v, and %d has won", round, i, err, winner)
			}
		}
		for _, v := range views {
			until(t, "one to be left", func() bool { return len(v.All()) == round+1 })
			if k, ok := v.Find(ids[max(0, winner)]); !ok || k.Err != nil {
				t.Errorf("round %d: the winner is %+v", round, k)
			}
		}
	}
}

// TestALoserOfAKeyNeverBegins has one whose daemon died before it took it back: not even when the winner is forgotten.
func TestALoserOfAKeyNeverBegins(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	for _, id := range []string{"winner", "loser", "other"} {
		w := replay.Wish{Signed: replay.Signed{Version: version}, State: replay.Cancelled}
		config(t, c, specKey(id, "x"), string(encode(stored{Version: version, Spec: *daemonSpec(id), Start: &replay.Start{Key: "k for=" + id}, Wish: &w})))
	}
	v := follow(t, c)
	if k, _ := v.Find("winner"); k.Err != nil {
		t.Errorf("the winner: %v", k.Err)
	}
	for _, id := range []string{"loser", "other"} {
		if k, _ := v.Find(id); !errors.As(k.Err, new(*KeyTaken)) || !strings.Contains(k.Err.Error(), "replayd forget "+id) {
			t.Errorf("%s: %v", id, k.Err)
		}
	}
	var taken *replay.Taken
	if err := v.Freeze(t.Context(), daemonSpec("new"), replay.Start{Key: "k for=x"}, running()); !errors.As(err, &taken) || taken.ID != "winner" {
		t.Errorf("another with that key: %v", err)
	}
	if err := v.Forget(t.Context(), "other", ""); err != nil {
		t.Error(err)
	}
	if err := v.Forget(t.Context(), "winner", ""); err != nil {
		t.Error(err)
	}
	if all := v.All(); len(all) > 0 {
		t.Errorf("left are %+v", all)
	}
	if err := v.Freeze(t.Context(), daemonSpec("new"), replay.Start{Key: "k for=x"}, running()); err != nil {
		t.Errorf("the key is not free: %v", err)
	}
}

func TestAnIDIsTakenOnce(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	spec := daemonSpec("r")
	if err := v.Freeze(t.Context(), spec, replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	err := v.Freeze(t.Context(), spec, replay.Start{}, running())
	if !errors.As(err, new(*replay.Taken)) || errors.As(err, new(*SpecDiffers)) {
		t.Errorf("the same again: %v", err)
	}
	other := daemonSpec("r")
	other.Topic = "other"
	if err := v.Freeze(t.Context(), other, replay.Start{}, running()); !errors.As(err, new(*replay.Taken)) || !strings.Contains(err.Error(), `topic: it has "replay", asked for is "other"`) {
		t.Errorf("another of that name: %v", err)
	}
	open(t, c, testSpec("f"))
	finds(t, v, "f", func(replay.Known) bool { return true })
	if err := v.Freeze(t.Context(), daemonSpec("f"), replay.Start{}, running()); !errors.As(err, new(*replay.Taken)) {
		t.Errorf("a foreground replay's: %v", err)
	}
}

// TestAnUndatedSpecGetsItsInstant freezes one twice: the second is the same, though it is asked for later.
func TestAnUndatedSpecGetsItsInstant(t *testing.T) {
	t.Parallel()
	v := follow(t, connect(t, fake(t)))
	for i := range 2 {
		spec := daemonSpec("r")
		spec.AsOf = time.Time{}
		err := v.Freeze(t.Context(), spec, replay.Start{}, running())
		switch {
		case i == 0 && (err != nil || spec.AsOf.IsZero()):
			t.Errorf("it has %v, %v", spec.AsOf, err)
		case i == 1 && (!errors.As(err, new(*replay.Taken)) || errors.As(err, new(*SpecDiffers))):
			t.Errorf("the same again: %v", err)
		}
	}
}

// TestAWishIsReadBackBeforeItIsAnswered writes at two daemons in turn; each finds its own at once, and the last holds.
func TestAWishIsReadBackBeforeItIsAnswered(t *testing.T) {
	t.Parallel()
	f := fake(t)
	views := []*View{follow(t, connect(t, f)), follow(t, connect(t, f))}
	if err := views[0].Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	finds(t, views[1], "r", func(replay.Known) bool { return true })
	var last string
	for i := range 100 {
		v := views[i%2]
		last = fmt.Sprint(i)
		if err := v.Wish(t.Context(), "r", replay.Wish{State: replay.Paused, Signed: replay.Signed{Reason: last}}); err != nil {
			t.Fatal(err)
		}
		if k, _ := v.Find("r"); k.Wish.Reason != last {
			t.Fatalf("behind wish %d it finds %q", i, k.Wish.Reason)
		}
	}
	for _, v := range views {
		finds(t, v, "r", func(k replay.Known) bool { return k.Wish.Reason == last })
	}
}

func TestAWishThatIsNoneOrForNobodyIsRefused(t *testing.T) {
	t.Parallel()
	v := follow(t, connect(t, fake(t)))
	if err := v.Wish(t.Context(), "r", running()); !errors.As(err, new(*Unknown)) {
		t.Errorf("for nobody: %v", err)
	}
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, replay.Wish{State: replay.Completed}); err == nil {
		t.Error("a replay can be wished complete")
	}
	if _, ok := v.Find("r"); ok {
		t.Error("and was frozen")
	}
}

// TestAWishForOneThatWasForgottenIsNotForItsSuccessor lets a wish come too late.
func TestAWishForOneThatWasForgottenIsNotForItsSuccessor(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	config(t, c, wishKey("r"), string(encode(replay.Wish{Signed: replay.Signed{Version: 1}, State: replay.Cancelled})))
	v := follow(t, c)
	if k, ok := v.Find("r"); ok {
		t.Errorf("a wish alone is a replay: %+v", k)
	}
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	if k, _ := v.Find("r"); k.Wish.State != replay.Running {
		t.Errorf("it is wished %+v", k.Wish)
	}
}

func TestActsAreReadAPageAtATime(t *testing.T) {
	t.Parallel()
	v := follow(t, connect(t, fake(t)))
	for i := range 10 {
		a := replay.Audited{ID: []string{"a", "b", ""}[i%3], Act: "pause", Phase: "intent", Reason: fmt.Sprint(i), User: "anna"}
		if err := v.Audit(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]string{"": "0123456789", "a": "0369", "b": "147", "other": ""} {
		got, from := "", int64(0)
		for page := 0; ; page++ {
			acts, next, err := v.Audited(t.Context(), id, from, 3)
			if err != nil || len(acts) > 3 {
				t.Fatalf("%d acts, %v", len(acts), err)
			}
			for _, a := range acts {
				if a.Version != 1 || a.At.IsZero() || a.User != "anna" {
					t.Errorf("%+v", a)
				}
				got += a.Reason
			}
			if from = next; next == 0 {
				break
			}
		}
		if got != want {
			t.Errorf("about %q: %s, want %s", id, got, want)
		}
	}
	if acts, next, err := v.Audited(t.Context(), "", 1<<62, 3); len(acts) > 0 || next != 0 || err != nil {
		t.Errorf("behind the end: %+v, %d, %v", acts, next, err)
	}
}
