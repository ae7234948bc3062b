package kafka

import (
	"bytes"
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// Quarantined calls each with the entries of a replay that stand in the quarantine topic, in the order in which the replay
// met them, until it says no or fails. It reads the topic from its beginning: it is kept for ever, and for all replays.
func (c *Cluster) Quarantined(ctx context.Context, id string, each func(replay.Quarantined) (more bool, err error)) error {
	topic := c.topic(quarantineTopic)
	exists, err := c.topicExists(ctx, topic)
	if err != nil || !exists {
		return err
	}
	detail, err := c.topicDetail(ctx, topic)
	if err != nil {
		return err
	}
	prefix, more := []byte(id+"/"), true
	for partition := range int32(len(detail.Partitions)) { // there may have been fewer when it ran
		if !more {
			return nil
		}
		of := stretch{topic: topic, partition: partition, level: kgo.ReadCommitted()}
		_, err := c.readUpTo(ctx, of, func(r *kgo.Record) (bool, error) {
			if !bytes.HasPrefix(r.Key, prefix) {
				return true, nil
			}
			v := &quarantineValue{}
			ours, err := decode(r.Topic, r.Key, r.Value, v)
			if err == nil && ours {
				more, err = each(v.Quarantined)
			}
			return more, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
