package kafka

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"replayd/archive"
	"replayd/archive/archivetest"
	"replayd/archive/format"
	"replayd/archive/layout"
	"replayd/replay"
	"replayd/replay/pace"
)

// TestTheSameSpecIsRunUntilItHasEnded runs a spec from Defaults, which says of no instant, three times.
func TestTheSameSpecIsRunUntilItHasEnded(t *testing.T) {
	t.Parallel()
	const events = 500
	var lines strings.Builder
	for i := range events {
		fmt.Fprintf(&lines, "{\"n\":%d}\n", i)
	}
	store := archivetest.NewFaulty(map[string][]byte{"o": []byte(lines.String())})
	f := fake(t)
	c := connect(t, f)
	spec := replay.Defaults()
	spec.ID, spec.Archive, spec.Topic = "again", "fixtures", "replay"
	spec.Fields = archive.Fields{ID: archive.None, Time: archive.None}
	run := func(o replay.Options) (replay.Receipt, error) {
		sink := c.Sink(Settings{})
		defer sink.Close()
		source := archive.Source{
			Store: store, Layout: layout.Flat{}, Format: format.Lines{}, Decoder: func() archive.Decoder { return &format.Decoder{} },
		}
		return (&replay.Runner{Source: source, Sink: sink, Options: o}).Run(t.Context(), spec)
	}

	stop := make(chan struct{})
	var once sync.Once
	slow, err := pace.Parse("50/s")
	if err != nil {
		t.Fatal(err)
	}
	_, err = run(replay.Options{Pace: slow, Stop: stop, Observe: func(p replay.Progress) {
		if p.Counters.Produced > 0 {
			once.Do(func() { close(stop) })
		}
	}})
	var stopped *replay.Stopped
	if !errors.As(err, &stopped) || stopped.State != replay.Paused {
		t.Fatalf("it was to stop in the middle: %v", err)
	}
	receipt, err := run(replay.Options{})
	if err != nil || receipt.Sessions != 2 || receipt.Produced != events {
		t.Fatalf("continued: %v, %+v", err, receipt)
	}
	same, err := run(replay.Options{})
	if err != nil || same.Digest != receipt.Digest || same.Produced != events || same.Sessions != 2 {
		t.Errorf("when it has ended: %v, %+v", err, same)
	}
	if n := len(consumed(t, f, "replay")); n != events {
		t.Errorf("%d records for %d events", n, events)
	}
	spec.AsOf = testSpec("x").AsOf
	if _, err := run(replay.Options{}); !errors.As(err, new(*SpecDiffers)) {
		t.Errorf("with an instant of its own: %v", err)
	}
}

// TestSpecsThatAreFrozenAtOnceTakeOneInstant freezes the same spec, which says of no instant, from several sessions.
func TestSpecsThatAreFrozenAtOnceTakeOneInstant(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	if _, err := c.ensureControlTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	specs := make([]*replay.Spec, 4)
	var sessions sync.WaitGroup
	for i := range specs {
		specs[i] = testSpec("r")
		specs[i].AsOf = time.Time{}
		sessions.Go(func() {
			if _, err := c.freeze(t.Context(), specs[i], Settings{}); err != nil {
				t.Error(err)
			}
		})
	}
	sessions.Wait()
	for _, s := range specs {
		if s.AsOf.IsZero() || !s.AsOf.Equal(specs[0].AsOf) {
			t.Errorf("frozen as of %s and %s", s.AsOf, specs[0].AsOf)
		}
	}
}
