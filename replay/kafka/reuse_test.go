package kafka

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/archive"
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
	t.Parallel()
	f := fake(t)
	v := follow(t, connect(t, f))
	ended(t, v, "r")
	if err := v.Forget(t.Context(), "r", ""); err != nil {
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
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	ended(t, v, "r")
	if err := v.Forget(t.Context(), "r", ""); err != nil {
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
	if err != nil || !p.Known.IsZero() || p.ByPartition[0]+p.ByPartition[1]+p.ByPartition[2] != 0 {
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
	t.Parallel()
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

// bad is a chunk that holds one entry back.
func bad(n, seq int64, object string, state replay.State) *replay.Chunk {
	c := chunk(int(n), seq, state)
	c.Quarantined = []replay.Quarantined{{Position: archive.Position{Object: object}, Object: object, Reason: "json"}}
	c.Checkpoint.Counters.Quarantined = 1
	c.Checkpoint.Counters.Read++
	return c
}

// quarantinedOf are the objects of the entries of a replay.
func quarantinedOf(t *testing.T, c *Cluster, id string) (objects []string) {
	t.Helper()
	err := c.Quarantined(t.Context(), id, func(q replay.Quarantined) (bool, error) {
		objects = append(objects, q.Object)
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// TestTheQuarantineOfAnIDThatIsUsedAgainIsThatOfTheNewReplay also has entries of a replayd that does not tell replays of one id
// apart.
func TestTheQuarantineOfAnIDThatIsUsedAgainIsThatOfTheNewReplay(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	s := begun(t, c, "r")
	commit(t, s, bad(10, 1, "secret", replay.Completed))
	s.Close()
	if got := quarantinedOf(t, c, "r"); !slices.Equal(got, []string{"secret"}) {
		t.Errorf("of the first %v", got)
	}
	finds(t, v, "r", func(k replay.Known) bool { return k.State() == replay.Completed })
	if err := v.Forget(t.Context(), "r", ""); err != nil {
		t.Fatal(err)
	}
	if got := quarantinedOf(t, c, "r"); got != nil {
		t.Errorf("of nobody %v", got)
	}
	s, _ = anew(t, v, "r")
	if got := quarantinedOf(t, c, "r"); got != nil {
		t.Errorf("of the second, which has none, %v", got)
	}
	commit(t, s, bad(10, 1, "own", replay.Running))
	for object, at := range map[string]time.Time{"older": s.spec.AsOf.Add(-time.Minute), "unmarked": s.spec.AsOf.Add(time.Minute)} {
		r := &kgo.Record{
			Topic: c.topic(quarantineTopic), Partition: partitionOf([]byte("r"), s.control[quarantineTopic]), Key: []byte("r/0"), Timestamp: at,
			Value: encode(quarantineValue{Version: version, ID: "r", Quarantined: replay.Quarantined{Object: object}}),
		}
		if err := s.producer.transaction(t.Context(), func(t *sending) error { t.send(r, nil); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if got := quarantinedOf(t, c, "r"); !slices.Equal(got, []string{"own", "unmarked"}) {
		t.Errorf("of the second %v", got)
	}
	known, err := c.Stored(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	older := *known.started
	older.Genesis = 0
	config(t, c, startedKey("r"), string(encode(older)))
	if got := quarantinedOf(t, c, "r"); !slices.Contains(got, "own") || !slices.Contains(got, "unmarked") || slices.Contains(got, "older") {
		t.Errorf("of one that an older replayd began %v", got)
	}
}

// TestEventsOfAForgottenReplayAreSeenInSpiteOfOneThatHasItsID now, and puts its own elsewhere: those of the same window would stand
// there twice.
func TestEventsOfAForgottenReplayAreSeenInSpiteOfOneThatHasItsID(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	ended(t, v, "r")
	if err := v.Forget(t.Context(), "r", ""); err != nil {
		t.Fatal(err)
	}
	s, _ := anew(t, v, "r")
	commit(t, s, chunk(10, 1, replay.Completed))
	err := opens(t, c, Settings{}, testSpec("other"))
	wantRefusal(t, err, ItemOverlap, "forgotten replay r has put events")
}

// TestASessionThatSleptWhileItsReplayWasForgottenEndsThere, also when Kafka has compacted away who did that.
func TestASessionThatSleptWhileItsReplayWasForgottenEndsThere(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	s := begun(t, c, "r")
	commit(t, s, chunk(10, 1, replay.Running))
	err := s.producer.transaction(t.Context(), func(t *sending) error {
		t.send(s.record(genesisKey("r"), nil), nil)
		t.send(s.record(checkpointKey("r"), nil), nil)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.producer.close() // as when it was fenced meanwhile
	err = s.Commit(t.Context(), chunk(10, 11, replay.Running))
	refusedRestart(t, err, "replayd.checkpoints was emptied")
}
