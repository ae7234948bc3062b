package integration_test

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/archive"
	"replayd/archive/dir"
	"replayd/archive/format"
	"replayd/archive/layout"
	"replayd/integration/harness"
	"replayd/replay"
	"replayd/replay/kafka"
)

// TestReplayOfAFolder is there to be copied: a test of another team's replays a folder of JSON lines into the Kafka of
// its tests and looks at what arrives. The events need no ids and no times; they come in the order of files and lines.
func TestReplayOfAFolder(t *testing.T) {
	brokers := harness.StartKafka(t, harness.KafkaOptions{}).Addrs() // yours: the host:port of your testcontainers Kafka
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	folder, err := dir.Open("testdata/example")
	check(err)
	cluster, err := kafka.Connect(t.Context(), kafka.Options{Brokers: brokers})
	check(err)
	defer cluster.Close()
	sink := cluster.Sink(kafka.Settings{Create: true, Partitions: 3})
	defer sink.Close()

	spec := replay.Defaults()
	spec.ID, spec.Archive, spec.Topic = "example", "fixtures", "replay.example" // an id is replayed once: one for each test
	spec.Fields = archive.Fields{ID: archive.None, Time: archive.None, Key: "/user"}
	receipt, err := replay.Run(t.Context(), spec, archive.Source{
		Store: folder, Layout: layout.Flat{}, Format: format.Lines{}, Decoder: func() archive.Decoder { return &format.Decoder{} },
	}, sink)
	check(err)

	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(spec.Topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	check(err)
	defer client.Close()
	var ofAnn []string // what your program makes of the events
	for n := 0; n < int(receipt.Produced); {
		fetches := client.PollFetches(t.Context())
		check(fetches.Err())
		for _, r := range fetches.Records() {
			n++
			if string(r.Key) == "ann" {
				ofAnn = append(ofAnn, string(r.Value))
			}
		}
	}
	want := []string{`{"user":"ann","did":"signed up"}`, `{"user":"ann","did":"paid","amount":12.50}`, `{"user":"ann","did":"left"}`}
	if receipt.Produced != 5 || !slices.Equal(ofAnn, want) {
		t.Errorf("%d of 5 events, of ann came %q", receipt.Produced, ofAnn)
	}
}
