package kafka

import (
	"maps"
	"slices"
	"testing"

	"replayd/replay"
)

// anew is the first session of a replay under an id that was another's, which put its events into another topic.
func anew(t *testing.T, v *View, id string) (*Sink, replay.Durable) {
	t.Helper()
	spec := daemonSpec(id)
	spec.Topic = "elsewhere"
	if err := v.Freeze(t.Context(), spec, replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	s := v.cluster.Sink(Settings{Create: true, Partitions: 3})
	t.Cleanup(s.Close)
	d, err := s.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return s, d
}

// TestAnIDThatIsUsedAgainBeginsWithNothing of the replay before it, whose records the log still holds: an hour of that, of which
// only some objects were still to be read, would have the others left out.
func TestAnIDThatIsUsedAgainBeginsWithNothing(t *testing.T) {
	f := fake(t)
	v := follow(t, connect(t, f))
	ended(t, v, "r")
	if err := v.Forget(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	s, d := anew(t, v, "r")
	if len(d.Hours) > 0 || d.Resumed || d.Checkpoint.Seq != 0 {
		t.Errorf("it begins at %+v, with the hours %v", d.Checkpoint, slices.Collect(maps.Keys(d.Hours)))
	}
	if len(s.journal.marks) > 0 {
		t.Errorf("it leaves no marks where the other has: %v", s.journal.marks)
	}
}
