package kafka

import (
	"bytes"
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// Quarantined calls each with the entries of a replay that stand in the quarantine topic, in the order in which the replay
// met them, until it says no or fails. It reads the topic from its beginning: it is kept for ever, and for all replays. Those
// of another replay that had the id before, and is forgotten, are left out.
func (c *Cluster) Quarantined(ctx context.Context, id string, each func(replay.Quarantined) (more bool, err error)) error {
	known, err := c.Stored(ctx, id)
	if err != nil || !known.Begun() {
		return err
	}
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
			if err == nil && ours && v.of(known, r.Timestamp) {
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

// of reports whether an entry that was written then is one of a replay of its id. One that does not name its genesis is, unless it
// was written before the replay was asked for.
func (v *quarantineValue) of(known *Stored, at time.Time) bool {
	if v.Genesis != 0 && known.started.Genesis != 0 {
		return v.Genesis == known.started.Genesis
	}
	return !at.Before(known.Spec.AsOf)
}
