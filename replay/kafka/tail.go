package kafka

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// What a client that follows topics holds at most of what it has fetched, for each broker and partition. A record that is
// larger comes alone.
const (
	tailBytes          = 8 << 20
	tailPartitionBytes = 1 << 20
)

// tailer is a client that reads topics from their beginning and then on, markers included: only so it is known how far.
func (c *Cluster) tailer(level kgo.IsolationLevel, topics ...string) (*kgo.Client, error) {
	client, err := kgo.NewClient(append(c.common(),
		kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(level), kgo.KeepControlRecords(),
		kgo.FetchMaxBytes(tailBytes), kgo.FetchMaxPartitionBytes(tailPartitionBytes),
	)...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	return client, nil
}

// tail applies what a client fetches until ctx ends.
func (v *View) tail(ctx context.Context, client *kgo.Client) {
	defer client.Close()
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return
		}
		if err := fetches.Err(); err != nil { // the client goes on by itself, and watch tells what keeps it from doing so
			v.cluster.options.Log.Debug().Err(err).Msg("reading the control topics")
			sleep(ctx, anyRetry)
		}
		v.take(fetches.Records())
	}
}

// take applies records that were read, in the order of each partition.
func (v *View) take(records []*kgo.Record) {
	if len(records) == 0 {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.gone != nil { // and what is in others of the same names is not what is followed
		return
	}
	changed := false
	for _, r := range records {
		if !r.Attrs.IsControl() && v.apply(r) {
			changed = true
		}
		v.next[topicPartition{r.Topic, r.Partition}] = r.Offset + 1
	}
	ring(&v.moved)
	if changed {
		ring(&v.changed)
	}
}

// apply takes one record and reports whether anything may be otherwise than before.
func (v *View) apply(r *kgo.Record) bool {
	switch strings.TrimPrefix(r.Topic, v.cluster.options.ControlPrefix+".") {
	case configTopic:
		return v.registry.apply(r) != ""
	case checkpointTopic:
		return v.applyCheckpoint(r)
	case statusTopic:
		return v.applyLive(r)
	}
	return false
}

// applyCheckpoint keeps the newest checkpoint. The other records of that topic are the business of sessions.
func (v *View) applyCheckpoint(r *kgo.Record) bool {
	id, about, ok := splitKey(r.Key)
	switch {
	case ok && about != "checkpoint":
		return false
	case !ok:
		if string(r.Key) != probeName {
			v.registry.foreign.say(r)
		}
		return false
	}
	return v.with(id, func(p *progressed) {
		c := p.checkpoints[r.Partition]
		if c == nil {
			c = &register[replay.Checkpoint]{}
			p.checkpoints[r.Partition] = c
		}
		if c.take(r, func(c *replay.Checkpoint) error { return standing(c.State) }); c.absent() {
			delete(p.checkpoints, r.Partition)
		}
	})
}

// applyLive keeps the newest word of a session. One that cannot be read is nobody's loss.
func (v *View) applyLive(r *kgo.Record) bool {
	id, live := strings.CutPrefix(string(r.Key), progressPrefix)
	if replay.ValidID(id) != nil {
		v.registry.foreign.say(r)
		return false
	}
	return live && v.with(id, func(p *progressed) {
		if p.live.take(r, func(l *replay.Live) error { return standing(l.State) }); p.live.err != nil {
			v.registry.foreign.say(r)
			p.live = register[replay.Live]{}
		}
	})
}

// with lets change change what is known of a replay's progress.
func (v *View) with(id string, change func(*progressed)) bool {
	p := v.progress[id]
	if p == nil {
		if len(v.progress) == mostReplays {
			v.full = true
			return false
		}
		p = &progressed{checkpoints: map[int32]*register[replay.Checkpoint]{}}
		v.progress[id] = p
	}
	if change(p); p.empty() {
		delete(v.progress, id)
	}
	return true
}

// awaitRead waits until everything before end has been read, or ctx ends.
func (v *View) awaitRead(ctx context.Context, of topicPartition, end int64) error {
	for {
		v.mu.Lock()
		next, moved, gone := v.next[of], v.moved, v.gone
		v.mu.Unlock()
		switch {
		case gone != nil:
			return gone
		case next >= end:
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("read %s up to offset %d, %s: %w", of, end, strconv.FormatInt(next, 10), ctx.Err())
		}
	}
}

func (p topicPartition) String() string { return fmt.Sprintf("%s/%d", p.topic, p.partition) }
