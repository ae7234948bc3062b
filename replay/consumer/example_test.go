package consumer_test

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay/consumer"
)

// received is what PollFetches brought: a live record, and three of a replay.
func received() []*kgo.Record {
	tagged := func(offset int64, id, seq, extra string) *kgo.Record {
		r := &kgo.Record{Topic: "replay.payments", Offset: offset, Headers: []kgo.RecordHeader{
			{Key: "replay-id", Value: []byte("payments-0300")},
			{Key: "replay-seq", Value: []byte(seq)},
			{Key: "replay-event-time", Value: []byte("1793535296789")},
			{Key: "replay-event-id", Value: []byte(id)},
		}}
		if extra != "" {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: "replay-flags", Value: []byte(extra)})
		}
		return r
	}
	return []*kgo.Record{
		{Topic: "payments", Value: []byte(`{"id":"c"}`)},
		tagged(0, "a", "1", ""), tagged(1, "b", "2", ""), tagged(3, "a", "3", "late,conflict"),
	}
}

// A handler stores every event and acts to the outside on live ones alone.
func ExampleIsReplay() {
	for _, r := range received() {
		if !consumer.IsReplay(r) {
			fmt.Println("live: store it and send the mail")
			continue
		}
		id, _ := consumer.EventID(r)
		at, _ := consumer.EventTime(r)
		fmt.Println("replayed: store", id, "of", at.Format("15:04:05.000"), consumer.Flags(r))
	}
	// Output:
	// live: store it and send the mail
	// replayed: store a of 12:14:56.789 []
	// replayed: store b of 12:14:56.789 []
	// replayed: store a of 12:14:56.789 [late conflict]
}

// A replay may be meant for some groups only.
func ExampleShouldProcess() {
	r := &kgo.Record{Headers: []kgo.RecordHeader{
		{Key: "replay-id", Value: []byte("payments-0300")},
		{Key: "replay-targets", Value: []byte("billing,search")},
	}}
	fmt.Println(consumer.ShouldProcess(r, "billing"), consumer.ShouldProcess(r, "mail"))
	// Output: true false
}

// A consumer is done when it has processed the last record in each partition that has any.
func ExampleProgress() {
	status, err := consumer.ReadStatus([]byte(`{"version":1,"at":"2026-11-01T15:00:00Z","receipt":{"id":"payments-0300",
		"state":"completed","topic":"replay.payments","produced":3,"partitions":[
		{"topic":"replay.payments","partition":0,"records":3,"start_offset":0,"last_offset":3},
		{"topic":"replay.payments","partition":1,"records":0,"start_offset":0}]}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	var progress consumer.Progress
	for _, r := range received() {
		progress.Processed(r)
		fmt.Println(r.Topic, r.Offset, progress.Done(status.Receipt.Partitions))
	}
	// Output:
	// payments 0 false
	// replay.payments 0 false
	// replay.payments 1 false
	// replay.payments 3 true
}
