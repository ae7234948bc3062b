package kafka

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"replayd/replay"
	"replayd/replay/pace"
)

// TestWhatTwoPeopleWantAtOnceBothHolds has several daemons write different things of one replay at the same time.
func TestWhatTwoPeopleWantAtOnceBothHolds(t *testing.T) {
	t.Parallel()
	f := fake(t)
	views := []*View{follow(t, connect(t, f)), follow(t, connect(t, f)), follow(t, connect(t, f)), follow(t, connect(t, f))}
	slow, err := pace.Parse("7/s")
	if err != nil {
		t.Fatal(err)
	}
	for round := range 10 {
		id := fmt.Sprint("r", round)
		first := running()
		first.Waits = true
		if err := views[0].Freeze(t.Context(), daemonSpec(id), replay.Start{}, first); err != nil {
			t.Fatal(err)
		}
		for _, v := range views {
			finds(t, v, id, func(replay.Known) bool { return true })
		}
		by := func(who string) replay.Signed { return replay.Signed{By: who} }
		ctx := t.Context()
		var all sync.WaitGroup
		for i, act := range []func(v *View) error{
			func(v *View) error {
				return v.Wish(ctx, id, replay.Wish{Signed: by("ben"), State: replay.Paused, Waits: true})
			},
			func(v *View) error { return v.SetPace(ctx, id, replay.PaceWish{Signed: by("carl"), Pace: slow}) },
			func(v *View) error { return v.Approve(ctx, id, by("dora")) },
			func(v *View) error {
				if round%2 > 0 {
					return nil
				}
				return v.Cancel(ctx, id, by("emil"))
			},
		} {
			v := views[(round+i)%len(views)]
			all.Go(func() {
				if err := act(v); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		state, who := replay.Cancelled, "emil"
		if round%2 > 0 {
			state, who = replay.Paused, "ben"
		}
		for _, v := range views {
			finds(t, v, id, func(k replay.Known) bool {
				return k.Wish.State == state && k.Wish.By == who && k.Wish.Pace == slow && !k.Wish.Waits
			})
		}
	}
}

// TestWhatIsWantedAndCannotBeReadIsWantedAnew writes what is not replayd's, or a newer one's, where acts write.
func TestWhatIsWantedAndCannotBeReadIsWantedAnew(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	slow, err := pace.Parse("7/s")
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	n := 0
	for _, w := range []struct {
		key    func(id string) string
		act    func(id string) error
		hollow bool // is a record, too
		cure   string
	}{
		{wishKey, func(id string) error { return v.Wish(ctx, id, replay.Wish{State: replay.Paused}) }, false, "replayd resume ID, or replayd pause ID"},
		{paceKey, func(id string) error { return v.SetPace(ctx, id, replay.PaceWish{Pace: slow}) }, false, "replayd pace ID PACE"},
		{cancelKey, func(id string) error { return v.Cancel(ctx, id, replay.Signed{}) }, true, "replayd cancel ID"},
		{approvedKey, func(id string) error { return v.Approve(ctx, id, replay.Signed{}) }, true, "replayd approve ID"},
		{
			func(id string) string { return choiceKey(id, replay.ChoiceMaxBad) },
			func(id string) error { return v.Choose(ctx, id, replay.ChoiceMaxBad, replay.Choice{MaxBad: 0.1}) }, false,
			"replayd resume ID --max-bad SHARE",
		},
	} {
		values := []string{newer, "rubbish", `{"version":1,"at":7}`}
		if !w.hollow {
			values = append(values, `{"version":1,"state":"flying"}`)
		}
		for _, value := range values {
			n++
			id := fmt.Sprint("r", n)
			if err := v.Freeze(ctx, daemonSpec(id), replay.Start{}, running()); err != nil {
				t.Fatal(err)
			}
			config(t, c, w.key(id), value)
			k := finds(t, v, id, func(k replay.Known) bool { return k.Err != nil })
			if curable := errors.As(k.Err, new(*replay.WishUnreadable)); curable != (value != newer) || !strings.Contains(k.Err.Error(), w.key(id)) {
				t.Errorf("%s: %s: %v", w.key(id), value, k.Err)
			}
			if cure := strings.ReplaceAll(w.cure, "ID", id); value != newer && !strings.Contains(k.Err.Error(), "wanted: "+cure) {
				t.Errorf("%s: it is put right by %s: %v", w.key(id), cure, k.Err)
			}
			if _, err := c.Stored(ctx, id); err != nil {
				t.Errorf("%s: %s: it is taken for another replay: %v", w.key(id), value, err)
			}
			if err := v.Forget(ctx, id, ""); !errors.As(err, new(*replay.Conflict)) {
				t.Errorf("%s: %s: it is forgotten: %v", w.key(id), value, err)
			}
			if value == newer {
				if err := w.act(id); !errors.As(err, new(*replay.Conflict)) {
					t.Errorf("%s: a newer replayd's is written over: %v", w.key(id), err)
				}
				continue
			}
			if err := w.act(id); err != nil {
				t.Errorf("%s: %s: %v", w.key(id), value, err)
			}
			if k, _ := v.Find(id); k.Err != nil {
				t.Errorf("%s: %s: wanted anew: %v", w.key(id), value, k.Err)
			}
			config(t, c, w.key(id), value)
			if err := v.Cancel(ctx, id, replay.Signed{}); err != nil {
				t.Errorf("%s: %s: %v", w.key(id), value, err)
			}
			if k, _ := v.Find(id); k.State() != replay.Cancelled || k.Err != nil {
				t.Errorf("%s: %s: cancelled it is %s, %v", w.key(id), value, k.State(), k.Err)
			}
			if err := v.Forget(ctx, id, ""); err != nil {
				t.Errorf("%s: %s: %v", w.key(id), value, err)
			}
		}
	}
}

// TestASpecThatIsNoneIsForgotten frees an id whose only record is of no replay.
func TestASpecThatIsNoneIsForgotten(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	other := encode(stored{Version: version, Spec: *daemonSpec("other")})
	for i, value := range []string{"rubbish", `{"version":1}`, string(other)} {
		id := fmt.Sprint("r", i)
		config(t, c, specKey(id, "x"), value)
		v := follow(t, c)
		if k := finds(t, v, id, func(k replay.Known) bool { return k.Err != nil }); k.Spec.ID != id || !strings.Contains(k.Err.Error(), "not replayd's") {
			t.Errorf("%s: it is %+v", value, k)
		}
		if err := v.Freeze(t.Context(), daemonSpec(id), replay.Start{}, running()); err == nil {
			t.Errorf("%s: the id is free", value)
		}
		if err := v.Forget(t.Context(), id, ""); err != nil {
			t.Errorf("%s: %v", value, err)
		}
		if err := v.Freeze(t.Context(), daemonSpec(id), replay.Start{}, running()); err != nil {
			t.Errorf("%s: the id is not free: %v", value, err)
		}
	}
	config(t, c, specKey("newer", "x"), newer)
	v := follow(t, c)
	finds(t, v, "newer", func(k replay.Known) bool { return k.Err != nil })
	if err := v.Forget(t.Context(), "newer", ""); !errors.As(err, new(*replay.Conflict)) {
		t.Errorf("a newer replayd's is forgotten: %v", err)
	}
	config(t, c, startedKey("begun"), string(encode(started{Version: version, CheckpointTopicID: "x"})), specKey("begun", "x"), "rubbish")
	finds(t, v, "begun", func(k replay.Known) bool { return errors.As(k.Err, new(*errUnreadable)) })
	if err := v.Forget(t.Context(), "begun", ""); !errors.As(err, new(*replay.Conflict)) {
		t.Errorf("one that has begun is forgotten: %v", err)
	}
}
