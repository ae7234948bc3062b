package kafka

import (
	"cmp"
	"maps"
	"slices"

	"replayd/replay"
)

// progressed is what the checkpoint topic and the status topic tell of a replay.
type progressed struct {
	checkpoints map[int32]*register[replay.Checkpoint] // by partition: only that counts which the config topic names
	live        register[replay.Live]
}

func (p *progressed) empty() bool { return len(p.checkpoints) == 0 && p.live.absent() }

// since is the newest checkpoint of a replay that has begun so. What stands before its genesis is of one that had its id before
// and is forgotten: the topic that tells so may be read further than that of the checkpoints.
func (p *progressed) since(s *started) register[replay.Checkpoint] {
	if p == nil || p.checkpoints[s.CheckpointPartition] == nil || p.checkpoints[s.CheckpointPartition].newest < s.Genesis {
		return register[replay.Checkpoint]{}
	}
	return *p.checkpoints[s.CheckpointPartition]
}

// known is what all control topics together tell of a replay, false when there is none. The checkpoint topic that the view
// reads has the id checkpoints.
func (v *View) known(id string) (replay.Known, bool) {
	of, p := v.registry.replays[id], v.progress[id]
	switch {
	case of == nil && (p == nil || len(p.checkpoints) == 0 || !v.doubts.certain(id)):
		return replay.Known{}, false
	case of == nil:
		return replay.Known{Spec: replay.Spec{ID: id}, Err: lost(id, v.cluster.topic(configTopic), "deleted or emptied")}, true
	}
	err := of.unreadable()
	if of.forgetting() != nil {
		err = cmp.Or(err, error(&BeingForgotten{ID: id}))
	}
	spec, part := of.spec()
	if spec == nil {
		if !of.started.absent() {
			err = cmp.Or(err, error(lost(id, v.cluster.topic(configTopic), "emptied")))
		}
		return replay.Known{Spec: replay.Spec{ID: id}, Err: err}, err != nil
	}
	k := replay.Known{
		Spec: cloneSpec(spec.value.Spec), Start: startOf(spec.value), Order: spec.first, Incarnation: part,
		Begun: of.started.value != nil, Err: cmp.Or(err, v.registry.inert(id, of)),
	}
	at := incarnation{part, spec.first}
	k.Wish, k.Choices = of.wished(spec.value, at), of.wanted.chosen(at)
	if p != nil && p.live.value != nil {
		k.Live = cloneLive(p.live.value)
	}
	if k.Begun {
		c := p.since(of.started.value)
		if c.value != nil {
			k.Checkpoint, k.CheckpointAt = cloneCheckpoint(c.value), c.at
		}
		k.Err = cmp.Or(k.Err, c.err, v.foreignTo(id, of.started.value), v.emptied(id, &c))
	}
	k.Refused = of.refusal(&k, at)
	if !k.State().Terminal() { // nobody asks any more what is wanted of one that has ended
		k.Err = cmp.Or(k.Err, of.wanted.unreadable(id, at))
	}
	return k, true
}

// foreignTo refuses a replay whose checkpoints were in another topic of the same name.
func (v *View) foreignTo(id string, s *started) error {
	if topic := v.cluster.topic(checkpointTopic); s.CheckpointTopicID != v.ids[topic] {
		return lost(id, topic, "deleted and made anew")
	}
	return nil
}

// emptied refuses a replay that has begun and has no checkpoint.
func (v *View) emptied(id string, c *register[replay.Checkpoint]) error {
	if c.absent() && v.doubts.certain(id) {
		return lost(id, v.cluster.topic(checkpointTopic), "emptied")
	}
	return nil
}

// wished is what is wanted. Of a daemon's replay the first wish stands beside the spec; where none does it is to run.
func (of *registered) wished(spec *stored, at incarnation) *replay.Wish {
	w := of.wanted.of(at)
	switch {
	case w.State != nil:
	case spec.Wish != nil:
		w.State = spec.Wish
	case spec.Spec.Owner == replay.OwnerDaemon:
		by := replay.Signed{Version: version, By: startOf(spec).By, At: spec.Spec.AsOf}
		w.State = &replay.Wish{Signed: by, State: replay.Running}
	}
	return w.Wish()
}

// startOf is what a replay was started with; of a foreground replay as much as is kept of it.
func startOf(s *stored) replay.Start {
	if s.Start == nil {
		return replay.Start{Pace: s.Settings.Pace, Compression: s.Settings.Compression}
	}
	start := *s.Start
	start.StopOn, start.Allow = slices.Clone(start.StopOn), slices.Clone(start.Allow)
	return start
}

// What a view hands out is its caller's, so it shares no memory with what the view keeps.

func cloneSpec(s replay.Spec) replay.Spec {
	s.Volatile, s.Also = slices.Clone(s.Volatile), slices.Clone(s.Also)
	s.Headers, s.Targets = slices.Clone(s.Headers), slices.Clone(s.Targets)
	return s
}

func cloneCheckpoint(from *replay.Checkpoint) *replay.Checkpoint {
	c := *from
	c.OpenHours, c.Partitions = slices.Clone(c.OpenHours), slices.Clone(c.Partitions)
	for i, p := range c.Partitions {
		if p.LastOffset != nil {
			last := *p.LastOffset
			c.Partitions[i].LastOffset = &last
		}
	}
	c.Counters.FilteredBy, c.Counters.QuarantinedBy = maps.Clone(c.Counters.FilteredBy), maps.Clone(c.Counters.QuarantinedBy)
	c.Counters.Gaps = slices.Clone(c.Counters.Gaps)
	return &c
}

func cloneLive(from *replay.Live) *replay.Live {
	l := *from
	l.Warnings = slices.Clone(l.Warnings)
	return &l
}
