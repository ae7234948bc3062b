package kafka

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"replayd/replay"
)

// TestATopicThatIsMissingForLongIsDeleted: brokers that come up may hide one for a while.
func TestATopicThatIsMissingForLongIsDeleted(t *testing.T) {
	t.Parallel()
	v := &View{cluster: &Cluster{}, registry: newRegistry(zerolog.Nop()), changed: make(chan struct{}), moved: make(chan struct{})}
	missing, began := &replay.Refusal{Item: ItemRestart, What: "it was deleted"}, time.Now()
	for _, look := range []struct {
		after time.Duration
		err   error
		gone  bool
	}{
		{0, nil, false},
		{time.Second, missing, false},
		{30 * time.Second, missing, false},
		{31 * time.Second, nil, false},
		{40 * time.Second, missing, false},
		{60 * time.Second, errors.New("no answer"), false},
		{75 * time.Second, missing, false},
		{100 * time.Second, missing, false},
		{105 * time.Second, missing, true},
		{106 * time.Second, nil, true},
	} {
		changed := v.Changed()
		v.seen(began.Add(look.after), look.err)
		if gone := v.Gone() != nil; gone != look.gone {
			t.Errorf("after %s: gone is %v", look.after, gone)
		}
		select {
		case <-changed:
		default:
			if look.after == 105*time.Second {
				t.Error("nobody is told that it is gone")
			}
		}
	}
}

// TestAnAuditThatIsLostIsSaid until the daemon is started anew: what was done before is in no other place.
func TestAnAuditThatIsLostIsSaid(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	s, _ := open(t, c, daemonSpec("r"))
	if _, err := c.admin.DeleteTopic(t.Context(), "replayd.audit"); err != nil {
		t.Fatal(err)
	}
	until(t, "the deletion to be noticed", func() bool { return v.Ready() != nil })
	refusedRestart(t, v.Ready(), "replayd.audit was deleted")
	refusedRestart(t, v.Audit(t.Context(), replay.Audited{Act: "pause"}), "nothing that somebody asks for is done")

	var log lines
	second, err := Connect(t.Context(), Options{Brokers: f.ListenAddrs(), Log: zerolog.New(&log)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(second.Close)
	other := follow(t, second)
	if log.count("replayd.audit") != 1 || log.count("made anew") != 1 {
		t.Errorf("the daemon that makes it anew says %s", log.all())
	}
	if err := other.Audit(t.Context(), replay.Audited{Act: "pause"}); err != nil {
		t.Errorf("it writes no audit: %v", err)
	}

	until(t, "the other topic to be noticed", func() bool { return strings.Contains(v.Ready().Error(), "made anew") })
	refusedRestart(t, v.Audit(t.Context(), replay.Audited{Act: "pause"}), "start the daemons anew")
	if n := len(consumed(t, f, "replayd.audit")); n != 1 {
		t.Errorf("%d acts are in the new one", n)
	}
	commit(t, s, chunk(10, 1, replay.Completed))
	finds(t, v, "r", func(k replay.Known) bool { return k.State() == replay.Completed })
}

// TestAnAuditThatComesBackIsNoTrouble has one that was only hidden.
func TestAnAuditThatComesBackIsNoTrouble(t *testing.T) {
	t.Parallel()
	v := follow(t, connect(t, fake(t)))
	v.mu.Lock()
	v.noAudit = v.cluster.controlLost("replayd.audit", "deleted")
	v.mu.Unlock()
	until(t, "the topic to be seen again", func() bool { return v.Ready() == nil })
}

// TestControlTopicsThatAreMadeForTheFirstTimeAreNoLoss has a new cluster.
func TestControlTopicsThatAreMadeForTheFirstTimeAreNoLoss(t *testing.T) {
	t.Parallel()
	var log lines
	c, err := Connect(t.Context(), Options{Brokers: fake(t).ListenAddrs(), Log: zerolog.New(&log)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	follow(t, c)
	if log.count("made anew") != 0 {
		t.Errorf("it says %s", log.all())
	}
}

func (l *lines) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
