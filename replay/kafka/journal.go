package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// journal is what the checkpoint partition says of one replay, as far as it was read. Only records seen under
// read_committed change it, except for rivals.
type journal struct {
	id        string
	session   string // this one
	part      string // the last of the key of the replay's spec; empty: not known
	topic     string
	partition int32
	log       zerolog.Logger

	next       int64 // offset to read from
	genesis    *genesis
	began      int64 // offset of genesis
	checkpoint *replay.Checkpoint
	hours      map[string]replay.HourRecord
	marks      map[int64]bool
	rival      rival
}

// rival is the barrier of another session with the largest since.
type rival struct {
	barrier
	since int64
	seen  bool
}

func newJournal(id, session, topic string, partition int32, log zerolog.Logger) *journal {
	return &journal{
		id: id, session: session, topic: topic, partition: partition, log: log,
		hours: map[string]replay.HourRecord{}, marks: map[int64]bool{},
	}
}

// apply takes one committed record.
func (j *journal) apply(r *kgo.Record) error {
	j.next = r.Offset + 1
	id, about, ok := splitKey(r.Key)
	if !ok || id != j.id {
		return nil
	}
	switch {
	case about == "barrier":
		return j.applyBarrier(r)
	case about == "genesis":
		return apply(j, r, func(g *genesis) { j.genesis, j.began = g, r.Offset })
	case about == "checkpoint":
		return apply(j, r, func(c *replay.Checkpoint) { j.checkpoint = c })
	case strings.HasPrefix(about, "hour/"):
		return apply(j, r, func(h *replay.HourRecord) {
			if h != nil {
				j.hours[h.Hour] = *h
				return
			}
			delete(j.hours, strings.TrimPrefix(about, "hour/"))
		})
	case strings.HasPrefix(about, "mark/"):
		j.applyMark(about, r.Value != nil)
	}
	return nil
}

func (j *journal) applyMark(about string, there bool) {
	var n int64
	switch _, err := fmt.Sscanf(about, "mark/%d", &n); {
	case err != nil:
	case there:
		j.marks[n] = true
	default:
		delete(j.marks, n)
	}
}

// apply decodes r and hands it to set, nil for a tombstone. What is not ours is left alone and said.
func apply[T any](j *journal, r *kgo.Record, set func(*T)) error {
	if r.Value == nil {
		set(nil)
		return nil
	}
	v := new(T)
	ok, err := decode(j.topic, r.Key, r.Value, v)
	switch {
	case err != nil:
		return err
	case !ok:
		j.log.Warn().Str("topic", j.topic).Int64("offset", r.Offset).Bytes("key", r.Key).Msg("a record here is not replayd's: ignored")
	default:
		set(v)
	}
	return nil
}

// applyBarrier notes barriers of others; it may be given uncommitted records too. A session of the replay that had the id before may
// have slept meanwhile, and fence this one before it learns what has become of its own: it writes nothing more then, and this session
// goes on.
func (j *journal) applyBarrier(r *kgo.Record) error {
	return apply(j, r, func(b *barrier) {
		if b == nil || b.Session == j.session || b.Of != "" && j.part != "" && b.Of != j.part {
			return
		}
		since := r.Offset
		if b.Since != nil {
			since = *b.Since
		}
		if !j.rival.seen || since >= j.rival.since {
			j.rival = rival{barrier: *b, since: since, seen: true}
		}
	})
}

// supersededBy reports the session that started after the one whose first barrier stands at since.
func (j *journal) supersededBy(since int64) error {
	if j.rival.seen && j.rival.since > since {
		return &replay.TakenOver{Host: j.rival.Host, PID: j.rival.PID}
	}
	return nil
}

// readTo reads the partition, committed records only, until the record at offset was applied. Everything that was committed
// before that record was written is then known; "the end of the log" would not be enough, since a neighbour's open
// transaction hides what lies behind it.
func (j *journal) readTo(ctx context.Context, c *Cluster, offset int64) error {
	return c.read(ctx, j.topic, j.partition, j.next, kgo.ReadCommitted(), func(r *kgo.Record) (bool, error) {
		switch {
		case r.Offset > offset:
			return false, errBarrierAborted
		case r.Attrs.IsControl():
			return true, nil
		}
		if err := j.apply(r); err != nil {
			return false, err
		}
		return r.Offset < offset, nil
	}, kgo.KeepControlRecords())
}

// errBarrierAborted says that the log goes on behind a barrier that is not in it. The client (franz-go 1.22.2) may abort
// the first transaction of its life and report a commit: when the acknowledgement outruns its own note of the topic's
// partitions, EndTransaction finds nothing that was produced. Later ones are safe, since the checkpoint topic is noted by
// then and is part of each.
var errBarrierAborted = errors.New("the barrier was aborted though its commit seemed to succeed")

// peek looks for rivals in everything that was written, committed or not.
func (j *journal) peek(ctx context.Context, c *Cluster) error {
	ends, err := c.offsets(ctx, j.topic, c.admin.ListEndOffsets)
	if err != nil {
		return err
	}
	end, ok := ends.Lookup(j.topic, j.partition)
	if !ok || end.Offset <= j.next {
		return nil
	}
	return c.read(ctx, j.topic, j.partition, j.next, kgo.ReadUncommitted(), func(r *kgo.Record) (bool, error) {
		if id, about, ok := splitKey(r.Key); ok && id == j.id && about == "barrier" && !r.Attrs.IsControl() {
			if err := j.applyBarrier(r); err != nil {
				return false, err
			}
		}
		return r.Offset+1 < end.Offset, nil
	}, kgo.KeepControlRecords()) // the last record may be a marker
}
