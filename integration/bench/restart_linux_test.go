package bench

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// watcher reads the committed records of a topic.
type watcher struct {
	mu   sync.Mutex
	last int64           // largest replay-seq
	next map[int32]int64 // offset behind what was read, by partition
	news chan struct{}   // has room for one
}

func watch(t *testing.T, client *kgo.Client) *watcher {
	w := &watcher{next: map[int32]int64{}, news: make(chan struct{}, 1)}
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			w.take(client.PollFetches(ctx))
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return w
}

func (w *watcher) take(f kgo.Fetches) {
	w.mu.Lock()
	f.EachRecord(func(r *kgo.Record) {
		w.next[r.Partition] = r.Offset + 1
		for _, h := range r.Headers {
			if h.Key == "replay-seq" {
				seq, _ := strconv.ParseInt(string(h.Value), 10, 64)
				w.last = max(w.last, seq)
			}
		}
	})
	w.mu.Unlock()
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// until waits for what is true of what was read.
func (w *watcher) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	limit := time.After(2 * time.Minute)
	for {
		w.mu.Lock()
		ok := holds()
		w.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-w.news:
		case <-limit:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// restart kills a replay of s in the middle of its window and measures how long the next session takes from its start to the
// first event that a consumer of the topic sees.
func (m *measuring) restart(s shape, args ...string) float64 {
	m.t.Helper()
	st := m.stock(s)
	k := m.broker()
	admin := kadm.NewClient(k.Client(m.t))
	topic := m.topic(admin)
	w := watch(m.t, k.Client(m.t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxWait(50*time.Millisecond)))
	first := m.run(st, k.Addr(), topic, append(args, "--pace", fmt.Sprintf("%d/s", st.entries/4))...).start(m.t)
	w.until(m.t, "the middle of the window", func() bool { return w.last > st.entries/2 })
	_ = first.cmd.Process.Kill()
	_ = first.cmd.Wait() // the kill is its error
	ends, err := admin.ListCommittedOffsets(m.t.Context(), topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		m.t.Fatal(err)
	}
	w.until(m.t, "all that is committed", func() bool {
		for partition, end := range ends[topic] {
			if w.next[partition] < end.Offset {
				return false
			}
		}
		return true
	})
	var before int64
	w.until(m.t, "nothing", func() bool {
		before = w.last
		return true
	})
	second := m.run(st, k.Addr(), topic, append(args, "--pace", "unlimited")...).start(m.t)
	w.until(m.t, "the first event of the second session", func() bool { return w.last > before })
	took := time.Since(second.began).Seconds()
	if c := second.end(m.t); c.Events != st.entries {
		m.t.Fatalf("the two sessions read %d events, the archive has %d", c.Events, st.entries)
	}
	return took
}

// restarts measures with a horizon of a second, so that next to nothing is read again, and with the default.
func (m *measuring) restarts(s shape) {
	m.t.Helper()
	var short, long []float64
	for range *rounds {
		long = append(long, m.restart(s))
		if *full {
			short = append(short, m.restart(s, "--horizon", "1s"))
		}
	}
	if !*full {
		short = long
	}
	own, all := spreadOf(short), spreadOf(long)
	rate := float64(m.stock(s).entries) / hours * 65 / 60
	m.claim("restart after kill -9 to the first event", "2 s + reading the horizon",
		fmt.Sprintf("%s s, and with a horizon of 65 minutes (%s events) %s s", own, thousands(rate), all), own.median <= 2)
	for i := range short {
		fmt.Fprintf(&m.stat, "BenchmarkRestart/horizon-1s 1 %.0f ns/op\nBenchmarkRestart/horizon-65m 1 %.0f ns/op\n", 1e9*short[i], 1e9*long[i])
	}
}
