package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// read calls each with the records of a partition from an offset on, until it says no or fails.
func (c *Cluster) read(
	ctx context.Context, topic string, partition int32, from int64, level kgo.IsolationLevel,
	each func(*kgo.Record) (more bool, err error), more ...kgo.Opt,
) error {
	opts := append(c.common(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(from)}}),
		kgo.FetchIsolationLevel(level), kgo.FetchMaxWait(anyRetry),
	)
	client, err := kgo.NewClient(append(opts, more...)...)
	if err != nil {
		return fmt.Errorf("kafka client: %w", err)
	}
	defer client.Close()
	for {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
		}
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
		}
		for _, r := range fetches.Records() {
			more, err := each(r)
			if err != nil || !more {
				return err
			}
		}
	}
}

// stretch is a partition from an offset on.
type stretch struct {
	topic     string
	partition int32
	from      int64
	level     kgo.IsolationLevel
}

// readUpTo calls each with the records of a stretch, up to the end that it has now (under read_committed as far as no open
// transaction hides them), until it says no or fails. It returns that end.
func (c *Cluster) readUpTo(ctx context.Context, s stretch, each func(*kgo.Record) (more bool, err error)) (int64, error) {
	list := c.admin.ListEndOffsets
	if s.level == kgo.ReadCommitted() {
		list = c.admin.ListCommittedOffsets // last stable offsets
	}
	ends, err := c.offsets(ctx, s.topic, list)
	if err != nil {
		return 0, err
	}
	starts, err := c.offsets(ctx, s.topic, c.admin.ListStartOffsets)
	if err != nil {
		return 0, err
	}
	end, _ := ends.Lookup(s.topic, s.partition)
	start, _ := starts.Lookup(s.topic, s.partition)
	from := max(start.Offset, s.from)
	if from >= end.Offset {
		return end.Offset, nil
	}
	return end.Offset, c.read(ctx, s.topic, s.partition, from, s.level, func(r *kgo.Record) (bool, error) {
		more := true
		var err error
		if !r.Attrs.IsControl() && r.Offset < end.Offset {
			more, err = each(r)
		}
		return more && r.Offset+1 < end.Offset, err
	}, kgo.KeepControlRecords()) // the last record may be a marker
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
