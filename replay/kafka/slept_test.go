package kafka

import (
	"errors"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// heldBack opens a session of a replay that h holds back, and returns what becomes of it.
func heldBack(t *testing.T, f *kfake.Cluster, h *held, spec *replay.Spec) (*Sink, chan error) {
	t.Helper()
	c := connect(t, f, h)
	s := c.Sink(Settings{})
	t.Cleanup(s.Close)
	h.armed.Store(true)
	ends := make(chan error, 1)
	own := *spec
	go func() {
		_, err := s.Open(t.Context(), &own)
		ends <- err
	}()
	<-h.reached
	return s, ends
}

// owning is the client that takes the replay r over.
func owning(what any) bool {
	c, ok := what.(*kgo.Client)
	return ok && c.OptValue(kgo.TransactionalID) == "replayd.r"
}

// begins is the record that says that r has begun, and takenBack the one that it has not.
func begins(what any) bool {
	r, ok := what.(*kgo.Record)
	return ok && string(r.Key) == "started/r" && r.Value != nil
}

func takenBack(what any) bool {
	r, ok := what.(*kgo.Record)
	return ok && string(r.Key) == "started/r" && r.Value == nil
}

// TestASessionThatSleptUntilItsReplayWasForgottenHarmsNoSuccessor: it slept before it owned the replay, or before it said that this has
// begun. The id is another's when it wakes, which has begun or not.
func TestASessionThatSleptUntilItsReplayWasForgottenHarmsNoSuccessor(t *testing.T) {
	t.Parallel()
	for where, at := range map[string]func(any) bool{"before it owns it": owning, "before it says that it begins": begins} {
		for next, runs := range map[string]bool{"waits": false, "runs": true} {
			for owner, spec := range map[string]*replay.Spec{"daemon": daemonSpec("r"), "run": testSpec("r")} {
				if owner == "daemon" && where != "before it owns it" {
					continue // a daemon's that begins can be cancelled only by another session
				}
				t.Run(owner+" sleeps "+where+", the next one "+next, func(t *testing.T) {
					t.Parallel()
					f := fake(t)
					c := connect(t, f)
					v := follow(t, c)
					if owner == "daemon" {
						if err := v.Freeze(t.Context(), spec, replay.Start{}, running()); err != nil {
							t.Fatal(err)
						}
					}
					h := hold(at)
					late, ends := heldBack(t, f, h, spec)
					forgetUnbegun(t, v, owner)
					other := hoursLater(3, daemonSpec("r"))
					other.Topic = "elsewhere"
					if err := v.Freeze(t.Context(), other, replay.Start{}, running()); err != nil {
						t.Fatal(err)
					}
					settings := Settings{Create: true, Partitions: 3}
					s := c.Sink(settings)
					t.Cleanup(s.Close)
					if runs {
						if _, err := s.Open(t.Context(), other); err != nil {
							t.Fatal(err)
						}
						commit(t, s, chunk(10, 1, replay.Running))
					}
					close(h.let)
					if err := <-ends; err == nil {
						t.Errorf("a session of what is forgotten begins, and commits: %v", late.Commit(t.Context(), chunk(10, 1, replay.Running)))
					}
					if !runs {
						if _, err := s.Open(t.Context(), other); err != nil {
							t.Fatalf("the next replay does not begin: %v", err)
						}
						commit(t, s, chunk(10, 1, replay.Running))
					}
					commit(t, s, chunk(10, 11, replay.Completed))
					finds(t, v, "r", func(k replay.Known) bool { return k.State() == replay.Completed })
					refusedIn(t, c, "elsewhere", other)
					forget(t, v, "r")
					if n := len(traces(t, c, "r")); n == 0 {
						t.Error("it leaves no trace")
					}
				})
			}
		}
	}
}

// forgetUnbegun forgets the replay r that a session has frozen and not begun.
func forgetUnbegun(t *testing.T, v *View, owner string) {
	t.Helper()
	if err := v.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if owner == "run" {
		if err := v.ForgetSilent(t.Context(), "r", ""); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := v.Cancel(t.Context(), "r", replay.Signed{}); err != nil {
		t.Fatal(err)
	}
	forget(t, v, "r")
}

// refusedIn sees to it that no other replay of the window of spec begins in its topic, where its events stand.
func refusedIn(t *testing.T, c *Cluster, topic string, spec *replay.Spec) {
	t.Helper()
	again := *spec
	again.ID, again.Topic = "again", topic
	if err := opens(t, c, Settings{}, &again); !refusedFor(err, ItemOverlap) {
		t.Errorf("another replay of the same window is not refused there: %v", err)
	}
}

func refusedFor(err error, item string) bool {
	refusal := new(replay.Refusal)
	return errors.As(err, &refusal) && refusal.Item == item
}

// TestASessionThatSleptUntilItsReplayWasForgottenLeavesNothing: another session had brought the replay to its end. Nobody has the id.
func TestASessionThatSleptUntilItsReplayWasForgottenLeavesNothing(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	spec := daemonSpec("r")
	if err := v.Freeze(t.Context(), spec, replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	h := hold(owning)
	_, ends := heldBack(t, f, h, spec)
	s, _ := open(t, c, spec)
	commit(t, s, chunk(10, 1, replay.Completed))
	s.Close()
	finds(t, v, "r", func(k replay.Known) bool { return k.State() == replay.Completed })
	forget(t, v, "r")
	close(h.let)
	if err := <-ends; !refusedFor(err, ItemRestart) {
		t.Errorf("it ends with %v", err)
	}
	keys := slices.DeleteFunc(left(t, f, "r"), func(key string) bool { return key == "replayd.checkpoints: r/barrier" })
	if len(keys) > 0 {
		t.Errorf("left are %v", keys)
	}
	s, _ = anew(t, v, "r")
	commit(t, s, chunk(10, 1, replay.Completed))
}

// TestASessionThatSleepsBeforeItTakesItsWordBackHarmsNoSuccessor: it gives way to a replay that began just before, and is forgotten for
// its silence; its id is used again, and then it takes back that it has begun.
func TestASessionThatSleepsBeforeItTakesItsWordBackHarmsNoSuccessor(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	first, second := hold(begins), hold(takenBack)
	second.armed.Store(true)
	c2 := connect(t, f, first, second)
	late := c2.Sink(Settings{})
	t.Cleanup(late.Close)
	first.armed.Store(true)
	ends := make(chan error, 1)
	go func() {
		_, err := late.Open(t.Context(), testSpec("r"))
		ends <- err
	}()
	<-first.reached
	winner, _ := open(t, c, testSpec("w"))
	commit(t, winner, of("w", chunk(10, 1, replay.Completed)))
	close(first.let)
	<-second.reached
	forgetUnbegun(t, v, "run")
	s, _ := anew(t, v, "r") // into the topic elsewhere
	commit(t, s, chunk(10, 1, replay.Completed))
	s.Close()
	finds(t, v, "r", func(k replay.Known) bool { return k.State() == replay.Completed })
	close(second.let)
	if err := <-ends; err == nil {
		t.Error("it begins")
	}
	if err := v.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if k, _ := v.Find("r"); k.State() != replay.Completed {
		t.Errorf("the next replay had completed, and is %s", k.State())
	}
	refusedIn(t, c, "elsewhere", daemonSpec("r"))
}
