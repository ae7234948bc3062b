package kafka

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"replayd/replay"
)

func refusedRestart(t *testing.T, err error, says string) {
	t.Helper()
	var refusal *replay.Refusal
	if !errors.As(err, &refusal) || refusal.Item != ItemRestart || !strings.Contains(err.Error(), says) {
		t.Errorf("got %v", err)
	}
}

func TestATargetThatIsMadeAnewDuringASessionEndsIt(t *testing.T) {
	t.Parallel()
	for _, state := range []replay.State{replay.Running, replay.Completed} {
		t.Run(string(state), func(t *testing.T) {
			f := fake(t)
			c := connect(t, f)
			s, _ := open(t, c, testSpec("r"))
			commit(t, s, chunk(30, 1, replay.Running))
			if _, err := c.admin.DeleteTopic(t.Context(), "replay"); err != nil {
				t.Fatal(err)
			}
			if _, err := c.admin.CreateTopic(t.Context(), 3, 1, nil, "replay"); err != nil {
				t.Fatal(err)
			}
			refusedRestart(t, s.Commit(t.Context(), chunk(30, 31, state)), "made anew")
		})
	}
}

func TestALostConfigTopicIsNotTakenForANewReplay(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	s, _ := open(t, c, testSpec("r"))
	commit(t, s, chunk(10, 1, replay.Running))
	s.Close()
	if _, err := c.admin.DeleteTopic(t.Context(), "replayd.config"); err != nil {
		t.Fatal(err)
	}
	other := testSpec("r")
	other.Window.From = other.Window.From.Add(1)
	_, err := connect(t, f).Sink(Settings{}).Open(t.Context(), other)
	refusedRestart(t, err, "know of none")
}

// TestLostControlTopicsAreNoticedByWhatStandsInTheTarget loses all that tells of a replay.
func TestLostControlTopicsAreNoticedByWhatStandsInTheTarget(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	s, _ := open(t, c, testSpec("r"))
	commit(t, s, chunk(30, 1, replay.Running))
	s.Close()
	for _, topic := range []string{"replayd.config", "replayd.checkpoints"} {
		if _, err := c.admin.DeleteTopic(t.Context(), topic); err != nil {
			t.Fatal(err)
		}
	}
	err := opens(t, connect(t, f), Settings{Allow: replay.Allowed{ItemRestart}}, testSpec("r"))
	refusedRestart(t, err, "know of none")
	err = opens(t, connect(t, f), Settings{}, testSpec("other"))
	wantRefusal(t, err, ItemOverlap, "events of unknown replay r")
	if err = opens(t, connect(t, f), Settings{Allow: replay.Allowed{ItemOverlap}}, testSpec("other")); err != nil {
		t.Error(err)
	}
}

func TestACheckpointTopicThatIsMadeAnewDuringASessionEndsIt(t *testing.T) {
	t.Parallel()
	for _, commits := range []int{0, 1} {
		t.Run(fmt.Sprint(commits, " commits before"), func(t *testing.T) {
			f := fake(t)
			c := connect(t, f)
			s, _ := open(t, c, testSpec("r"))
			seq := int64(1)
			for range commits {
				commit(t, s, chunk(30, seq, replay.Running))
				seq += 30
			}
			if _, err := c.admin.DeleteTopic(t.Context(), "replayd.checkpoints"); err != nil {
				t.Fatal(err)
			}
			if _, err := connect(t, f).ensureControlTopics(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.producer.close() // as a cut connection would end it
			s.producer = nil
			refusedRestart(t, s.Commit(t.Context(), chunk(30, seq, replay.Running)), "made anew")
		})
	}
}

// TestAReplayWhoseTargetIsLostCanBeEnded does it after its topic was deleted, was made anew, and under an answer that gets lost.
func TestAReplayWhoseTargetIsLostCanBeEnded(t *testing.T) {
	t.Parallel()
	for _, anew := range []bool{false, true} {
		t.Run(fmt.Sprintf("made anew %t", anew), func(t *testing.T) {
			f := fake(t)
			c := connect(t, f)
			s, _ := open(t, c, testSpec("r"))
			commit(t, s, chunk(30, 1, replay.Running))
			s.Close()
			if _, err := c.admin.DeleteTopic(t.Context(), "replay"); err != nil {
				t.Fatal(err)
			}
			if anew {
				if _, err := c.admin.CreateTopic(t.Context(), 3, 1, nil, "replay"); err != nil {
					t.Fatal(err)
				}
			}
			err := opens(t, c, Settings{}, testSpec("r"))
			refusedRestart(t, err, "replayd forget r")

			last := c.Sink(Settings{Ends: true, Create: true})
			defer last.Close()
			if _, err := last.Open(t.Context(), testSpec("r")); err != nil {
				t.Fatal(err)
			}
			if err := last.Commit(t.Context(), chunk(1, 31, replay.Running)); !errors.Is(err, errOnlyEnds) {
				t.Errorf("called back it goes on: %v", err)
			}
			last.producer.close() // as a cut connection would end it: the log is asked
			last.producer = nil
			commit(t, last, chunk(0, 31, replay.Cancelled))
			known, err := c.Stored(t.Context(), "r")
			if err != nil {
				t.Fatal(err)
			}
			r, err := c.Finished(t.Context(), known)
			if err != nil || r == nil || r.State != replay.Cancelled || r.Produced != 30 || r.Sessions != 2 {
				t.Errorf("it ended as %+v, %v", r, err)
			}
			if exists, err := c.topicExists(t.Context(), "replay"); err != nil || exists != anew {
				t.Errorf("the topic is there: %v, %v", exists, err)
			}
		})
	}
}

// TestWhatHasNotBegunIsNotEndedInSilence has nothing that could be ended, or no more.
func TestWhatHasNotBegunIsNotEndedInSilence(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	s, _ := open(t, c, testSpec("r"))
	commit(t, s, chunk(30, 1, replay.Running))
	s.Close()
	if _, err := c.admin.DeleteTopic(t.Context(), "replayd.checkpoints"); err != nil {
		t.Fatal(err)
	}
	err := opens(t, connect(t, f), Settings{Ends: true}, testSpec("r"))
	refusedRestart(t, err, "made anew")
	err = opens(t, c, Settings{Ends: true}, testSpec("other"))
	refusedRestart(t, err, "nothing to end")
	if known, err := c.Stored(t.Context(), "other"); known != nil || err != nil {
		t.Errorf("it was frozen: %+v, %v", known, err)
	}
}
