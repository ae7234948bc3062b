package kafka

import (
	"context"
	"errors"
	"reflect"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/replay"
	"replayd/replay/pace"
)

// wants are all that can be wanted of replay r, by somebody who has looked at one of those that have had that id.
func wants(t *testing.T, v *View) map[string]func(incarnation string) error {
	t.Helper()
	slow, err := pace.Parse("7/s")
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	by := func(incarnation string) replay.Signed { return replay.Signed{By: "bert", Incarnation: incarnation} }
	return map[string]func(string) error{
		wishKey("r"):     func(i string) error { return v.Wish(ctx, "r", replay.Wish{Signed: by(i), State: replay.Paused}) },
		paceKey("r"):     func(i string) error { return v.SetPace(ctx, "r", replay.PaceWish{Signed: by(i), Pace: slow}) },
		cancelKey("r"):   func(i string) error { return v.Cancel(ctx, "r", by(i)) },
		approvedKey("r"): func(i string) error { return v.Approve(ctx, "r", by(i)) },
		choiceKey("r", replay.StopOnBad): func(i string) error {
			return v.Choose(ctx, "r", replay.StopOnBad, replay.Choice{Signed: by(i), Stop: true})
		},
	}
}

// waiting freezes replay r, which waits for a second person, and returns it.
func waiting(t *testing.T, v *View) replay.Known {
	t.Helper()
	w := running()
	w.Waits = true
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{By: "anna"}, w); err != nil {
		t.Fatal(err)
	}
	return finds(t, v, "r", func(replay.Known) bool { return true })
}

// succeeded lets another replay have the id r, which waits likewise.
func succeeded(t *testing.T, v *View) replay.Known {
	t.Helper()
	if err := v.Cancel(t.Context(), "r", replay.Signed{}); err != nil {
		t.Fatal(err)
	}
	if err := v.Forget(t.Context(), "r", ""); err != nil {
		t.Fatal(err)
	}
	return waiting(t, v)
}

// TestWhatIsWantedOfAReplayIsNotWantedOfItsSuccessor has somebody look at a replay and say what is wanted of it when it is
// forgotten and its id has another one.
func TestWhatIsWantedOfAReplayIsNotWantedOfItsSuccessor(t *testing.T) {
	t.Parallel()
	f := fake(t)
	a, b := follow(t, connect(t, f)), follow(t, connect(t, f))
	first := waiting(t, b)
	second := succeeded(t, b)
	finds(t, a, "r", func(k replay.Known) bool { return k.Incarnation == second.Incarnation })
	before := len(consumed(t, f, "replayd.config"))
	for key, want := range wants(t, a) {
		if err := want(first.Incarnation); !errors.As(err, new(*replay.Conflict)) || !errors.As(err, new(*replay.Another)) {
			t.Errorf("%s: %v", key, err)
		}
	}
	if n := len(consumed(t, f, "replayd.config")) - before; n != 0 {
		t.Errorf("%d records were written", n)
	}
	if err := b.Forget(t.Context(), "r", ""); err == nil {
		t.Error("it is forgotten, so it has ended")
	}
	for key, want := range wants(t, a) {
		if err := want(second.Incarnation); err != nil {
			t.Errorf("%s of the one that was looked at: %v", key, err)
		}
	}
}

// TestOnlyTheReplayThatIsMeantIsForgotten, when its id has another, which has ended, or is silent in the foreground.
func TestOnlyTheReplayThatIsMeantIsForgotten(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	v := follow(t, c)
	first := waiting(t, v)
	second := succeeded(t, v)
	if err := v.Cancel(t.Context(), "r", replay.Signed{}); err != nil {
		t.Fatal(err)
	}
	for what, forget := range map[string]func(context.Context, string, string) error{"ended": v.Forget, "silent": v.ForgetSilent} {
		if err := forget(t.Context(), "r", first.Incarnation); !errors.As(err, new(*replay.Conflict)) || !errors.As(err, new(*replay.Another)) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if k, ok := v.Find("r"); !ok || k.Err != nil || k.Incarnation != second.Incarnation {
		t.Errorf("the other one is %+v", k)
	}
	if err := v.Forget(t.Context(), "r", second.Incarnation); err != nil {
		t.Error(err)
	}
}

// TestWhatIsWantedTooLateIsNotWantedOfASuccessor holds up the record itself, which comes to stand behind the successor's spec.
// Daemons that follow and those that come later find that replay as it was started.
func TestWhatIsWantedTooLateIsNotWantedOfASuccessor(t *testing.T) {
	t.Parallel()
	for key := range wants(t, nil) {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			f := fake(t)
			a, b := follow(t, connect(t, f)), follow(t, connect(t, f))
			first := waiting(t, b)
			finds(t, a, "r", func(replay.Known) bool { return true })
			held, let := holdUp(f)
			answer := make(chan error, 1)
			go func() { answer <- wants(t, a)[key](first.Incarnation) }()
			<-held
			second := succeeded(t, b)
			close(let)
			if err := <-answer; !errors.As(err, new(*replay.Conflict)) || !errors.As(err, new(*replay.Another)) {
				t.Errorf("it is answered %v", err)
			}
			all := consumed(t, f, "replayd.config")
			last := all[len(all)-1]
			if string(last.Key) != key || last.Value == nil {
				t.Fatalf("the last record is %s", last.Key)
			}
			if err := b.awaitRead(t.Context(), topicPartition{last.Topic, 0}, last.Offset+1); err != nil {
				t.Fatal(err)
			}
			for name, v := range map[string]*View{"the one who asked": a, "another one": b, "one that comes later": follow(t, connect(t, f))} {
				if k, _ := v.Find("r"); !reflect.DeepEqual(k, second) {
					t.Errorf("%s finds\n%+v, wished %+v; it was started as\n%+v, wished %+v", name, k, k.Wish, second, second.Wish)
				}
			}
		})
	}
}

