package kafka

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// other is a replay that the checkpoint topic knows.
type other struct {
	id         string
	genesis    *genesis
	checkpoint *replay.Checkpoint
}

// holdsData reports whether its topic may hold events of it.
func (o *other) holdsData() bool {
	c := o.checkpoint
	return c == nil || c.Seq > 0 || !c.State.Terminal()
}

// replaysInto finds the replays whose target is topic.
func (c *Cluster) replaysInto(ctx context.Context, topic string) ([]*other, error) {
	all := map[string]*other{}
	of := func(id string) *other {
		if all[id] == nil {
			all[id] = &other{id: id}
		}
		return all[id]
	}
	err := c.readStable(ctx, func(r *kgo.Record) error {
		id, about, ok := splitKey(r.Key)
		if !ok || r.Value == nil {
			return nil
		}
		switch about {
		case "genesis":
			g := &genesis{}
			if ours, err := decode(r.Topic, r.Key, r.Value, g); err != nil || !ours {
				return err
			}
			of(id).genesis = g
		case "checkpoint":
			k := &replay.Checkpoint{}
			if ours, err := decode(r.Topic, r.Key, r.Value, k); err != nil || !ours {
				return err
			}
			of(id).checkpoint = k
		}
		return nil
	})
	var into []*other
	for _, o := range all {
		if o.genesis != nil && o.genesis.Topic == topic {
			into = append(into, o)
		}
	}
	slices.SortFunc(into, func(a, b *other) int { return cmp.Compare(a.id, b.id) })
	return into, err
}

// Finished returns the receipt of a replay that has ended, nil when it has not. It takes nothing over.
func (c *Cluster) Finished(ctx context.Context, known *Stored) (*replay.Receipt, error) {
	if known.started == nil {
		return nil, nil
	}
	key := checkpointKey(known.Spec.ID)
	var last *replay.Checkpoint
	err := c.readStable(ctx, func(r *kgo.Record) error {
		if string(r.Key) != key {
			return nil
		}
		k := &replay.Checkpoint{}
		ours, err := decode(r.Topic, r.Key, r.Value, k)
		if ours {
			last = k
		}
		return err
	}, known.started.CheckpointPartition)
	if err != nil || last == nil || !last.State.Terminal() {
		return nil, err
	}
	last.Seal(&known.Spec)
	return last.Receipt, nil
}

// readStable calls each with the committed records of some partitions of the checkpoint topic, of all when none is named,
// as far as no open transaction hides them.
func (c *Cluster) readStable(ctx context.Context, each func(*kgo.Record) error, partitions ...int32) error {
	topic := c.topic(checkpointTopic)
	exists, err := c.topicExists(ctx, topic)
	if err != nil || !exists {
		return err
	}
	stable, err := c.admin.ListCommittedOffsets(ctx, topic) // last stable offsets
	if err == nil {
		err = stable.Error()
	}
	if err != nil {
		return fmt.Errorf("ends of %s: %w", topic, err)
	}
	starts, err := c.admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return fmt.Errorf("starts of %s: %w", topic, err)
	}
	for partition, end := range stable[topic] {
		start, _ := starts.Lookup(topic, partition)
		if start.Offset >= end.Offset || len(partitions) > 0 && !slices.Contains(partitions, partition) {
			continue
		}
		err := c.read(ctx, topic, partition, start.Offset, kgo.ReadCommitted(), func(r *kgo.Record) (bool, error) {
			if r.Attrs.IsControl() {
				return r.Offset+1 < end.Offset, nil
			}
			return r.Offset+1 < end.Offset, each(r)
		}, kgo.KeepControlRecords())
		if err != nil {
			return err
		}
	}
	return nil
}
