package kafka

import (
	"errors"
	"strings"
	"testing"

	"replayd/replay"
)

func wantRefusal(t *testing.T, err error, item, says string) {
	t.Helper()
	var refusal *replay.Refusal
	if !errors.As(err, &refusal) || refusal.Item != item || !strings.Contains(err.Error(), says) {
		t.Fatalf("got %v, want a refusal %s: %s", err, item, says)
	}
}

// prepared is a session that has come as far as its preflight.
func prepared(t *testing.T, c *Cluster, id string, allow ...string) *Sink {
	t.Helper()
	s := c.Sink(Settings{Allow: allow})
	s.spec = testSpec(id)
	if err := s.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// TestOfTwoReplaysThatBeginAtOnceOneGoesOn begins two when the preflight of neither can see the other.
func TestOfTwoReplaysThatBeginAtOnceOneGoesOn(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	first, second := prepared(t, c, "a"), prepared(t, c, "b")
	if _, err := first.takeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := second.takeOver(t.Context())
	wantRefusal(t, err, ItemOverlap, "replay a has begun just before")
	commit(t, first, chunk(10, 1, replay.Completed))

	err = opens(t, c, Settings{}, testSpec("b"))
	wantRefusal(t, err, ItemOverlap, "replay a has put")
	again := c.Sink(Settings{Allow: replay.Allowed{ItemOverlap}})
	t.Cleanup(again.Close)
	if _, err := again.Open(t.Context(), testSpec("b")); err != nil {
		t.Fatal(err)
	}
	commit(t, again, chunk(10, 1, replay.Completed))
}

// TestOneThatWasKilledBeforeItGaveWayGivesWayLater cuts the session off between its word and the look at others'.
func TestOneThatWasKilledBeforeItGaveWayGivesWayLater(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	first, second := prepared(t, c, "a"), prepared(t, c, "b")
	if _, err := first.takeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := second.own(t.Context()); err != nil {
		t.Fatal(err)
	}
	second.Close() // before it looked at others
	err := opens(t, connect(t, f), Settings{}, testSpec("b"))
	wantRefusal(t, err, ItemOverlap, "replay a has begun just before")
}

// TestPreflightIsAskedAgainOfAReplayThatHasNotBegun kills one behind its spec; meanwhile another takes the topic.
func TestPreflightIsAskedAgainOfAReplayThatHasNotBegun(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	killed := prepared(t, c, "a")
	if _, err := c.freeze(t.Context(), killed.spec, killed.settings); err != nil {
		t.Fatal(err)
	}
	other, _ := open(t, c, testSpec("b"))
	commit(t, other, chunk(10, 1, replay.Completed))
	err := opens(t, connect(t, f), Settings{}, testSpec("a"))
	wantRefusal(t, err, ItemOverlap, "replay b has put")
}
