package kafka

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestRecordsShareOnePromise sends to a client that refuses at once, so that what is counted is ours and the same few of its own
// for each record.
func TestRecordsShareOnePromise(t *testing.T) {
	client, err := kgo.NewClient(kgo.SeedBrokers("127.0.0.1:1"))
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
	s := &sending{ctx: t.Context(), client: client}
	promise := s.acknowledged
	alone := allocations(func(records []kgo.Record) {
		for i := range records {
			client.Produce(context.Background(), &records[i], promise)
		}
	})
	if n := allocations(s.sendAll); n > alone+10 {
		t.Errorf("1000 records take %v allocations, and %v by the client alone", n, alone)
	}
}

// allocations are those of send with 1000 records. The client may look at them until it has told of them, so they are other
// ones each time.
func allocations(send func([]kgo.Record)) float64 {
	const runs = 20
	records := make([][]kgo.Record, runs+1) // the first is not counted
	for i := range records {
		records[i] = make([]kgo.Record, 1000)
	}
	i := 0
	return testing.AllocsPerRun(runs, func() {
		send(records[i])
		i++
	})
}
