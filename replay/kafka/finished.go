package kafka

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// Finished returns the receipt of a replay that has ended, nil when it has not. It takes nothing over.
func (c *Cluster) Finished(ctx context.Context, known *Stored) (*replay.Receipt, error) {
	last, err := c.lastCheckpoint(ctx, known)
	if err != nil || last == nil || !last.State.Terminal() {
		return nil, c.unanswered(err)
	}
	last.Seal(&known.Spec)
	return last.Receipt, nil
}

// lastCheckpoint is the newest checkpoint of a replay that no open transaction hides; nil when it has none.
func (c *Cluster) lastCheckpoint(ctx context.Context, known *Stored) (last *replay.Checkpoint, err error) {
	if !known.Begun() {
		return nil, nil
	}
	key := checkpointKey(known.Spec.ID)
	topic := c.topic(checkpointTopic)
	exists, err := c.topicExists(ctx, topic)
	if err != nil || !exists {
		return nil, err
	}
	_, err = c.readUpTo(ctx, known.checkpoints(topic), func(r *kgo.Record) (bool, error) {
		if string(r.Key) != key {
			return true, nil
		}
		k := &replay.Checkpoint{}
		ours, err := decode(r.Topic, r.Key, r.Value, k)
		if ours {
			last = k
		}
		return true, err
	})
	return last, err
}

// checkpoints are the records of a replay that has begun, in the checkpoint topic: what stands there before its genesis may be
// of one that had its id before.
func (s *Stored) checkpoints(topic string) stretch {
	return stretch{topic: topic, partition: s.started.CheckpointPartition, from: s.started.Genesis, level: kgo.ReadCommitted()}
}
