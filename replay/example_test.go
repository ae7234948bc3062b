package replay_test

import (
	"context"
	"fmt"
	"time"

	"replayd/archive"
	"replayd/archive/archivetest"
	"replayd/archive/format"
	"replayd/archive/layout"
	"replayd/replay"
)

// printer is a sink that keeps nothing: it prints what it is given.
type printer struct{}

func (printer) Open(context.Context, *replay.Spec) (replay.Durable, error) {
	return replay.Durable{Checkpoint: replay.Checkpoint{State: replay.Running}}, nil
}

func (printer) Commit(_ context.Context, c *replay.Chunk) error {
	for _, r := range c.Records {
		fmt.Printf("%s %s\n", r.Key, r.Value)
	}
	return nil
}

// A program of its own replays JSON lines.
func ExampleRun() {
	store := archivetest.NewFaulty(map[string][]byte{"events.jsonl": []byte( // or dir.Open("folder"), or s3.Open
		`{"id":"b","user":"ann","time":"2026-11-01T12:00:02Z"}
{"id":"a","user":"bob","time":"2026-11-01T12:00:01Z"}
{"id":"b","user":"ann","time":"2026-11-01T12:00:02Z"}
`)})

	spec := replay.Defaults()
	spec.ID, spec.Archive, spec.Topic = "example", "events", "replay.events"
	spec.Fields = archive.Fields{ID: "/id", Time: "/time", Key: "/user"}
	spec.Window.From = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	spec.Window.To = spec.Window.From.Add(time.Hour)

	receipt, err := replay.Run(context.Background(), spec, archive.Source{
		Store: store, Layout: layout.Flat{}, Format: format.Lines{}, Decoder: func() archive.Decoder { return &format.Decoder{} },
	}, printer{})
	fmt.Println(receipt.Produced, "produced,", receipt.Duplicates, "duplicate,", err)
	// Output:
	// bob {"id":"a","user":"bob","time":"2026-11-01T12:00:01Z"}
	// ann {"id":"b","user":"ann","time":"2026-11-01T12:00:02Z"}
	// 2 produced, 1 duplicate, <nil>
}
