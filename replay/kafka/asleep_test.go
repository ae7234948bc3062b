package kafka

import (
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
	"replayd/replay/pace"
)

// successor is a replay that gets the id r from one that is forgotten, and how far it is then.
type successor struct {
	what   string
	before func(*testing.T, *View)                                // the one that is forgotten
	next   func(*testing.T, *View) (end func(t *testing.T) *Sink) // what lets it go on to its end
}

// alike is a foreground replay with the spec of the one before it, and runs.
var alike = successor{
	"with the same spec", func(t *testing.T, v *View) {
		t.Helper()
		s, _ := open(t, v.cluster, testSpec("r"))
		commit(t, s, chunk(30, 1, replay.Completed))
		s.Close()
		between, _ := open(t, v.cluster, hoursLater(4, testSpec("between"))) // else the id is refused, for its events are the newest
		commit(t, between, of("between", chunk(200, 1, replay.Completed)))
		between.Close()
	}, func(t *testing.T, v *View) func(*testing.T) *Sink {
		t.Helper()
		s := v.cluster.Sink(Settings{Allow: replay.Allowed{ItemOverlap}})
		t.Cleanup(s.Close)
		if _, err := s.Open(t.Context(), testSpec("r")); err != nil {
			t.Fatal(err)
		}
		commit(t, s, chunk(10, 1, replay.Running))
		if err := v.Tell(t.Context(), replay.Live{Report: replay.Report{ID: "r", State: replay.Running}}); err != nil {
			t.Fatal(err)
		}
		return func(*testing.T) *Sink { return s }
	},
}

// unlike is a daemon's of something else, of which people have wanted all that can be, and has not begun.
var unlike = successor{
	"with another spec", func(t *testing.T, v *View) {
		t.Helper()
		ended(t, v, "r")
	}, func(t *testing.T, v *View) func(*testing.T) *Sink {
		t.Helper()
		spec := hoursLater(3, daemonSpec("r"))
		spec.Topic = "elsewhere"
		w := running()
		w.Waits = true
		ctx, by, slow := t.Context(), replay.Signed{By: "bert"}, pace.Default()
		if err := slow.UnmarshalText([]byte("7/s")); err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{
			v.Freeze(ctx, spec, replay.Start{By: "anna"}, w), v.Approve(ctx, "r", by), v.SetPace(ctx, "r", replay.PaceWish{Signed: by, Pace: slow}),
			v.Wish(ctx, "r", replay.Wish{Signed: by, State: replay.Paused}), v.Choose(ctx, "r", replay.StopOnBad, replay.Choice{Signed: by, Stop: true}),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		k, _ := v.Find("r")
		if err := v.Refuse(ctx, "r", replay.NewRefused(k.Wish.Token, replay.Planned, "no", "", time.Now())); err != nil {
			t.Fatal(err)
		}
		return func(t *testing.T) *Sink {
			t.Helper()
			s := v.cluster.Sink(Settings{Create: true, Partitions: 3})
			t.Cleanup(s.Close)
			if _, err := s.Open(t.Context(), spec); err != nil {
				t.Fatal(err)
			}
			return s
		}
	},
}

// TestADaemonThatSleepsWhileItForgetsHarmsNoSuccessor lets it sleep before each record that it writes, and before each client that
// it makes to own the replay. Another daemon finishes the forgetting, and the id is used again; then it wakes.
func TestADaemonThatSleepsWhileItForgetsHarmsNoSuccessor(t *testing.T) {
	t.Parallel()
	for _, s := range []successor{alike, unlike} {
		f := fake(t)
		s.before(t, follow(t, connect(t, f)))
		all, asleep := sleeper(t, f, 0)
		forget(t, asleep, "r")
		steps := int(all.met.Load())
		if steps < 20 {
			t.Errorf("forgetting takes %d steps only", steps)
		}
		for n := 1; n <= steps; n++ {
			t.Run(fmt.Sprintf("%s, step %d", s.what, n), func(t *testing.T) {
				t.Parallel()
				sleeps(t, s, n)
			})
		}
	}
}

// sleeper is a daemon that sleeps before the n-th step that it takes once it has read all, and what wakes it.
func sleeper(t *testing.T, f *kfake.Cluster, n int) (*counted, *View) {
	t.Helper()
	h := &counted{n: int64(n), reached: make(chan string, 1), wake: make(chan struct{})}
	c := connect(t, f, h)
	v := follow(t, c)
	h.met.Store(0)
	h.armed.Store(true)
	return h, v
}

// counted is a client's hook that holds back who takes the n-th step.
type counted struct {
	n       int64
	armed   atomic.Bool
	met     atomic.Int64
	reached chan string
	wake    chan struct{}
}

func (h *counted) OnNewClient(*kgo.Client) { h.meet("a client") }

func (h *counted) OnProduceRecordBuffered(r *kgo.Record) { h.meet(r.Topic + " " + string(r.Key)) }

func (h *counted) meet(what string) {
	if h.armed.Load() && h.met.Add(1) == h.n {
		h.reached <- what
		<-h.wake
	}
}

func sleeps(t *testing.T, s successor, n int) {
	t.Helper()
	f := fake(t)
	c := connect(t, f)
	quick := follow(t, c)
	s.before(t, quick)
	h, asleep := sleeper(t, f, n)
	answer := make(chan error, 1)
	go func() { answer <- asleep.Forget(t.Context(), "r", "") }()
	what := <-h.reached
	if err := quick.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	forget(t, quick, "r")
	end := s.next(t, quick)
	before, _ := follow(t, connect(t, f)).Find("r")
	if before.Err != nil || before.Incarnation == "" {
		t.Fatalf("the next one is %+v", before)
	}
	close(h.wake)
	if err := <-answer; err != nil {
		t.Errorf("before %s: it answers %v", what, err)
	}
	for name, v := range map[string]*View{"the one that slept": asleep, "the other": quick, "one that comes later": follow(t, connect(t, f))} {
		if err := v.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if after, _ := v.Find("r"); !reflect.DeepEqual(after, before) {
			t.Errorf("before %s: %s finds\n%+v\nwhich was\n%+v", what, name, after, before)
		}
	}
	if n := len(traces(t, c, "r")); n != 1 {
		t.Errorf("before %s: there are %d traces", what, n)
	}
	session := end(t)
	commit(t, session, chunk(10, 11, replay.Completed))
	session.Close()
	finds(t, quick, "r", func(k replay.Known) bool { return k.State() == replay.Completed && k.Checkpoint.Seq == 20 })
	forget(t, quick, "r")
	if keys := left(t, f, "r"); len(keys) > 0 {
		t.Errorf("before %s: left of both are %v", what, keys)
	}
}
