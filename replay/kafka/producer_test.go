package kafka

import (
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
	s, records := &sending{ctx: t.Context(), client: client}, make([]kgo.Record, 1000)
	promise := s.acknowledged
	alone := testing.AllocsPerRun(50, func() {
		for i := range records {
			client.Produce(s.ctx, &records[i], promise)
		}
	})
	if n := testing.AllocsPerRun(50, func() { s.sendAll(records) }); n > alone+10 {
		t.Errorf("1000 records take %v allocations, and %v by the client alone", n, alone)
	}
}
