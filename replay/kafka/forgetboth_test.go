package kafka

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// outdone is a client's hook that tells when a record of it is refused because another session's client got in between.
type outdone struct{ by chan struct{} }

func (o outdone) OnProduceRecordUnbuffered(_ *kgo.Record, err error) {
	if fencing(err) {
		select {
		case o.by <- struct{}{}:
		default:
		}
	}
}

// forgetter is a daemon that forgets replay r, and is held back before it writes a record with a key; empty: nowhere.
func forgetter(t *testing.T, f *kfake.Cluster, key string) (h *held, o outdone, answer <-chan error) {
	t.Helper()
	h = hold(func(what any) bool {
		r, ok := what.(*kgo.Record)
		return ok && key != "" && strings.HasPrefix(string(r.Key), key)
	})
	o = outdone{make(chan struct{}, 1)}
	c := connect(t, f, h, o)
	v := follow(t, c)
	h.armed.Store(true)
	answers := make(chan error, 1)
	go func() { answers <- v.Forget(t.Context(), "r", "") }()
	return h, o, answers
}

// TestOfTwoDaemonsThatForgetAtOnceBothSaySo: one gets in between at the other, and finishes it.
func TestOfTwoDaemonsThatForgetAtOnceBothSaySo(t *testing.T) {
	t.Parallel()
	for what, keys := range map[string][2]string{
		"before the progress is deleted": {genesisKey("r"), startedKey("r")},
		"before its spec is":             {specKey("r", ""), startedKey("r")},
		"before its id is free":          {startedKey("r"), startedKey("r")},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := endedOn(t)
			first, outdone, one := forgetter(t, f, keys[0])
			<-first.reached
			second, _, other := forgetter(t, f, keys[1])
			<-second.reached
			close(first.let)
			<-outdone.by
			close(second.let)
			for _, answer := range []<-chan error{one, other} {
				if err := <-answer; err != nil {
					t.Error(err)
				}
			}
			if keys := left(t, f, "r"); len(keys) > 0 {
				t.Errorf("left are %v", keys)
			}
		})
	}
}

// TestADaemonThatFindsWhatEndedHalfForgottenFinishesIt: it knows the replay as one that has ended, while another has begun to
// forget it.
func TestADaemonThatFindsWhatEndedHalfForgottenFinishesIt(t *testing.T) {
	t.Parallel()
	f := endedOn(t)
	slow, _, other := forgetter(t, f, forgetKey("r", ""))
	<-slow.reached
	first, _, one := forgetter(t, f, specKey("r", ""))
	<-first.reached
	close(slow.let)
	err := <-other
	close(first.let)
	if err := errors.Join(err, <-one); err != nil {
		t.Error(err)
	}
	if keys := left(t, f, "r"); len(keys) > 0 {
		t.Errorf("left are %v", keys)
	}
	if n := len(traces(t, connect(t, f), "r")); n != 1 {
		t.Errorf("there are %d traces", n)
	}
}

// TestADaemonThatWaitsInVainForAnotherToForgetFinishesIt, and the other one, when it wakes, says that it is done.
func TestADaemonThatWaitsInVainForAnotherToForgetFinishesIt(t *testing.T) {
	t.Parallel()
	f := endedOn(t)
	first, _, one := forgetter(t, f, startedKey("r"))
	<-first.reached
	second, _, other := forgetter(t, f, startedKey("r"))
	<-second.reached
	close(first.let)
	if err := <-one; err != nil {
		t.Error(err)
	}
	if keys := left(t, f, "r"); len(keys) > 0 {
		t.Errorf("left are %v", keys)
	}
	close(second.let)
	if err := <-other; err != nil {
		t.Error(err)
	}
}

// TestASessionThatWakesWhileItsReplayIsForgottenHoldsThatUpForAMoment: it fences who forgets, and ends.
func TestASessionThatWakesWhileItsReplayIsForgottenHoldsThatUpForAMoment(t *testing.T) {
	t.Parallel()
	f := fake(t)
	v := follow(t, connect(t, f))
	spec := daemonSpec("r")
	if err := v.Freeze(t.Context(), spec, replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	sleeps := hold(owning)
	_, ends := heldBack(t, f, sleeps, spec)
	if err := v.Cancel(t.Context(), "r", replay.Signed{}); err != nil {
		t.Fatal(err)
	}
	forgets, _, answer := forgetter(t, f, specKey("r", ""))
	<-forgets.reached
	close(sleeps.let)
	if err := <-ends; !refusedFor(err, ItemRestart) {
		t.Errorf("the session ends with %v", err)
	}
	close(forgets.let)
	if err := <-answer; err != nil {
		t.Error(err)
	}
	keys := slices.DeleteFunc(left(t, f, "r"), func(key string) bool { return key == "replayd.checkpoints: r/barrier" })
	if len(keys) > 0 {
		t.Errorf("left are %v", keys)
	}
}