// holdUp holds the next record that is produced, once it is on its way, until let is closed.
func holdUp(f *kfake.Cluster) (held <-chan struct{}, let chan struct{}) {
	began, let := make(chan struct{}), make(chan struct{})
	var later atomic.Bool
	f.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		if !later.Swap(true) {
			close(began)
			f.SleepControl(func() { <-let })
		}
		return nil, nil, false
	})
	return began, let
}

// TestAForgottenReplaysActIsAnswered has nobody start another one meanwhile.
func TestAForgottenReplaysActIsAnswered(t *testing.T) {
	t.Parallel()
	f := fake(t)
	a, b := follow(t, connect(t, f)), follow(t, connect(t, f))
	first := waiting(t, b)
	finds(t, a, "r", func(replay.Known) bool { return true })
	held, let := holdUp(f)
	answer := make(chan error, 1)
	go func() { answer <- a.Approve(t.Context(), "r", replay.Signed{Incarnation: first.Incarnation}) }()
	<-held
	if err := b.Cancel(t.Context(), "r", replay.Signed{}); err != nil {
		t.Fatal(err)
	}
	if err := b.Forget(t.Context(), "r", ""); err != nil {
		t.Fatal(err)
	}
	close(let)
	if err := <-answer; !errors.As(err, new(*replay.Conflict)) || !errors.As(err, new(*Unknown)) {
		t.Errorf("it is answered %v", err)
	}
	if k := waiting(t, b); !k.Wish.Waits {
		t.Errorf("the next one is wished %+v", k.Wish)
	}
}

// TestWhatIsWantedOutlivesASpecThatWasPutRight reads the topic as it was written and as compaction leaves it: the spec then stands
// behind all that was wanted of the replay.
func TestWhatIsWantedOutlivesASpecThatWasPutRight(t *testing.T) {
	t.Parallel()
	const part = "part"
	by := replay.Signed{Version: version, Token: "t", Incarnation: part, By: "bert"}
	first := running()
	first.Waits = true
	spec := string(encode(stored{Version: version, Spec: *daemonSpec("r"), Start: &replay.Start{By: "anna"}, Wish: &first}))
	for key, value := range map[string]any{
		wishKey("r"):                     replay.Wish{Signed: by, State: replay.Paused, Waits: true},
		paceKey("r"):                     replay.PaceWish{Signed: by, Pace: pace.Default()},
		cancelKey("r"):                   by,
		approvedKey("r"):                 by,
		choiceKey("r", replay.StopOnBad): replay.Choice{Signed: by, Stop: true},
	} {
		log := records(specKey("r", part), spec, key, string(encode(value)), specKey("r", part), "rubbish", specKey("r", part), spec)
		whole, compacted := reads(log...), reads(log[1], log[3])
		if whole.Err != nil || whole.Wish.Token == "" && len(whole.Choices) == 0 {
			t.Errorf("%s: it is wished %+v, %v: %v", key, whole.Wish, whole.Choices, whole.Err)
		}
		if compacted.Err != nil || !reflect.DeepEqual(whole.Wish, compacted.Wish) || !reflect.DeepEqual(whole.Choices, compacted.Choices) {
			t.Errorf("%s: compacted it is wished %+v, %v: %v", key, compacted.Wish, compacted.Choices, compacted.Err)
		}
	}
}

// TestWhatDoesNotSayOfWhichReplayItIsGoesByWhereItStands is of a replayd that did not note it.
func TestWhatDoesNotSayOfWhichReplayItIsGoesByWhereItStands(t *testing.T) {
	t.Parallel()
	first := running()
	first.Waits = true
	spec := string(encode(stored{Version: version, Spec: *daemonSpec("r"), Wish: &first}))
	approved := string(encode(replay.Signed{Version: version, Token: "t"}))
	for name, c := range map[string]struct {
		log   []*kgo.Record
		waits bool
	}{
		"before": {records(approvedKey("r"), approved, specKey("r", "part"), spec), true},
		"behind": {records(specKey("r", "part"), spec, approvedKey("r"), approved), false},
	} {
		if k := reads(c.log...); k.Wish.Waits != c.waits {
			t.Errorf("%s the spec: it is wished %+v", name, k.Wish)
		}
	}
}

// TestACancelOfAnotherReplayHidesNothing that cannot be read of this one.
func TestACancelOfAnotherReplayHidesNothing(t *testing.T) {
	t.Parallel()
	spec := string(encode(stored{Version: version, Spec: *daemonSpec("r")}))
	late := string(encode(replay.Signed{Version: version, Incarnation: "other"}))
	k := reads(records(specKey("r", "part"), spec, cancelKey("r"), late, paceKey("r"), "rubbish")...)
	if k.Unread() != replay.PartPace || k.State() != replay.Planned {
		t.Errorf("it is %s: %v", k.State(), k.Err)
	}
}

// records are those of the config topic, keys and values in turn.
func records(pairs ...string) (log []*kgo.Record) {
	for i := 0; i < len(pairs); i += 2 {
		log = append(log, &kgo.Record{Topic: "replayd.config", Key: []byte(pairs[i]), Value: []byte(pairs[i+1]), Offset: int64(i / 2)})
	}
	return log
}

// reads is replay r to a daemon that reads these records.
func reads(log ...*kgo.Record) replay.Known {
	v := &View{cluster: &Cluster{options: Options{ControlPrefix: "replayd"}}, registry: newRegistry(zerolog.Nop()), progress: map[string]*progressed{}}
	for _, r := range log {
		v.apply(r)
	}
	k, _ := v.Find("r")
	return k
}
