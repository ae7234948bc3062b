package kafka

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/archive"
	"replayd/replay"
)

// TestMain runs more tests at once than there are processors: they wait for brokers more than they work.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// fake starts an in-process broker with a replay topic of three partitions.
func fake(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(3, "replay")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func connect(t *testing.T, f *kfake.Cluster, hooks ...kgo.Hook) *Cluster {
	t.Helper()
	log := zerolog.Nop()
	if testing.Verbose() {
		log = zerolog.New(zerolog.ConsoleWriter{Out: os.Stderr}).Level(zerolog.DebugLevel)
	}
	c, err := Connect(t.Context(), Options{Brokers: f.ListenAddrs(), GiveUp: time.Minute, Client: []kgo.Opt{kgo.WithHooks(hooks...)}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func testSpec(id string) *replay.Spec {
	from := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	s := &replay.Spec{
		ID: id, Archive: "a", URL: "./a", Topic: "replay", RecordLimit: 1 << 19, Owner: "run",
		Fields: archive.Fields{ID: "/id", Time: "/t"}, Window: replay.Window{On: replay.OnEvent, From: from, To: from.Add(time.Hour)},
		AsOf: from.Add(24 * time.Hour),
	}
	if err := s.Complete(from); err != nil {
		panic(err)
	}
	return s
}

// chunk holds n events and ends with the seq-th.
func chunk(n int, from int64, state replay.State) *replay.Chunk {
	c := &replay.Chunk{Checkpoint: replay.Checkpoint{State: state, Begun: true}}
	for i := range int64(n) {
		seq := from + i
		key := fmt.Appendf(nil, "key-%d", seq%7)
		c.Records = append(c.Records, replay.Record{
			Key: key, Value: fmt.Appendf(nil, `{"id":%d}`, seq), Route: key, HasTime: true,
			EventTime: testSpec("x").Window.From.UnixNano() + seq,
			Headers:   []replay.Header{{Key: "replay-id", Value: []byte("r")}, {Key: "replay-seq", Value: fmt.Append(nil, seq)}},
		})
	}
	c.Checkpoint.Seq = from + int64(n) - 1
	c.Checkpoint.Counters.Produced, c.Checkpoint.Counters.Read = c.Checkpoint.Seq, c.Checkpoint.Seq
	c.Checkpoint.Position = archive.Position{Time: testSpec("x").Window.From.UnixNano() + c.Checkpoint.Seq, Object: "o"}
	return c
}

// consumed reads a topic to its present end, committed records only.
func consumed(t *testing.T, f *kfake.Cluster, topic string) []*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := Connect(ctx, Options{Brokers: f.ListenAddrs(), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ends, err := c.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	var all []*kgo.Record
	for partition, end := range ends[topic] {
		if end.Offset == 0 {
			continue
		}
		// The last record is a marker, perhaps one that is still to be written.
		err := c.read(ctx, topic, partition, 0, kgo.ReadCommitted(), func(r *kgo.Record) (bool, error) {
			if !r.Attrs.IsControl() {
				all = append(all, r)
			}
			return r.Offset+1 < end.Offset, nil
		}, kgo.KeepControlRecords())
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// seqs checks that the records are the events 1 to n, each once, ascending in each partition.
func seqs(t *testing.T, records []*kgo.Record, n int) {
	t.Helper()
	seen, last := map[string]bool{}, map[int32]int64{}
	for _, r := range records {
		seq := int64(0)
		for _, h := range r.Headers {
			if h.Key == "replay-seq" {
				seq, _ = strconv.ParseInt(string(h.Value), 10, 64)
			}
		}
		if seen[fmt.Sprint(seq)] {
			t.Errorf("event %d stands twice", seq)
		}
		if seq <= last[r.Partition] {
			t.Errorf("partition %d: event %d behind %d", r.Partition, seq, last[r.Partition])
		}
		seen[fmt.Sprint(seq)], last[r.Partition] = true, seq
	}
	for i := 1; i <= n; i++ {
		if !seen[fmt.Sprint(i)] {
			t.Errorf("event %d is missing", i)
		}
	}
}
