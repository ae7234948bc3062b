package integration

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/archive"
	"replayd/integration/harness"
	"replayd/replay"
	"replayd/replay/kafka"
	"replayd/replay/manager"
)

var (
	_ manager.Registers = (*kafka.View)(nil)
	_ manager.Work      = (*kafka.Work)(nil)
)

// connected is a connection to the cluster.
func connected(t *testing.T, k *harness.Kafka, o kafka.Options) *kafka.Cluster {
	t.Helper()
	o.Brokers, o.Log = k.Addrs(), zerolog.Nop()
	c, err := kafka.Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func viewed(t *testing.T, k *harness.Kafka) *kafka.View {
	t.Helper()
	v, err := connected(t, k, kafka.Options{}).Follow(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	await(t, "the view to be ready", func() bool { return v.Ready() == nil })
	return v
}

// TestDaemonsKnowTheSame lets two write a thousand wishes for ten replays at once. Each finds at once what it wrote, unless
// the other has written since, and in the end both know the same; so does one that comes later.
func TestDaemonsKnowTheSame(t *testing.T) {
	t.Parallel()
	const seed = 11
	t.Logf("seed %d", seed)
	k := harness.StartKafka(t, harness.KafkaOptions{})
	views := []*kafka.View{viewed(t, k), viewed(t, k)}
	for i := range 10 {
		if err := views[i%2].Freeze(t.Context(), daemonSpec(t, fmt.Sprint("r", i)), replay.Start{}, replay.Wish{State: replay.Running}); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range views {
		await(t, "all replays to be known", func() bool { return len(v.All()) == 10 })
	}
	var all sync.WaitGroup
	for n, v := range views {
		rng := rand.New(rand.NewPCG(seed, uint64(n)))
		all.Go(func() {
			for i := range 500 {
				id, mine := fmt.Sprint("r", rng.IntN(10)), fmt.Sprint(n, "-", i)
				before, _ := v.Find(id)
				if err := v.Wish(t.Context(), id, replay.Wish{State: replay.Paused, Signed: replay.Signed{Token: mine, By: fmt.Sprint(n)}}); err != nil {
					t.Error(err)
					return
				}
				if after, _ := v.Find(id); after.Wish.Token == before.Wish.Token || after.Wish.By == fmt.Sprint(n) && after.Wish.Token != mine {
					t.Errorf("daemon %d wished %s of %s and finds %s", n, mine, id, after.Wish.Token)
				}
			}
		})
	}
	all.Wait()
	await(t, "both views to be equal", func() bool { return reflect.DeepEqual(views[0].All(), views[1].All()) })
	if late := viewed(t, k).All(); !reflect.DeepEqual(late, views[0].All()) {
		t.Errorf("one that comes later knows\n%+v\ninstead of\n%+v", late, views[0].All())
	}
}

func daemonSpec(t *testing.T, id string) *replay.Spec {
	t.Helper()
	s := replay.Defaults()
	s.ID, s.Owner, s.Archive, s.URL, s.Topic = id, "daemon", "a", "./a", "replay.a"
	s.Fields = archive.Fields{ID: "/id", Time: "/t"}
	s.Window.From = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	s.Window.To = s.Window.From.Add(time.Hour)
	if err := s.Complete(s.Window.To); err != nil {
		t.Fatal(err)
	}
	return &s
}

// floor is where daemons run what they run into targets: each by one of them.
type floor struct {
	t     *testing.T
	mu    sync.Mutex
	owner map[string]string // of a target, the daemon
}

const targets = 300

func (f *floor) enter(target, daemon string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if other := f.owner[target]; other != "" {
		f.t.Errorf("%s has %s, and %s has not left it", daemon, target, other)
	}
	f.owner[target] = daemon
}

func (f *floor) left(target, daemon string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.owner[target] == daemon {
		delete(f.owner, target)
	}
}

// dead takes a daemon off the floor that cannot do so itself.
func (f *floor) dead(daemon string) {
	for i := range targets {
		f.left(fmt.Sprint("replay.", i), daemon)
	}
}

// held are the targets of each daemon.
func (f *floor) held() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := map[string]int{}
	for _, daemon := range f.owner {
		n[daemon]++
	}
	return n
}

// divided waits until all targets are held, by each of the daemons some.
func (f *floor) divided(daemons ...*worker) {
	f.t.Helper()
	await(f.t, "all targets to be divided", func() bool {
		held, sum := f.held(), 0
		for _, d := range daemons {
			if held[d.name] == 0 {
				return false
			}
			sum += held[d.name]
		}
		return sum == targets && len(held) == len(daemons)
	})
}

// worker is a daemon that runs something into each target that is its own.
type worker struct {
	name  string
	floor *floor
	work  *kafka.Work
	stop  context.CancelFunc
	wire  wire

	mu      sync.Mutex
	running map[string]bool
}

// hire starts a daemon. With member it keeps its part over a restart.
func hire(t *testing.T, k *harness.Kafka, f *floor, name, member string) *worker {
	t.Helper()
	w := &worker{name: name, floor: f, running: map[string]bool{}}
	c := connected(t, k, kafka.Options{Member: member, Client: []kgo.Opt{kgo.Dialer(w.wire.dial)}})
	var err error
	if w.work, err = c.Share(t.Context(), w.leave); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.stop = cancel
	var loop sync.WaitGroup
	loop.Go(func() { w.run(ctx) })
	t.Cleanup(func() {
		cancel()
		loop.Wait()
		_ = w.work.Close(ctx)
	})
	return w
}

func (w *worker) run(ctx context.Context) {
	for ctx.Err() == nil {
		changed := w.work.Changed()
		w.begin()
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// begin starts what is to run. What is taken away meanwhile is left behind it.
func (w *worker) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range targets {
		if target := fmt.Sprint("replay.", i); w.work.Mine(target) && !w.running[target] {
			w.running[target] = true
			w.floor.enter(target, w.name)
		}
	}
}

func (w *worker) leave(lost func(string) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for target := range w.running {
		if lost(target) {
			delete(w.running, target)
			w.floor.left(target, w.name)
		}
	}
}

// die ends a daemon as SIGKILL would: nothing of it is heard any more.
func (w *worker) die() {
	w.stop()
	w.wire.cut()
	w.floor.dead(w.name)
}

// wire is what the connections of a daemon go over.
type wire struct {
	mu    sync.Mutex
	off   bool
	conns []net.Conn
}

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.off {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("dead")}
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err == nil {
		w.conns = append(w.conns, conn)
	}
	return conn, err
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.off = true
	for _, c := range w.conns {
		c.Close()
	}
}

// TestDaemonsDivideTheTargets has three that join, one that is stopped, one that is killed, and one that is killed and comes
// back with its name. No target ever has two.
func TestDaemonsDivideTheTargets(t *testing.T) {
	t.Parallel()
	k := harness.StartKafka(t, harness.KafkaOptions{})
	f := &floor{t: t, owner: map[string]string{}}
	a := hire(t, k, f, "a", "")
	f.divided(a)
	b, c := hire(t, k, f, "b", ""), hire(t, k, f, "c", "c")
	f.divided(a, b, c)

	if err := b.work.Close(t.Context()); err != nil {
		t.Error(err)
	}
	f.divided(a, c)

	had := f.held()
	c.die()
	again := hire(t, k, f, "c again", "c")
	f.divided(a, again)
	if held := f.held(); held["a"] != had["a"] {
		t.Errorf("when one comes back with its name, the other's part goes from %v to %v", had, held)
	}

	a.die()
	f.divided(again)
	if err := again.work.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if held := f.held(); len(held) > 0 {
		t.Errorf("one that was stopped has not left %v", held)
	}
}
