package kafka

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// hoursLater is the window of daemonSpec and testSpec, so many hours later.
func hoursLater(n int, s *replay.Spec) *replay.Spec {
	s.Window.From, s.Window.To = s.Window.From.Add(time.Duration(n)*time.Hour), s.Window.To.Add(time.Duration(n)*time.Hour)
	return s
}

// of is a chunk of a replay's own.
func of(id string, c *replay.Chunk) *replay.Chunk {
	for i := range c.Records {
		c.Records[i].Headers[0].Value = []byte(id)
	}
	return c
}

// cancelled is a daemon's replay that somebody has cancelled when it had put events into its topic.
func cancelled(t *testing.T, v *View, spec *replay.Spec, events int) {
	t.Helper()
	if err := v.Freeze(t.Context(), spec, replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	s := v.cluster.Sink(Settings{})
	defer s.Close()
	if _, err := s.Open(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	commit(t, s, of(spec.ID, chunk(events, 1, replay.Cancelled)))
	finds(t, v, spec.ID, func(k replay.Known) bool { return k.State() == replay.Cancelled })
}

func forget(t *testing.T, v *View, id string) {
	t.Helper()
	if err := v.Forget(t.Context(), id, ""); err != nil {
		t.Fatal(err)
	}
}

// traces are those of a replay that stand in the config topic.
func traces(t *testing.T, c *Cluster, id string) (list []trace) {
	t.Helper()
	all, err := c.registry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for of, tr := range all.traces {
		if of.replay == id {
			list = append(list, *tr.value)
		}
	}
	return list
}

// theTrace is the key of the only trace of a replay.
func theTrace(t *testing.T, c *Cluster, id string) (key string) {
	t.Helper()
	all, err := c.registry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for of := range all.traces {
		if of.replay == id && key == "" {
			key = traceKey(of)
		} else if of.replay == id {
			t.Fatalf("%s has several traces", id)
		}
	}
	return key
}

// TestItWasTheWrongWindow cancels a replay and forgets it. The right window passes then, and more behind it; that of the mistake
// does not, whatever was put there since.
func TestItWasTheWrongWindow(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	cancelled(t, v, daemonSpec("mistake"), 30)
	forget(t, v, "mistake")
	again := func() {
		t.Helper()
		wantRefusal(t, opens(t, c, Settings{}, testSpec("again")), ItemOverlap,
			"forgotten replay mistake has put events of 2026-11-01T12:00:00Z to 2026-11-01T13:00:00Z into topic replay: those of this window would stand there twice (it was forgotten at 20")
	}
	again()
	refusedRestart(t, opens(t, c, Settings{Allow: replay.Allowed{ItemRestart}}, hoursLater(3, testSpec("mistake"))), "events of forgotten replay mistake: nobody could tell")
	for i := range 3 {
		s, _ := open(t, c, hoursLater(i+1, testSpec(fmt.Sprint("right", i))))
		commit(t, s, of(s.spec.ID, chunk(30, 1, replay.Completed)))
	}
	again()
	if err := opens(t, c, Settings{Allow: replay.Allowed{ItemOverlap}}, testSpec("allowed")); err != nil {
		t.Error(err)
	}
	for _, k := range follow(t, connect(t, f)).All() {
		if k.Spec.ID == "mistake" || k.Err != nil {
			t.Errorf("listed is %+v", k)
		}
	}
}

// TestAnIDThatWasForgottenTwiceIsRememberedForBoth windows.
func TestAnIDThatWasForgottenTwiceIsRememberedForBoth(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	v := follow(t, c)
	cancelled(t, v, daemonSpec("r"), 30)
	forget(t, v, "r")
	s, _ := open(t, c, hoursLater(4, testSpec("between"))) // else the id is refused, for its events are the newest
	commit(t, s, of("between", chunk(200, 1, replay.Completed)))
	cancelled(t, v, hoursLater(2, daemonSpec("r")), 30)
	forget(t, v, "r")
	if n := len(traces(t, c, "r")); n != 2 {
		t.Errorf("it has %d traces", n)
	}
	for hours, refused := range []bool{true, false, true, false} {
		findings, err := c.Preflight(t.Context(), hoursLater(hours, testSpec("other")), Settings{})
		if err != nil {
			t.Fatal(err)
		}
		if err := Refusals(findings, nil); (err != nil) != refused {
			t.Errorf("%d hours later: %v", hours, err)
		}
	}
	both := testSpec("both")
	both.Window.To = both.Window.To.Add(24 * time.Hour)
	wantRefusal(t, opens(t, c, Settings{}, both), ItemOverlap, "and so have 1 more before it")
}

// TestAForgottenReplayThatPutNothingThereIsInNobodysWay, though records of it stand in the topic, which were aborted.
func TestAForgottenReplayThatPutNothingThereIsInNobodysWay(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	cancelled(t, v, daemonSpec("r"), 0)
	client, err := kgo.NewClient(kgo.SeedBrokers(f.ListenAddrs()...), kgo.TransactionalID("killed"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	aborted := &kgo.Record{Topic: "replay", Headers: []kgo.RecordHeader{{Key: "replay-id", Value: []byte("r")}}}
	err = errors.Join(client.BeginTransaction(), client.ProduceSync(t.Context(), aborted).FirstErr(), client.EndTransaction(t.Context(), kgo.TryAbort))
	if err != nil {
		t.Fatal(err)
	}
	forget(t, v, "r")
	s, _ := open(t, c, testSpec("other"))
	commit(t, s, chunk(30, 1, replay.Completed))
}

// TestAReplayThatNeverBeganLeavesNoTrace.
func TestAReplayThatNeverBeganLeavesNoTrace(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	v := follow(t, c)
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, replay.Wish{State: replay.Cancelled}); err != nil {
		t.Fatal(err)
	}
	forget(t, v, "r")
	if n := len(traces(t, c, "r")); n > 0 {
		t.Errorf("it has %d", n)
	}
}

// TestATraceOfOneThatIsLostSaysThatItMayHaveProduced, also when the daemon died that began to forget it.
func TestATraceOfOneThatIsLostSaysThatItMayHaveProduced(t *testing.T) {
	t.Parallel()
	for _, broken := range []bool{false, true} {
		t.Run(fmt.Sprint("broken off ", broken), func(t *testing.T) {
			t.Parallel()
			f := fake(t)
			c := connect(t, f)
			s := begun(t, c, "r")
			commit(t, s, chunk(30, 1, replay.Running))
			s.Close()
			if _, err := c.admin.DeleteTopic(t.Context(), "replayd.checkpoints"); err != nil {
				t.Fatal(err)
			}
			v := follow(t, connect(t, f))
			finds(t, v, "r", func(k replay.Known) bool { return k.Err != nil })
			if broken {
				if n := brokenOff(t, f, 1, true); n != 1 {
					t.Fatalf("it ended with write %d", n)
				}
				v = follow(t, connect(t, f))
			}
			forget(t, v, "r")
			wantRefusal(t, opens(t, c, Settings{}, testSpec("other")), ItemOverlap, "forgotten replay r may have put events")
			open(t, c, hoursLater(1, testSpec("right")))
		})
	}
}

// TestATraceCountsOnceItsReplayIsForgotten: before, the replay itself is what is refused.
func TestATraceCountsOnceItsReplayIsForgotten(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	cancelled(t, v, daemonSpec("r"), 30)
	brokenOff(t, f, 3, true) // behind its intent, the barrier of its session, and the trace
	if n := len(traces(t, c, "r")); n != 1 {
		t.Fatalf("there are %d traces", n)
	}
	all, err := c.registry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if topicID := traces(t, c, "r")[0].TopicID; len(all.before(testSpec("x").Window, topicID, reach{})) > 0 {
		t.Error("it is told as forgotten, and it is known")
	}
}

// TestATraceGoesWithItsTopic: what was there went with it. One that is not there for a moment is not gone.
func TestATraceGoesWithItsTopic(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	v := follow(t, c)
	cancelled(t, v, daemonSpec("r"), 30)
	forget(t, v, "r")
	if _, err := c.admin.DeleteTopic(t.Context(), "replay"); err != nil {
		t.Fatal(err)
	}
	cancelled(t, v, func() *replay.Spec { // into another, which is made by it
		if _, err := c.admin.CreateTopic(t.Context(), 1, 1, nil, "other"); err != nil {
			t.Fatal(err)
		}
		s := daemonSpec("second")
		s.Topic = "other"
		return s
	}(), 30)
	forget(t, v, "second")
	if len(traces(t, c, "r")) != 1 {
		t.Error("it is gone at the first look at which its topic is not there")
	}
	if _, err := c.admin.CreateTopic(t.Context(), 3, 1, nil, "replay"); err != nil {
		t.Fatal(err)
	}
	cancelled(t, v, daemonSpec("third"), 30) // the same window passes
	forget(t, v, "third")
	if len(traces(t, c, "r")) != 0 {
		t.Error("it stays when another topic has the name")
	}
	if len(traces(t, c, "second")) != 1 || len(traces(t, c, "third")) != 1 {
		t.Error("others have gone, too")
	}
}

// TestWhatANewerReplaydLeftAsATraceIsMetByName, and one that was overwritten with rubbish counts as it was.
func TestWhatANewerReplaydLeftAsATraceIsMetByName(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	cancelled(t, v, daemonSpec("r"), 30)
	forget(t, v, "r")
	key := theTrace(t, c, "r")
	config(t, c, key, "rubbish", "trace/none/x", `{"version":1}`, "trace/none/y", "rubbish")
	wantRefusal(t, opens(t, c, Settings{}, testSpec("other")), ItemOverlap, "forgotten replay r has put")
	open(t, c, hoursLater(1, testSpec("right")))
	config(t, c, key, newer)
	for _, topic := range []string{"replay", "absent"} {
		spec := hoursLater(2, testSpec("other"))
		spec.Topic = topic
		if _, err := c.Preflight(t.Context(), spec, Settings{Create: true, Partitions: 3}); err == nil || !strings.Contains(err.Error(), "version 99") {
			t.Errorf("topic %s: got %v", topic, err)
		}
	}
	if err := follow(t, connect(t, f)).Ready(); err != nil {
		t.Errorf("what is known cannot be told: %v", err)
	}
}

// TestOneThatBeganAndWasForgottenSinceOneLookedIsGivenWayTo: preflight saw nothing of it, and there is nothing of it any more.
func TestOneThatBeganAndWasForgottenSinceOneLookedIsGivenWayTo(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	v := follow(t, c)
	slow, other := prepared(t, c, "slow"), prepared(t, c, "other")
	other.spec = hoursLater(2, testSpec("other"))
	cancelled(t, v, daemonSpec("r"), 30)
	forget(t, v, "r")
	_, err := slow.takeOver(t.Context())
	wantRefusal(t, err, ItemOverlap, "forgotten replay r has put")
	if known, err := c.Stored(t.Context(), "slow"); err != nil || known.Begun() {
		t.Errorf("it does not take its word back: %+v, %v", known, err)
	}
	if _, err := other.takeOver(t.Context()); err != nil {
		t.Errorf("one of another window: %v", err)
	}
}

// TestAnUnknownReplayMayHaveBeenForgotten by a replayd that left no trace.
func TestAnUnknownReplayMayHaveBeenForgotten(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	v := follow(t, c)
	cancelled(t, v, daemonSpec("r"), 30)
	forget(t, v, "r")
	config(t, c, theTrace(t, c, "r"), "")
	err := opens(t, c, Settings{}, hoursLater(1, testSpec("other")))
	wantRefusal(t, err, ItemOverlap, "events of unknown replay r")
	wantRefusal(t, err, ItemOverlap, "since it was forgotten by an older replayd")
}

// TestMoreTracesThanAreKeptAreSaid before anything is deleted.
func TestMoreTracesThanAreKeptAreSaid(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	v := follow(t, c)
	cancelled(t, v, daemonSpec("r"), 30)
	detail, err := c.topicDetail(t.Context(), "replay")
	if err != nil {
		t.Fatal(err)
	}
	v.mu.Lock()
	for i := range mostTraces {
		v.registry.traces[traceID{replay: fmt.Sprint(i)}] = &register[trace]{value: &trace{Topic: "replay", TopicID: detail.ID.String()}}
	}
	v.mu.Unlock()
	conflict := new(replay.Conflict)
	if err := v.Forget(t.Context(), "r", ""); !errors.As(err, &conflict) || !strings.Contains(err.Error(), "traces of 50000 replays") {
		t.Errorf("got %v", err)
	}
	if k, ok := v.Find("r"); !ok || k.Err != nil {
		t.Errorf("it is %+v", k)
	}
}

// TestTracesAreReadUpToALimit, beyond which nothing is begun.
func TestTracesAreReadUpToALimit(t *testing.T) {
	t.Parallel()
	r := newRegistry(zerolog.Nop())
	value := encode(trace{Version: version, Topic: "x", TopicID: "id"})
	for i := range tracesRead + 1 {
		if r.full {
			t.Fatalf("full with %d", i)
		}
		r.apply(&kgo.Record{Topic: "replayd.config", Key: fmt.Appendf(nil, "trace/%d/x", i), Value: value})
	}
	if !r.full || len(r.traces) != tracesRead || len(r.replays) > 0 {
		t.Errorf("%d are kept, and %d replays: full %t", len(r.traces), len(r.replays), r.full)
	}
}
