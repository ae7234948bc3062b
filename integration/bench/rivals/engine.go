package main

import (
	"context"

	"replayd/archive"
	"replayd/archive/dir"
	"replayd/archive/format"
	"replayd/archive/layout"
	"replayd/replay"
	"replayd/replay/pace"
)

// engine is all of a replay but Kafka, over the whole archive.
func engine(w *work, _ *meter) (done, error) {
	to := &nowhere{}
	return w.replayTo(to, &to.did)
}

// replayTo replays into a sink, which counts bytes in did.
func (w *work) replayTo(sink replay.Sink, did *done) (done, error) {
	store, err := dir.Open(w.folder)
	if err != nil {
		return done{}, err
	}
	events, err := format.Named(w.format)
	if err != nil {
		return done{}, err
	}
	spec := replay.Defaults()
	spec.ID, spec.Archive, spec.Topic = "bench", "bench", "replay.bench"
	spec.Fields = archive.Fields{
		ID: "/event_id", Time: "/timestamp", Arrival: "/arrival_epoch", Key: "/data/account_id", Volatile: []archive.Pointer{"/arrival_epoch"},
	}
	spec.Window.From, spec.Window.To = w.from, w.to
	r := replay.Runner{
		Source:  archive.Source{Store: store, Layout: layout.Pismo(), Format: events, Decoder: func() archive.Decoder { return &format.Decoder{} }},
		Sink:    sink,
		Options: replay.Options{Pace: pace.Unlimited(), Memory: w.memory, Spill: w.spill},
	}
	receipt, err := r.Run(context.Background(), spec)
	did.Events = receipt.Read
	return *did, err
}

// nowhere is a sink that keeps nothing.
type nowhere struct{ did done }

func (*nowhere) Open(context.Context, *replay.Spec) (replay.Durable, error) {
	return replay.Durable{Checkpoint: replay.Checkpoint{State: replay.Running}}, nil
}

func (n *nowhere) Commit(_ context.Context, c *replay.Chunk) error {
	n.count(c)
	return nil
}

func (n *nowhere) count(c *replay.Chunk) {
	for i := range c.Records {
		n.did.Bytes += int64(len(c.Records[i].Value))
	}
}
