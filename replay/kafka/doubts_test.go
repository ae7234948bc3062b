package kafka

import (
	"testing"

	"github.com/rs/zerolog"

	"replayd/replay"
)

// TestHalfOfAReplayIsLostWhenAllThatWasThereHasBeenRead goes from a doubt to certainty and back.
func TestHalfOfAReplayIsLostWhenAllThatWasThereHasBeenRead(t *testing.T) {
	t.Parallel()
	d, config, other := doubts{}, topicPartition{"config", 0}, topicPartition{"checkpoints", 3}
	half := map[string]bool{"r": true}
	held := map[topicPartition]int64{config: 10, other: 5}
	for i, step := range []struct {
		halves           map[string]bool
		read             map[topicPartition]int64
		certain, changed bool
	}{
		{half, map[topicPartition]int64{config: 10, other: 5}, false, false}, // what came up just now may have its other half in what follows
		{half, map[topicPartition]int64{config: 10, other: 4}, false, false},
		{half, map[topicPartition]int64{config: 11, other: 5}, true, true},
		{half, map[topicPartition]int64{config: 11, other: 5}, true, false},
		{nil, map[topicPartition]int64{config: 12, other: 5}, false, true},
		{half, map[topicPartition]int64{config: 12, other: 5}, false, false}, // and all over again
	} {
		if changed := d.weigh(step.halves, held, step.read); changed != step.changed || d.certain("r") != step.certain {
			t.Errorf("step %d: changed %v, certain %v", i, changed, d.certain("r"))
		}
	}
}

// TestAReplayOfWhichOnlyCheckpointsWereReadIsNeitherThereNorNot until all has been read that both topics held then.
func TestAReplayOfWhichOnlyCheckpointsWereReadIsNeitherThereNorNot(t *testing.T) {
	c := &register[replay.Checkpoint]{value: &replay.Checkpoint{State: replay.Running}}
	v := &View{
		cluster: &Cluster{}, registry: newRegistry(zerolog.Nop()), doubts: doubts{},
		progress: map[string]*progressed{"r": {checkpoints: map[int32]*register[replay.Checkpoint]{0: c}}, "told": {}},
	}
	is := func(what, id string, doubtful, found bool) {
		t.Helper()
		if _, ok := v.Find(id); v.Doubtful(id) != doubtful || ok != found {
			t.Errorf("%s: doubtful %v, found %v", what, v.Doubtful(id), ok)
		}
	}
	is("before its doubt is looked into", "r", true, false)
	is("of which only a session told", "told", false, false)
	is("of which nothing was read", "unknown", false, false)
	held := map[topicPartition]int64{{"config", 0}: 10}
	v.doubts.weigh(v.halves(), held, nil)
	is("while all that there was is being read", "r", true, false)
	v.doubts.weigh(v.halves(), held, held)
	is("when nothing tells what it is", "r", false, true)
	v.registry.replays["r"] = &registered{specs: map[string]*register[stored]{"x": {value: &stored{Spec: *daemonSpec("r")}}}}
	is("when its spec was read", "r", false, true)
}
