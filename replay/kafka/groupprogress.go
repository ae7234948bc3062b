package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/replay"
)

// GroupProgress is how far a consumer group has read a replay.
type GroupProgress struct {
	State      string // of the group, as Kafka calls it: Stable, Empty (nobody reads), Dead (there is no such group)
	Lag        int64  // offsets up to the newest records of the replay that the group has not passed
	Done       bool   // the replay has ended, and the group has passed its last record in every partition
	Partitions []GroupPartition
}

// GroupPartition is how far the group is in a partition.
type GroupPartition struct {
	Partition int32
	Committed int64 // offset that the group reads next; -1: it has committed none
	Last      int64 // offset of the newest record of the replay; -1: there is none
	Done      bool  // the group has passed Last
}

// GroupProgress compares what a group has committed with the offsets of a checkpoint. Behind the last record of a replay
// stands a marker, which no consumer gets to see; so the ends of partitions are not compared with.
func (c *Cluster) GroupProgress(ctx context.Context, of *replay.Checkpoint, group string) (GroupProgress, error) {
	g, err := c.groupProgress(ctx, of, group)
	if Denied(err) {
		right := Right{Operation: kmsg.ACLOperationDescribe, Resource: kmsg.ACLResourceTypeGroup, Name: group}
		f := c.ungranted("see how far group "+group+" is", []Right{right}, nil)
		return GroupProgress{}, &replay.Refusal{Item: f.Item, What: f.What, Next: f.Next}
	}
	return g, c.unanswered(err)
}

func (c *Cluster) groupProgress(ctx context.Context, of *replay.Checkpoint, group string) (GroupProgress, error) {
	state, err := c.groupState(ctx, group)
	if err != nil || len(of.Partitions) == 0 {
		return GroupProgress{State: state}, err
	}
	topic := of.Partitions[0].Topic
	committed, err := c.admin.FetchOffsetsForTopics(ctx, group, topic)
	if err == nil {
		err = committed.Error()
	}
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) { // which newer brokers say of a group that has committed nothing
		return GroupProgress{}, fmt.Errorf("offsets of group %s: %w", group, err)
	}
	g := GroupProgress{State: state}
	for _, p := range of.Partitions {
		at := int64(-1)
		if o, ok := committed.Lookup(topic, p.Partition); ok {
			at = o.At
		}
		g.add(p, at)
	}
	g.Done = of.State.Terminal() && !slices.ContainsFunc(g.Partitions, func(p GroupPartition) bool { return !p.Done })
	return g, nil
}

// add takes a partition of the replay in which the group reads committed next.
func (g *GroupProgress) add(p replay.Partition, committed int64) {
	last := int64(-1)
	if p.LastOffset != nil {
		last = *p.LastOffset
	}
	done := committed > last || last < 0
	if !done {
		g.Lag += last + 1 - max(committed, p.StartOffset)
	}
	g.Partitions = append(g.Partitions, GroupPartition{Partition: p.Partition, Committed: committed, Last: last, Done: done})
}

// groupState asks for the state of a group, which is of one of two kinds that know nothing of each other.
func (c *Cluster) groupState(ctx context.Context, group string) (string, error) {
	classic, err := c.admin.DescribeGroups(ctx, group)
	switch g := classic[group]; {
	case err != nil:
		return "", fmt.Errorf("describe group %s: %w", group, err)
	case Denied(g.Err):
		return "", fmt.Errorf("describe group %s: %w", group, g.Err)
	case g.Err == nil && g.State != dead:
		return g.State, nil
	}
	newer, err := c.admin.DescribeConsumerGroups(ctx, group)
	if g, ok := newer[group]; ok && err == nil && g.Err == nil {
		return g.State, nil
	}
	return dead, nil // also where brokers do not know the newer kind
}

// dead is what Kafka calls the state of a group that is not there.
const dead = "Dead"
