package kafka

import (
	"context"
	"errors"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
	"replayd/replay/pace"
)

// follow is a view that has read all that is there.
func follow(t *testing.T, c *Cluster) *View {
	t.Helper()
	v, err := c.Follow(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	until(t, "the view to be ready", func() bool { return v.Ready() == nil })
	return v
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	limit := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// finds waits until a replay is known so.
func finds(t *testing.T, v *View, id string, so func(replay.Known) bool) replay.Known {
	t.Helper()
	var k replay.Known
	until(t, "replay "+id+" as it should be", func() (ok bool) {
		k, ok = v.Find(id)
		return ok && so(k)
	})
	return k
}

func daemonSpec(id string) *replay.Spec {
	s := testSpec(id)
	s.Owner = replay.OwnerDaemon
	return s
}

// begun is the first session of a daemon's replay.
func begun(t *testing.T, c *Cluster, id string) *Sink {
	t.Helper()
	if err := follow(t, c).Freeze(t.Context(), daemonSpec(id), replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	s, _ := open(t, c, daemonSpec(id))
	return s
}

func running() replay.Wish {
	return replay.Wish{State: replay.Running, Signed: replay.Signed{By: "anna"}}
}

func TestAForegroundReplayIsKnownAsItGoesOn(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	early := follow(t, c)
	s := c.Sink(Settings{Pace: "5000/s"})
	t.Cleanup(s.Close)
	if _, err := s.Open(t.Context(), testSpec("r")); err != nil {
		t.Fatal(err)
	}
	k := finds(t, early, "r", func(k replay.Known) bool { return k.Begun && k.Checkpoint != nil })
	if k.State() != replay.Running || k.Wish != nil || k.Start.Pace != "5000/s" || k.Err != nil || k.Spec.Hash() != testSpec("r").Hash() {
		t.Errorf("after genesis it is %+v", k)
	}
	commit(t, s, chunk(30, 1, replay.Running))
	finds(t, early, "r", func(k replay.Known) bool { return k.Checkpoint.Seq == 30 })
	before := time.Now().Truncate(time.Millisecond)
	commit(t, s, chunk(10, 31, replay.Completed))
	k = finds(t, early, "r", func(k replay.Known) bool { return k.Checkpoint.Seq == 40 && k.State() == replay.Completed })
	if k.CheckpointAt.Before(before) || k.CheckpointAt.After(time.Now()) {
		t.Errorf("its last checkpoint was written at %s, between %s and now", k.CheckpointAt, before)
	}
	if got, ok := follow(t, connect(t, f)).Find("r"); !ok || !reflect.DeepEqual(got, k) {
		t.Errorf("one that follows later knows\n%+v\ninstead of\n%+v", got, k)
	}
	if _, ok := early.Find("other"); ok {
		t.Error("it knows what is not there")
	}
}

// TestAViewIsTheSameAfterCompaction has wishes, live words and checkpoints of several replays.
func TestAViewIsTheSameAfterCompaction(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	for _, id := range []string{"b", "a", "c"} {
		if err := v.Freeze(t.Context(), daemonSpec(id), replay.Start{By: "anna"}, running()); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 20 {
		w := replay.Wish{State: replay.Paused, Signed: replay.Signed{By: "bob", Reason: strings.Repeat("x", i)}}
		if err := v.Wish(t.Context(), "a", w); err != nil {
			t.Fatal(err)
		}
	}
	s, _ := open(t, c, daemonSpec("c"))
	for i := range int64(5) {
		commit(t, s, chunk(5, 5*i+1, replay.Running))
	}
	finds(t, v, "c", func(k replay.Known) bool { return k.Checkpoint != nil && k.Checkpoint.Seq == 25 })
	f.Compact()
	after := follow(t, connect(t, f)).All()
	if before := v.All(); len(after) != 3 || !reflect.DeepEqual(before, after) {
		t.Errorf("before compaction\n%+v\nafter\n%+v", before, after)
	}
	if after[0].Spec.ID != "b" || after[1].Spec.ID != "a" || after[1].Wish.Reason != strings.Repeat("x", 19) {
		t.Errorf("in the order of their specs: %+v", after)
	}
}

// TestWhatCannotBeReadIsOneReplaysTrouble writes what is not replayd's, or a newer one's, under each kind of key.
func TestWhatCannotBeReadIsOneReplaysTrouble(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	if err := v.Freeze(t.Context(), daemonSpec("sound"), replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"spec/", "started/", "forget/"} {
		for value, says := range map[string]string{
			newer: "newer replayd", "rubbish": "not replayd's", `{"version":1,"spec":7,"state":7,"looked":"x","pid":"x"}`: "not replayd's",
			`{"version":1}`: "not replayd's",
		} {
			if key == "forget/" && value == `{"version":1}` {
				continue // is one
			}
			id := "r"
			t.Run(key+value, func(t *testing.T) {
				if err := v.Freeze(t.Context(), daemonSpec(id), replay.Start{}, running()); err != nil {
					t.Fatal(err)
				}
				whole := key + id
				if key == "spec/" {
					whole += "/other"
				}
				config(t, c, whole, value)
				k := finds(t, v, id, func(k replay.Known) bool { return k.Err != nil })
				if !strings.Contains(k.Err.Error(), says) || k.Spec.Topic != "replay" {
					t.Errorf("it is %+v", k)
				}
				if err := v.Wish(t.Context(), id, running()); err == nil {
					t.Error("it takes a wish")
				}
				if _, err := c.Stored(t.Context(), id); err == nil {
					t.Error("a foreground session would take it")
				}
				config(t, c, whole, "")
				finds(t, v, id, func(k replay.Known) bool { return k.Err == nil })
				forgetAll(t, v, c, id)
			})
		}
	}
	k, _ := v.Find("sound")
	if err := v.Wish(t.Context(), "sound", replay.Wish{State: replay.Paused}); k.Err != nil || err != nil || v.Ready() != nil {
		t.Errorf("the one beside them is in trouble: %v, %v, %v", k.Err, err, v.Ready())
	}
}

// forgetAll deletes what config holds of a replay that has not begun.
func forgetAll(t *testing.T, v *View, c *Cluster, id string) {
	t.Helper()
	v.mu.Lock()
	keys := []string{wishKey(id), ""}
	for part := range v.registry.replays[id].specs {
		keys = append(keys, specKey(id, part), "")
	}
	v.mu.Unlock()
	config(t, c, keys...)
	until(t, "it to be gone", func() bool { _, ok := v.Find(id); return !ok })
}

func TestACheckpointThatCannotBeReadIsOneReplaysTrouble(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	s, _ := open(t, c, testSpec("r"))
	commit(t, s, chunk(10, 1, replay.Running))
	s.Close()
	v := follow(t, c)
	finds(t, v, "r", func(k replay.Known) bool { return k.Err == nil && k.Checkpoint != nil && k.Checkpoint.Seq == 10 })
	r := &kgo.Record{Topic: s.journal.topic, Partition: s.journal.partition, Key: []byte("r/checkpoint"), Value: []byte(newer)}
	p, err := c.newProducer(t.Context(), "any", s.codec, "replay", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if err := p.opening(t.Context(), func(s *sending) error { s.send(r, nil); return nil }); err != nil {
		t.Fatal(err)
	}
	finds(t, v, "r", func(k replay.Known) bool { return errors.As(k.Err, new(*errNewer)) })
}

// TestForeignRecordsAreSaidOnceForEachKey counts the lines of the log.
func TestForeignRecordsAreSaidOnceForEachKey(t *testing.T) {
	t.Parallel()
	f := fake(t)
	var log lines
	c, err := Connect(t.Context(), Options{Brokers: f.ListenAddrs(), Log: zerolog.New(&log)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	config(t, c, "hello", "world", "hello", `{"version":1}`, "wish/not an id", "x", "hello", "again")
	v := follow(t, c)
	if n := log.count("none that this replayd knows"); n != 2 || len(v.All()) != 0 {
		t.Errorf("it was said %d times, and known are %v", n, v.All())
	}
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

func TestAViewSaysHowLongNothingCouldBeRead(t *testing.T) {
	t.Parallel()
	v := &View{cluster: &Cluster{options: Options{ControlPrefix: "replayd"}}, registry: newRegistry(zerolog.Nop()), began: time.Now()}
	at := v.began.Add(3 * time.Second)
	if err := v.ready(at); err == nil || !strings.Contains(err.Error(), "read for the first time, since 3s") {
		t.Errorf("before the first look: %v", err)
	}
	v.seen(at, nil)
	v.seen(at.Add(time.Second), errors.New("no broker"))
	if err := v.ready(at.Add(stale)); err != nil {
		t.Errorf("one look that fails is told at once: %v", err)
	}
	err := v.ready(at.Add(34 * time.Second))
	if err == nil || !strings.Contains(err.Error(), "for 34s: no broker\n") {
		t.Errorf("after 34 seconds: %v", err)
	}
	v.seen(at.Add(40*time.Second), nil)
	if err := v.ready(at.Add(41 * time.Second)); err != nil {
		t.Errorf("when it is over: %v", err)
	}
}

func TestHowFarAViewIsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &View{began: time.Now()}
		time.Sleep(time.Minute)
		v.seen(time.Now(), errors.New("no broker"))
		if d := v.Behind(); d != time.Minute || v.Whole() {
			t.Errorf("a minute after it began it is %s behind, and whole: %v", d, v.Whole())
		}
		v.seen(time.Now().Add(-time.Second), nil)
		time.Sleep(2 * time.Second)
		v.seen(time.Now(), errors.New("no broker"))
		if d := v.Behind(); d != 3*time.Second || !v.Whole() {
			t.Errorf("3 seconds after the last look that went well was begun it is %s behind, and whole: %v", d, v.Whole())
		}
		if since := v.Stale(); !since.IsZero() {
			t.Errorf("3 seconds are told as a time in which much may have changed, since %s", since)
		}
		last := time.Now().Add(-3 * time.Second).UTC()
		time.Sleep(stale)
		v.seen(time.Now(), errors.New("no broker"))
		if since := v.Stale(); !since.Equal(last) {
			t.Errorf("all was read until %s, and it is told that this was %s", last, since)
		}
		v.seen(time.Now(), nil)
		if since := v.Stale(); !since.IsZero() {
			t.Errorf("when it is over it is told that all was read until %s", since)
		}
	})
}

// TestAViewGoesOnAfterAnOutage cuts all connections of one, and lets it dial again later.
func TestAViewGoesOnAfterAnOutage(t *testing.T) {
	t.Parallel()
	f := fake(t)
	var line cord
	c, err := Connect(t.Context(), Options{Brokers: f.ListenAddrs(), Client: []kgo.Opt{kgo.Dialer(line.dial)}, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	v, other := follow(t, c), follow(t, connect(t, f))
	if err := v.Freeze(t.Context(), daemonSpec("before"), replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	line.cut()
	if err := other.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan error)
	go func() { answered <- v.Wish(ctx, "before", running()) }()
	until(t, "the trouble to be noticed", func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		return v.trouble != nil
	})
	cancel()
	if err := <-answered; !errors.Is(err, context.Canceled) {
		t.Errorf("a wish that is given up: %v", err)
	}
	line.mend()
	finds(t, v, "r", func(k replay.Known) bool { return k.Wish.State == replay.Running })
	if err := v.Wish(t.Context(), "r", replay.Wish{State: replay.Paused}); err != nil {
		t.Fatal(err)
	}
	finds(t, other, "r", func(k replay.Known) bool { return k.Wish.State == replay.Paused })
}

// cord is what connections go over.
type cord struct {
	mu    sync.Mutex
	off   bool
	conns []net.Conn
}

func (l *cord) dial(ctx context.Context, network, address string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.off {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("cut")}
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err == nil {
		l.conns = append(l.conns, conn)
	}
	return conn, err
}

func (l *cord) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.off = true
	for _, c := range l.conns {
		c.Close()
	}
}

func (l *cord) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.off = false
}

func TestADeletedControlTopicIsSaidAndNothingGoesIntoItsSuccessor(t *testing.T) {
	t.Parallel()
	for topic, next := range map[string]string{
		"replayd.config": "another kafka.control_prefix", "replayd.checkpoints": "another kafka.control_prefix", "replayd.status": "Start the daemons anew",
	} {
		t.Run(topic, func(t *testing.T) {
			t.Parallel()
			f := fake(t)
			c := connect(t, f)
			v := follow(t, c)
			if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
				t.Fatal(err)
			}
			if _, err := c.admin.DeleteTopic(t.Context(), topic); err != nil {
				t.Fatal(err)
			}
			until(t, "the deletion to be noticed", func() bool { return v.Ready() != nil })
			refusedRestart(t, v.Ready(), topic+" was deleted")
			if _, err := connect(t, f).ensureControlTopics(t.Context()); err != nil {
				t.Fatal(err)
			}
			until(t, "the other topic to be noticed", func() bool { return strings.Contains(v.Ready().Error(), "made anew") })
			refusedRestart(t, v.Ready(), next)
			refusedRestart(t, v.Gone(), next)
			refusedRestart(t, v.Freeze(t.Context(), daemonSpec("s"), replay.Start{}, running()), "made anew")
			if err := v.Wish(t.Context(), "r", running()); !strings.Contains(err.Error(), "made anew") {
				t.Errorf("a wish: %v", err)
			}
			if k, ok := v.Find("r"); !ok || k.Err != nil {
				t.Errorf("what was known is not: %+v", k)
			}
			if n := len(consumed(t, f, topic)); n > 0 {
				t.Errorf("%d records went to the new one", n)
			}
			if topic == "replayd.status" { // by which nothing is continued
				finds(t, follow(t, connect(t, f)), "r", func(k replay.Known) bool { return k.Err == nil })
			}
		})
	}
}

// TestTopicsThatWereMadeAnewBeforeADaemonBegan are told by what each of the others remembers.
func TestTopicsThatWereMadeAnewBeforeADaemonBegan(t *testing.T) {
	t.Parallel()
	for topic, says := range map[string]string{"replayd.config": "replayd.config was deleted or emptied", "replayd.checkpoints": "replayd.checkpoints was deleted and made anew"} {
		t.Run(topic, func(t *testing.T) {
			t.Parallel()
			f := fake(t)
			c := connect(t, f)
			s := begun(t, c, "r")
			commit(t, s, chunk(10, 1, replay.Running))
			s.Close()
			if _, err := c.admin.DeleteTopic(t.Context(), topic); err != nil {
				t.Fatal(err)
			}
			v := follow(t, connect(t, f))
			k := finds(t, v, "r", func(k replay.Known) bool { return k.Err != nil })
			refusedRestart(t, k.Err, says)
			if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err == nil {
				t.Error("it can be frozen anew")
			}
			if err := v.Freeze(t.Context(), daemonSpec("new"), replay.Start{}, running()); err != nil {
				t.Errorf("another is in the way of it: %v", err)
			}
		})
	}
}

func TestAControlTopicWithSeveralPartitionsIsNotFollowed(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	if _, err := c.admin.CreateTopic(t.Context(), 3, 1, map[string]*string{"cleanup.policy": kadm.StringPtr("compact")}, "replayd.config"); err != nil {
		t.Fatal(err)
	}
	_, err := c.Follow(t.Context())
	wantRefusal(t, err, ItemControlTopics, "has 3 partitions")
}

// TestTheWordOfASessionIsKnownUntilTheReplayHasEnded tells, and takes it back.
func TestTheWordOfASessionIsKnownUntilTheReplayHasEnded(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v, other := follow(t, c), follow(t, connect(t, f))
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	word := replay.Live{Report: replay.Report{Type: "progress", ID: "r", State: replay.Running, Produced: 7}, Daemon: "host 1", At: time.Now().UTC()}
	if err := v.Tell(t.Context(), word); err != nil {
		t.Fatal(err)
	}
	k := finds(t, other, "r", func(k replay.Known) bool { return k.Live != nil })
	if k.Live.Produced != 7 || k.Live.Daemon != "host 1" || !k.Live.At.Equal(word.At) {
		t.Errorf("it is told %+v", k.Live)
	}
	word.State = replay.Completed
	if err := v.Tell(t.Context(), word); err != nil {
		t.Fatal(err)
	}
	finds(t, other, "r", func(k replay.Known) bool { return k.Live == nil })
	for _, r := range consumed(t, f, "replayd.status") {
		if string(r.Key) != "progress/r" {
			t.Errorf("a word stands under %s, where consumers look for receipts", r.Key)
		}
	}
}

// TestAPaceIsReadBackAsItWasWished has a wish with everything.
func TestAPaceIsReadBackAsItWasWished(t *testing.T) {
	t.Parallel()
	v := follow(t, connect(t, fake(t)))
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{Pace: "x4"}, running()); err != nil {
		t.Fatal(err)
	}
	setting, err := pace.Parse("5000/s,20MB/s")
	if err != nil {
		t.Fatal(err)
	}
	w := replay.Wish{
		Signed: replay.Signed{Version: 1, Token: "t", By: "bob", Reason: "why", At: time.Now().UTC()},
		State:  replay.Paused, Pace: setting, MaxGap: replay.Duration(time.Second), Waits: true,
	}
	if err := v.Wish(t.Context(), "r", w); err != nil {
		t.Fatal(err)
	}
	k, _ := v.Find("r")
	if w.Incarnation = k.Incarnation; w.Incarnation == "" || !reflect.DeepEqual(*k.Wish, w) {
		t.Errorf("got %+v, want %+v", *k.Wish, w)
	}
}
