package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/replay"
)

// ended is a replay of a daemon's that has begun, with marks and an hour, and has ended.
func ended(t *testing.T, v *View, id string) {
	t.Helper()
	if err := v.Freeze(t.Context(), daemonSpec(id), replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	if err := v.Wish(t.Context(), id, running()); err != nil {
		t.Fatal(err)
	}
	s := v.cluster.Sink(Settings{Allow: replay.Allowed{ItemOverlap}})
	defer s.Close()
	if _, err := s.Open(t.Context(), daemonSpec(id)); err != nil {
		t.Fatal(err)
	}
	first := chunk(10, 1, replay.Running)
	first.Hours = []replay.HourRecord{{Version: 1, Hour: "2026-11-01T12Z", Digest: "x"}}
	commit(t, s, first)
	if err := v.Tell(t.Context(), replay.Live{Report: replay.Report{ID: id, State: replay.Running}}); err != nil {
		t.Fatal(err)
	}
	commit(t, s, chunk(10, 11, replay.Completed))
	finds(t, v, id, func(k replay.Known) bool { return k.State() == replay.Completed })
}

// left are the keys of the control topics that have a value and speak of a replay, but for what is to be left.
func left(t *testing.T, f *kfake.Cluster, id string) []string {
	t.Helper()
	var keys []string
	for _, topic := range []string{"replayd.config", "replayd.checkpoints", "replayd.status"} {
		newest := map[string]bool{}
		for _, r := range stable(t, f, topic) {
			newest[string(r.Key)] = r.Value != nil
		}
		for key, there := range newest {
			if there && strings.Contains("/"+key+"/", "/"+id+"/") && !strings.HasPrefix(key, "trace/") {
				keys = append(keys, topic+": "+key)
			}
		}
	}
	return keys
}

// stable are the records of a topic that no open transaction hides.
func stable(t *testing.T, f *kfake.Cluster, topic string) (all []*kgo.Record) {
	t.Helper()
	c := connect(t, f)
	for partition := range f.PartitionInfos(topic) {
		of := stretch{topic: topic, partition: int32(partition), level: kgo.ReadCommitted()}
		if _, err := c.readUpTo(t.Context(), of, func(r *kgo.Record) (bool, error) {
			all = append(all, r)
			return true, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestOnlyWhatHasEndedIsForgotten(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	if err := v.Forget(t.Context(), "r", ""); !errors.As(err, new(*NotEnded)) || !strings.Contains(err.Error(), "planned") {
		t.Errorf("one that is to begin: %v", err)
	}
	s, _ := open(t, c, daemonSpec("r"))
	commit(t, s, chunk(10, 1, replay.Paused))
	finds(t, v, "r", func(k replay.Known) bool { return k.State() == replay.Paused })
	if err := v.Forget(t.Context(), "r", ""); !errors.As(err, new(*NotEnded)) {
		t.Errorf("one that is paused: %v", err)
	}
	if err := v.Forget(t.Context(), "unknown", ""); !errors.As(err, new(*Unknown)) {
		t.Errorf("one that is not: %v", err)
	}
	commit(t, s, chunk(10, 11, replay.Completed)) // it has not been disturbed
}

func TestWhatIsForgottenLeavesNothingAndItsIDIsFree(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	ended(t, v, "r")
	ended(t, v, "r.2")
	loser := daemonSpec("r") // of a daemon that died before it took it back
	loser.Topic = "other"
	config(t, c, specKey("r", "loser"), string(encode(stored{Version: version, Spec: *loser})))
	until(t, "the loser to be read", func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		return len(v.registry.replays["r"].specs) == 2
	})
	if k, _ := v.Find("r"); k.Spec.Topic != "replay" {
		t.Errorf("the loser has won: %+v", k)
	}
	if n := len(left(t, f, "r")); n < 7 {
		t.Fatalf("there are only %v", left(t, f, "r"))
	}
	if err := v.Forget(t.Context(), "r", ""); err != nil {
		t.Fatal(err)
	}
	if keys := left(t, f, "r"); len(keys) > 0 {
		t.Errorf("left are %v", keys)
	}
	if _, ok := v.Find("r"); ok {
		t.Error("it is still known")
	}
	if k, _ := v.Find("r.2"); k.State() != replay.Completed {
		t.Errorf("the other is %+v", k)
	}
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
		t.Errorf("its id is not free: %v", err)
	}
	if err := v.Forget(t.Context(), "r.2", ""); err != nil {
		t.Fatal(err)
	}
	until(t, "nothing to be kept", func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		return len(v.progress) == 0 && len(v.registry.replays) == 1
	})
}

func TestOneThatWasCancelledBeforeItBeganIsForgotten(t *testing.T) {
	t.Parallel()
	f := fake(t)
	v := follow(t, connect(t, f))
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	if err := v.Wish(t.Context(), "r", replay.Wish{State: replay.Cancelled}); err != nil {
		t.Fatal(err)
	}
	if err := v.Forget(t.Context(), "r", ""); err != nil {
		t.Fatal(err)
	}
	if keys := left(t, f, "r"); len(keys) > 0 {
		t.Errorf("left are %v", keys)
	}
}

// TestAnIDThatIsFreedIsFreeAtEachDaemon freezes it again at another, whose checkpoints may still be those of the one before.
func TestAnIDThatIsFreedIsFreeAtEachDaemon(t *testing.T) {
	t.Parallel()
	f := fake(t)
	a, b := follow(t, connect(t, f)), follow(t, connect(t, f))
	for i := range 5 {
		id := fmt.Sprint("x", i)
		ended(t, a, id)
		finds(t, b, id, func(k replay.Known) bool { return k.State() == replay.Completed })
		if err := a.Forget(t.Context(), id, ""); err != nil {
			t.Fatal(err)
		}
		until(t, "the other to know", func() bool { _, ok := b.Find(id); return !ok })
		if err := b.Freeze(t.Context(), daemonSpec(id), replay.Start{}, replay.Wish{State: replay.Cancelled}); err != nil {
			t.Fatal(err)
		}
		if err := b.Forget(t.Context(), id, ""); err != nil {
			t.Fatal(err)
		}
		until(t, "the first to know", func() bool { _, ok := a.Find(id); return !ok })
	}
}

func TestWhatIsBeingForgottenIsNobodysToBegin(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	v := follow(t, c)
	ended(t, v, "r")
	config(t, c, forgetKey("r", ""), string(encode(forgetting{Version: version})))
	k := finds(t, v, "r", func(k replay.Known) bool { return k.Err != nil })
	_, stored := c.Stored(t.Context(), "r")
	for what, err := range map[string]error{
		"it is known with": k.Err, "a foreground session gets": stored,
		"a wish gets": v.Wish(t.Context(), "r", running()), "a start gets": v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()),
	} {
		if !errors.As(err, new(*BeingForgotten)) {
			t.Errorf("%s %v", what, err)
		}
		refusal := new(replay.Refusal)
		if !errors.As(err, &refusal) || refusal.Item != ItemRestart || !strings.HasPrefix(refusal.Next, "Forget it again") {
			t.Errorf("%s the refusal %+v", what, refusal)
		}
	}
}

// TestForgettingThatIsBrokenOffAnywhereIsFinishedLater cuts the daemon off from the broker at each record that it writes,
// before that is written and after. Nothing that is left may look like a new replay, neither to this program nor to one that
// does not know of forgetting.
func TestForgettingThatIsBrokenOffAnywhereIsFinishedLater(t *testing.T) {
	t.Parallel()
	writes := brokenOff(t, endedOn(t), 0, false)
	const fewest = 7 // the records of a transaction may go in one request or several
	if writes < fewest {
		t.Errorf("forgetting takes %d writes only", writes)
	}
	for _, written := range []bool{false, true} {
		for at := 1; at <= writes; at++ {
			t.Run(fmt.Sprintf("write %d, written %t", at, written), func(t *testing.T) {
				t.Parallel()
				f := endedOn(t)
				if n := brokenOff(t, f, at, written); n < min(at, fewest) {
					t.Fatalf("it ended with write %d", n)
				}
				finished(t, f)
			})
		}
	}
}

// endedOn is a broker on which replay r has ended.
func endedOn(t *testing.T) *kfake.Cluster {
	t.Helper()
	f := fake(t)
	ended(t, follow(t, connect(t, f)), "r")
	return f
}

// dying reports whether a replay is being forgotten.
func dying(v *View, id string) bool {
	k, _ := v.Find(id)
	return errors.As(k.Err, new(*BeingForgotten))
}

// held is a client's hook that holds back who does one thing, once it is armed, until it is let go.
type held struct {
	at      func(what any) bool // of *kgo.Client that is made, *kgo.Record that is to be written
	armed   atomic.Bool
	reached chan struct{}
	let     chan struct{}
}

func hold(at func(what any) bool) *held {
	return &held{at: at, reached: make(chan struct{}), let: make(chan struct{})}
}

func (h *held) OnNewClient(c *kgo.Client) { h.meet(c) }

func (h *held) OnProduceRecordBuffered(r *kgo.Record) { h.meet(r) }

func (h *held) meet(what any) {
	if h.at(what) && h.armed.CompareAndSwap(true, false) {
		close(h.reached)
		<-h.let
	}
}

// TestADaemonThatForgetsSlowlyLeavesTheNextReplayOfThatIDAlone: another has finished it, and the id has been used again since. It
// is held back before it owns the replay, also with a view that is behind then, and behind its checkpoints.
func TestADaemonThatForgetsSlowlyLeavesTheNextReplayOfThatIDAlone(t *testing.T) {
	t.Parallel()
	owning := func(what any) bool { _, ok := what.(*kgo.Client); return ok }
	deleting := func(what any) bool {
		r, ok := what.(*kgo.Record)
		return ok && string(r.Key) == progressKey("r")
	}
	for _, c := range []struct {
		what   string
		at     func(any) bool
		behind bool
	}{{"before it owns it", owning, false}, {"behind, before it owns it", owning, true}, {"behind the checkpoints", deleting, false}} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			f := endedOn(t)
			h := hold(c.at)
			connected := connect(t, f, h)
			slow, quick := follow(t, connected), follow(t, connect(t, f))
			h.armed.Store(true)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- slow.Forget(ctx, "r", "") }()
			<-h.reached
			if c.behind {
				slow.Close()
			}
			until(t, "the other to know", func() bool { return dying(quick, "r") })
			forget(t, quick, "r")
			s, _ := anew(t, quick, "r")
			commit(t, s, chunk(30, 1, replay.Completed))
			s.Close()
			before := slices.Sorted(slices.Values(left(t, f, "r")))
			if c.behind { // it cannot know any more, and waits for that
				time.AfterFunc(2*time.Second, cancel)
			}
			close(h.let)
			if err := <-ended; (err != nil) != c.behind {
				t.Error(err)
			}
			if after := slices.Sorted(slices.Values(left(t, f, "r"))); !slices.Equal(after, before) {
				t.Errorf("of the next one are left\n%s\nof\n%s", after, before)
			}
			if n := len(traces(t, quick.cluster, "r")); n != 1 {
				t.Errorf("there are %d traces", n)
			}
		})
	}
}

