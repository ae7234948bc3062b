package kafka

import (
	"context"
	"time"

	"replayd/replay"
)

const (
	visibleWait  = 5 * time.Second // a neighbour's open transaction hides what stands behind it for longer
	visibleAgain = 20 * time.Millisecond
)

// awaitVisible waits until readers of committed records see all of a replay that has ended: the commit itself is decided
// before its markers are written. What hides records for longer than visibleWait is not the replay's, and not waited for.
func (s *Sink) awaitVisible(ctx context.Context, c *replay.Checkpoint) {
	ctx, cancel := context.WithTimeout(ctx, visibleWait)
	defer cancel()
	last := map[int32]int64{}
	for _, p := range c.Partitions {
		if !s.settings.Ends && p.LastOffset != nil {
			last[p.Partition] = *p.LastOffset
		}
	}
	if len(last) > 0 {
		s.cluster.awaitSeen(ctx, s.spec.Topic, last)
	}
	if s.news != nil {
		s.cluster.awaitSeen(ctx, s.news.Topic, map[int32]int64{s.news.Partition: s.news.Offset})
	}
}

// awaitSeen waits until readers of committed records see the last offsets, by partition, or ctx ends.
func (c *Cluster) awaitSeen(ctx context.Context, topic string, last map[int32]int64) {
	for !c.seen(ctx, topic, last) && ctx.Err() == nil {
		sleep(ctx, visibleAgain)
	}
}

// seen reports whether every last offset stands before what open transactions hide.
func (c *Cluster) seen(ctx context.Context, topic string, last map[int32]int64) bool {
	stable, err := c.offsets(ctx, topic, c.admin.ListCommittedOffsets)
	if err != nil {
		return false
	}
	for partition, offset := range last {
		if end, ok := stable.Lookup(topic, partition); !ok || end.Offset <= offset {
			return false
		}
	}
	return true
}
