package kafka

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// Offsets lead to an event time in a replay topic.
type Offsets struct {
	Known       time.Time       // the latest event time before the one that was asked for of which offsets are known; zero: the beginning
	ByPartition map[int32]int64 // by partition: every record of the replay from the time that was asked for on stands at or behind these
}

// OffsetsAt finds where the records of a replay from an event time on stand: a consumer that begins there misses none of them.
// It goes by the marks that the replay has left, which are a 512th of its window apart, else by its beginning. A window by arrival
// may hold events whose clock was fast: for a time up to theirs, only the marks that stand before them are of use. Of a replay that
// has produced nothing yet nothing is known: *Unbegun.
func (c *Cluster) OffsetsAt(ctx context.Context, k *replay.Known, at time.Time) (Offsets, error) {
	p, err := c.offsetsAt(ctx, k, at)
	return p, c.unanswered(err)
}

func (c *Cluster) offsetsAt(ctx context.Context, k *replay.Known, at time.Time) (Offsets, error) {
	known, err := c.Stored(ctx, k.Spec.ID)
	switch {
	case err != nil:
		return Offsets{}, err
	case !known.Begun() || k.Checkpoint == nil:
		return Offsets{}, &Unbegun{ID: k.Spec.ID}
	}
	found := Offsets{ByPartition: map[int32]int64{}}
	for _, p := range k.Checkpoint.Partitions {
		found.ByPartition[p.Partition] = p.StartOffset
	}
	_, err = c.readUpTo(ctx, known.checkpoints(c.topic(checkpointTopic)), func(r *kgo.Record) (bool, error) {
		id, about, ok := splitKey(r.Key)
		if !ok || id != k.Spec.ID || !strings.HasPrefix(about, "mark/") {
			return true, nil
		}
		var m mark
		ours, err := decode(r.Topic, r.Key, r.Value, &m)
		if ours && m.leads(k.Spec.Window, at) && m.EventTime.After(found.Known) {
			found = Offsets{Known: m.EventTime, ByPartition: m.Offsets}
		}
		return true, err
	})
	return found, err
}

// Unbegun says that a replay has put nothing into its topic yet.
type Unbegun struct{ ID string }

func (e *Unbegun) Error() string {
	return fmt.Sprintf("replay %s has produced nothing yet, so no offsets lead to its events", e.ID)
}