// finished forgets what was left half forgotten.
func finished(t *testing.T, f *kfake.Cluster) {
	t.Helper()
	c := connect(t, f)
	notNew(t, f, c)
	v := follow(t, c)
	if k, ok := v.Find("r"); ok {
		if k.State() != replay.Completed && k.Err == nil {
			t.Errorf("it is %+v", k)
		}
		if err := v.Forget(t.Context(), "r", ""); err != nil {
			t.Errorf("it is not finished: %v", err)
		}
	}
	if keys := left(t, f, "r"); len(keys) > 0 {
		t.Errorf("finished it leaves %v", keys)
	}
	if tr := traces(t, c, "r"); len(tr) != 1 || tr[0].Produced == nil || *tr[0].Produced != 20 {
		t.Errorf("its traces are %+v", tr)
	}
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
		t.Errorf("its id is not free: %v", err)
	}
}

// brokenOff forgets at a daemon that dies at the at-th produce request, which the broker gets (written) or not; at 0 at none.
// It returns how many there were.
func brokenOff(t *testing.T, f *kfake.Cluster, at int, written bool) int {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c, err := Connect(ctx, Options{Brokers: f.ListenAddrs(), GiveUp: time.Minute, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	v := follow(t, c)
	var writes atomic.Int64
	f.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		if writes.Add(1) != int64(at) {
			return nil, nil, false
		}
		cancel()
		return nil, errors.New("died"), !written
	})
	defer f.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) { return nil, nil, false })
	err = v.Forget(ctx, "r", "")
	if err != nil && ctx.Err() == nil {
		t.Fatalf("write %d: %v", at, err)
	}
	return int(writes.Load())
}

