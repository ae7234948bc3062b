package kafka

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/replay"
)

// TestAnOverlapIsToldWithTheCommandOfItsReplay: what can be typed depends on who runs it, and on how far it is.
func TestAnOverlapIsToldWithTheCommandOfItsReplay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		owner string
		state replay.State // of its last checkpoint; empty: it has none
		says  string
	}{
		{replay.OwnerRun, replay.Completed, "has ended: replayd run --id p1 (with the flags it was begun with) prints its receipt"},
		{replay.OwnerDaemon, replay.Cancelled, "has ended: replayd show p1 prints its receipt"},
		{replay.OwnerRun, replay.Running, "runs at vm 7; if it was killed there, continue it with replayd run --id p1 (with the flags"},
		{replay.OwnerDaemon, replay.Running, "replayd watch p1 shows"},
		{replay.OwnerRun, replay.Paused, "Continue that replay with replayd run --id p1 (with the flags"},
		{replay.OwnerDaemon, replay.Paused, "Continue that replay with replayd resume p1."},
		{replay.OwnerDaemon, replay.Failed, "Continue that replay with replayd resume p1."},
		{replay.OwnerRun, "", "Continue that replay with replayd run --id p1 (with the flags"},
		{replay.OwnerDaemon, "", "says replayd show p1."},
	} {
		var last *replay.Checkpoint
		if c.state != "" {
			last = &replay.Checkpoint{State: c.state, Host: "vm", PID: 7}
		}
		f := overlapping(&Stored{Spec: replay.Spec{ID: "p1", Owner: c.owner}}, last)
		if !strings.Contains(f.Next, c.says) || !strings.Contains(f.Next, "se another --topic, or --allow overlap.") {
			t.Errorf("of one by %s that is %q: %s", c.owner, c.state, f.Next)
		}
	}
}

// TestANeighbourThatIsBeingForgottenIsComparedAsBefore wherever forgetting it is broken off: an overlapping window is refused unless
// that is allowed, and another passes.
func TestANeighbourThatIsBeingForgottenIsComparedAsBefore(t *testing.T) {
	t.Parallel()
	writes := brokenOff(t, endedOn(t), 0, false)
	for at := 1; at <= writes; at++ {
		t.Run(fmt.Sprint("write ", at), func(t *testing.T) {
			t.Parallel()
			f := endedOn(t)
			brokenOff(t, f, at, true)
			c := connect(t, f)
			err := opens(t, c, Settings{}, testSpec("same"))
			wantRefusal(t, err, ItemOverlap, "replay r has put events of 2026-11-01T12:00:00Z to 2026-11-01T13:00:00Z into topic replay")
			if strings.Contains(err.Error(), "being forgotten") {
				t.Errorf("it is told of another matter: %v", err)
			}
			if err := opens(t, c, Settings{}, hoursLater(1, testSpec("later"))); err != nil {
				t.Errorf("another window: %v", err)
			}
			if err := opens(t, c, Settings{Allow: replay.Allowed{ItemOverlap}}, testSpec("allowed")); err != nil {
				t.Errorf("where it is allowed: %v", err)
			}
		})
	}
}

// TestWhatBeganAndIsBeingForgottenSinceOneLookedIsGivenWayTo as any other.
func TestWhatBeganAndIsBeingForgottenSinceOneLookedIsGivenWayTo(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	slow, allowed := prepared(t, c, "slow"), prepared(t, c, "allowed", ItemOverlap)
	cancelled(t, follow(t, c), daemonSpec("r"), 30)
	brokenOff(t, f, 1, true)
	_, err := slow.takeOver(t.Context())
	wantRefusal(t, err, ItemOverlap, "replay r has begun just before")
	if _, err := allowed.takeOver(t.Context()); err != nil {
		t.Errorf("where it is allowed: %v", err)
	}
}

// TestWhoBeginsWhileOneLooksIsNotTakenForUnknown: preflight is held back where it asks for the newest records of the topic.
func TestWhoBeginsWhileOneLooksIsNotTakenForUnknown(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c, other := connect(t, f), connect(t, f)
	var begun atomic.Bool
	f.ControlKey(int16(kmsg.ListOffsets), func(r kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		if asked := r.(*kmsg.ListOffsetsRequest).Topics; len(asked) == 1 && asked[0].Topic == "replay" && begun.CompareAndSwap(false, true) {
			f.SleepControl(func() {
				s := other.Sink(Settings{})
				t.Cleanup(s.Close)
				if _, err := s.Open(t.Context(), hoursLater(1, testSpec("other"))); err != nil {
					t.Error(err)
				} else if err := s.Commit(t.Context(), of("other", chunk(30, 1, replay.Running))); err != nil {
					t.Error(err)
				}
			})
		}
		return nil, nil, false
	})
	if err := opens(t, c, Settings{}, testSpec("slow")); err != nil {
		t.Error(err)
	}
}
