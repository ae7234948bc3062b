package kafka

import (
	"errors"
	"testing"

	"replayd/replay"
)

// TestWhatIsForgottenInTheForegroundProducesNothingWhenItWakes has a session that was silent, as one that was stopped, and comes back:
// in time, and when its id is another's.
func TestWhatIsForgottenInTheForegroundProducesNothingWhenItWakes(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]bool{"before its id is used": false, "when its id is used": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fake(t)
			c := connect(t, f)
			v := follow(t, c)
			sleeper, _ := open(t, connect(t, f), testSpec("r"))
			commit(t, sleeper, chunk(10, 1, replay.Running))
			finds(t, v, "r", func(k replay.Known) bool { return k.Checkpoint != nil && k.Checkpoint.Seq == 10 })
			if err := v.Forget(t.Context(), "r", ""); !errors.As(err, new(*NotEnded)) {
				t.Errorf("forgotten as one that has ended: %v", err)
			}
			commit(t, sleeper, chunk(10, 11, replay.Running)) // it has not been disturbed
			if err := v.ForgetSilent(t.Context(), "r", ""); err != nil {
				t.Fatal(err)
			}
			if keys := left(t, f, "r"); len(keys) > 0 {
				t.Errorf("left are %v", keys)
			}
			if again {
				anew(t, v, "r")
			}
			if err := sleeper.Commit(t.Context(), chunk(10, 21, replay.Running)); err == nil {
				t.Error("it goes on")
			}
			seqs(t, consumed(t, f, "replay"), 20)
			if n := len(consumed(t, f, "replay")); n != 20 {
				t.Errorf("the topic holds %d events", n)
			}
		})
	}
}

// TestOnlyOneInTheForegroundIsForgottenForItsSilence, since what a daemon runs can be cancelled.
func TestOnlyOneInTheForegroundIsForgottenForItsSilence(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	v := follow(t, c)
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	s, _ := open(t, c, daemonSpec("r"))
	commit(t, s, chunk(10, 1, replay.Running))
	finds(t, v, "r", func(k replay.Known) bool { return k.Checkpoint != nil })
	if err := v.ForgetSilent(t.Context(), "r", ""); !errors.As(err, new(*NotEnded)) {
		t.Errorf("got %v", err)
	}
	commit(t, s, chunk(10, 11, replay.Completed)) // it has not been disturbed
}
