package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
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
	err = c.readStable(ctx, topic, known.started.CheckpointPartition, func(r *kgo.Record) (bool, error) {
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

// readStable calls each with the committed records of a partition, as far as no open transaction hides them, until it says
// no or fails.
func (c *Cluster) readStable(ctx context.Context, topic string, partition int32, each func(*kgo.Record) (more bool, err error)) error {
	stable, err := c.offsets(ctx, topic, c.admin.ListCommittedOffsets) // last stable offsets
	if err != nil {
		return err
	}
	starts, err := c.offsets(ctx, topic, c.admin.ListStartOffsets)
	if err != nil {
		return err
	}
	end, _ := stable.Lookup(topic, partition)
	start, _ := starts.Lookup(topic, partition)
	if start.Offset >= end.Offset {
		return nil
	}
	return c.read(ctx, topic, partition, start.Offset, kgo.ReadCommitted(), func(r *kgo.Record) (bool, error) {
		more := true
		var err error
		if !r.Attrs.IsControl() {
			more, err = each(r)
		}
		return more && r.Offset+1 < end.Offset, err
	}, kgo.KeepControlRecords())
}

// offsets lists a kind of offset of all partitions. A cluster that comes up or moves leaders is asked again.
func (c *Cluster) offsets(ctx context.Context, topic string, list func(context.Context, ...string) (kadm.ListedOffsets, error)) (kadm.ListedOffsets, error) {
	limited, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	for wait := anyRetry; ; wait = longer(wait) {
		o, err := list(limited, topic)
		if err == nil {
			err = o.Error()
		}
		if err == nil {
			return o, nil
		}
		if again := kerr.IsRetriable(err) && !errors.Is(err, kerr.UnknownTopicOrPartition); !again || limited.Err() != nil {
			return nil, fmt.Errorf("offsets of topic %s: %w", topic, err)
		}
		sleep(limited, wait)
	}
}
