package kafka

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/replay"
)

// counting calls end when the broker gets its at-th request from now on, and counts all of them.
func counting(f *kfake.Cluster, at int64, end func()) *atomic.Int64 {
	var n atomic.Int64
	f.Control(func(kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		if n.Add(1) == at {
			end()
		}
		return nil, nil, false
	})
	return &n
}

// leftSession opens a sink, commits twice, and leaves, all with one context. Whatever fails is no matter.
func leftSession(ctx context.Context, f *kfake.Cluster, id string) {
	c, err := Connect(ctx, Options{Brokers: f.ListenAddrs(), GiveUp: time.Minute, Log: zerolog.Nop()})
	if err != nil {
		return
	}
	defer c.Close()
	s := c.Sink(Settings{})
	defer s.Close()
	if _, err := s.Open(ctx, testSpec(id)); err != nil {
		return
	}
	if err := s.Commit(ctx, chunk(20, 1, replay.Running)); err == nil {
		_ = s.Commit(ctx, chunk(20, 21, replay.Running))
	}
}

// TestASinkLeavesNoGoroutineBehind breaks sessions off while the broker works on any of their requests. A connection that were
// left open would keep goroutines of the broker, too, which runs in this process.
func TestASinkLeavesNoGoroutineBehind(t *testing.T) {
	const seed = 5
	rng := rand.New(rand.NewPCG(seed, seed))
	var all int64
	for i := range 13 {
		f := fake(t)
		before := runtime.NumGoroutine()
		ctx, cancel := context.WithCancel(t.Context())
		at := int64(0) // at first nothing ends it
		if i > 0 {
			at = 1 + rng.Int64N(all)
		}
		taken := counting(f, at, cancel)
		leftSession(ctx, f, "left")
		cancel()
		if i == 0 {
			all = taken.Load()
		}
		if !settles(before) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("seed %d: %d goroutines before and %d behind a session that was broken off at request %d of %d:\n%s",
				seed, before, runtime.NumGoroutine(), at, all, stacks[:runtime.Stack(stacks, true)])
		}
		f.Close()
	}
	if all < 20 {
		t.Errorf("a whole session took %d requests only", all)
	}
}

// settles waits until so many goroutines are left: those of connections end a little behind their close.
func settles(most int) bool {
	limit := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for runtime.NumGoroutine() > most {
		select {
		case <-tick.C:
		case <-limit:
			return false
		}
	}
	return true
}
