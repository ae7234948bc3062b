package kafka

import (
	"maps"
	"slices"
	"testing"

	"github.com/rs/zerolog"

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

// TestWhatIsToldOfAnIDThatIsUsedAgainIsNotOfTheReplayBefore looks up, by the id, what stands in the log of both.
func TestWhatIsToldOfAnIDThatIsUsedAgainIsNotOfTheReplayBefore(t *testing.T) {
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	ended(t, v, "r")
	if err := v.Forget(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	// As while a neighbour's open transaction hides the genesis of the next one.
	hidden := &Stored{Spec: *daemonSpec("r"), started: &started{CheckpointPartition: partitionOf([]byte("r"), 16), Genesis: 1000}}
	if receipt, err := c.Finished(t.Context(), hidden); err != nil || receipt != nil {
		t.Errorf("its receipt is %+v, %v", receipt, err)
	}
	s, _ := anew(t, v, "r")
	k := finds(t, v, "r", func(k replay.Known) bool { return k.Checkpoint != nil })
	p, err := c.OffsetsAt(t.Context(), &k, k.Spec.Window.To)
	if err != nil || !p.Known.IsZero() || p.Offsets[0]+p.Offsets[1]+p.Offsets[2] != 0 {
		t.Errorf("to its events lead %+v, %v", p, err)
	}
	known, err := c.Stored(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	if known.started.Genesis != s.journal.began {
		t.Errorf("its genesis stands at %d, and is told to stand at %d", s.journal.began, known.started.Genesis)
	}
}

// TestTheCheckpointsOfAForgottenReplayAreNobodyElses at a daemon that has read the config topic further than the checkpoints.
func TestTheCheckpointsOfAForgottenReplayAreNobodyElses(t *testing.T) {
	old := &register[replay.Checkpoint]{value: &replay.Checkpoint{State: replay.Completed}, newest: 40}
	v := &View{
		cluster: &Cluster{}, registry: newRegistry(zerolog.Nop()), ids: map[string]string{".checkpoints": "id"},
		progress: map[string]*progressed{"r": {checkpoints: map[int32]*register[replay.Checkpoint]{0: old}}},
	}
	v.registry.replays["r"] = &registered{
		specs:   map[string]*register[stored]{"x": {value: &stored{Spec: *daemonSpec("r")}}},
		started: register[started]{value: &started{CheckpointTopicID: "id", Genesis: 41}},
	}
	if k, _ := v.Find("r"); k.Checkpoint != nil || k.State() != replay.Running || k.Err != nil {
		t.Errorf("one that has just begun is %s, %v, with %+v", k.State(), k.Err, k.Checkpoint)
	}
	if !v.halves()["r"] {
		t.Error("that it has no checkpoint is not doubted")
	}
	old.newest = 42
	if k, _ := v.Find("r"); k.Checkpoint == nil {
		t.Error("its own checkpoint is none")
	}
}