// notNew fails when a session would take the replay for one that has not begun.
func notNew(t *testing.T, f *kfake.Cluster, c *Cluster) {
	t.Helper()
	keys := strings.Join(left(t, f, "r"), "\n")
	known, err := c.Stored(t.Context(), "r")
	if err == nil && (known == nil && keys != "" || known != nil && !known.Begun()) {
		t.Errorf("it looks new, and there are\n%s", keys)
	}
	old := newRegistry(zerolog.Nop()) // of a program that does not know of forgetting
	for _, r := range stable(t, f, "replayd.config") {
		if !strings.HasPrefix(string(r.Key), "forget/") {
			old.apply(r)
		}
	}
	if of := old.replays["r"]; of != nil && of.started.absent() {
		t.Errorf("to an older replayd it looks new, and there are\n%s", keys)
	}
	if old.replays["r"] == nil && strings.Contains(keys, "r/checkpoint") {
		t.Errorf("to an older replayd its id is free, and there are\n%s", keys)
	}
}

// TestWhatIsLostIsForgottenAndStartedAnewOnlyInSight loses each part of what a replay is continued by. It is listed with what is
// lost and takes no wishes. Forgotten it leaves nothing; and its id, started anew, is refused for the events that stand there.
func TestWhatIsLostIsForgottenAndStartedAnewOnlyInSight(t *testing.T) {
	t.Parallel()
	drop := func(topic string) func(*testing.T, *Cluster) {
		return func(t *testing.T, c *Cluster) {
			if _, err := c.admin.DeleteTopic(t.Context(), topic); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, lose := range []struct {
		what, says string
		do         func(*testing.T, *Cluster)
	}{
		{"the checkpoint topic", "replayd.checkpoints was deleted and made anew", drop("replayd.checkpoints")},
		{"the config topic", "replayd.config was deleted or emptied", drop("replayd.config")},
		{"the checkpoints", "replayd.checkpoints was emptied", func(t *testing.T, c *Cluster) {
			at, ends := partitionOf([]byte("r"), 16), kadm.Offsets{}
			list, err := c.admin.ListEndOffsets(t.Context(), "replayd.checkpoints")
			if err != nil {
				t.Fatal(err)
			}
			end, _ := list.Lookup("replayd.checkpoints", at)
			ends.AddOffset("replayd.checkpoints", at, end.Offset, -1)
			deleted, err := c.admin.DeleteRecords(t.Context(), ends)
			if err = errors.Join(err, deleted.Error()); err != nil {
				t.Fatal(err)
			}
		}},
		{"the spec", "replayd.config was emptied", func(t *testing.T, c *Cluster) {
			all, err := c.registry(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for part := range all.replays["r"].specs {
				if err := c.writeConfig(t.Context(), specKey("r", part), nil); err != nil {
					t.Fatal(err)
				}
			}
		}},
	} {
		t.Run(lose.what, func(t *testing.T) {
			t.Parallel()
			f := fake(t)
			c := connect(t, f)
			s := begun(t, c, "r")
			commit(t, s, chunk(30, 1, replay.Running))
			s.Close()
			lose.do(t, c)
			v := follow(t, connect(t, f))
			k := finds(t, v, "r", func(k replay.Known) bool { return k.Err != nil })
			refusedRestart(t, k.Err, lose.says)
			if err := v.Wish(t.Context(), "r", running()); err == nil {
				t.Error("it takes wishes")
			}
			if err := v.Forget(t.Context(), "r", ""); err != nil {
				t.Fatal(err)
			}
			if keys := left(t, f, "r"); len(keys) > 0 {
				t.Errorf("left are %v", keys)
			}
			if _, ok := v.Find("r"); ok {
				t.Error("it is still known")
			}
			if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
				t.Fatalf("its id is not free: %v", err)
			}
			err := opens(t, c, Settings{Allow: replay.Allowed{ItemOverlap, ItemRestart}}, daemonSpec("r"))
			refusedRestart(t, err, "events of forgotten replay r")
		})
	}
}

// TestWordThatOneHasStartedWhichWasForgottenIsForgottenAgain is of a session that had made a beginning when the replay, which
// had been cancelled before it began, was forgotten elsewhere: its word came last.
func TestWordThatOneHasStartedWhichWasForgottenIsForgottenAgain(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	config(t, c, startedKey("r"), string(encode(started{Version: version, CheckpointTopicID: v.ids["replayd.checkpoints"]})))
	k := finds(t, v, "r", func(k replay.Known) bool { return k.Err != nil })
	refusedRestart(t, k.Err, "replayd forget r")
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err == nil {
		t.Error("its id is free before")
	}
	other := follow(t, connect(t, f))
	if err := other.Forget(t.Context(), "r", ""); err != nil {
		t.Fatal(err)
	}
	until(t, "the other to know", func() bool { _, ok := v.Find("r"); return !ok })
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
		t.Errorf("its id is not free: %v", err)
	}
	open(t, c, daemonSpec("r"))
}

// TestWhatANewerReplaydWroteIsNotForgotten has a spec that this program cannot read.
func TestWhatANewerReplaydWroteIsNotForgotten(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	config(t, c, specKey("r", "x"), `{"version":2}`)
	v := follow(t, c)
	if err := v.Forget(t.Context(), "r", ""); !errors.As(err, new(*errNewer)) {
		t.Errorf("got %v", err)
	}
}

// TestASessionOfWhatWasForgottenBeginsNothing opens the sink of a replay that was cancelled and forgotten since a daemon read of
// it, and another's that is forgotten while it opens: behind its beginning, before its first event.
func TestASessionOfWhatWasForgottenBeginsNothing(t *testing.T) {
	t.Parallel()
	f := fake(t)
	v := follow(t, connect(t, f))
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	k, _ := v.Find("r")
	if err := v.Wish(t.Context(), "r", replay.Wish{State: replay.Cancelled}); err != nil {
		t.Fatal(err)
	}
	if err := v.Forget(t.Context(), "r", ""); err != nil {
		t.Fatal(err)
	}
	s := v.cluster.Sink(Settings{Audited: true})
	defer s.Close()
	_, err := s.Open(t.Context(), &k.Spec)
	refusedRestart(t, err, "forgotten meanwhile")
	if keys := left(t, f, "r"); len(keys) > 0 {
		t.Errorf("it leaves %v", keys)
	}
	if k, ok := v.Find("r"); ok {
		t.Errorf("it is known again: %s, wished %+v", k.State(), k.Wish)
	}
}
