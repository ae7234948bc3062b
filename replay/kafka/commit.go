package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/archive"
	"replayd/replay"
)

// hopelessTries is how often a chunk is offered that the cluster refuses for its content.
const hopelessTries = 5

// Commit implements replay.Sink. The chunk stays in memory until its outcome is known.
func (s *Sink) Commit(ctx context.Context, chunk *replay.Chunk) error {
	if s.settings.Ends && (len(chunk.Records) > 0 || !chunk.Checkpoint.State.Terminal()) {
		return errOnlyEnds
	}
	target := commitID{s.session, s.base.number + 1}
	c := &chunk.Checkpoint
	c.Version, c.Session, c.Commit, c.Host, c.PID = version, target.session, target.number, host(), os.Getpid()
	c.Sessions, c.Guarantee = s.sessions, s.guarantee()
	began, wait, refusals := time.Now(), anyRetry, 0
	limited, cancel := context.WithTimeout(ctx, s.cluster.options.GiveUp)
	defer cancel()
	for {
		err := s.try(limited, chunk)
		if err == nil {
			s.decided(ctx, target, c)
			return nil
		}
		chunk.Shared = true
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.cluster.unsure.Add(1)
		s.cluster.options.Log.Warn().Err(err).Int64("commit", target.number).Msg("a transaction did not end well: asking the log whether it was committed")
		if hopeless(err) {
			refusals++
		}
		if refusals == hopelessTries || limited.Err() != nil {
			s.producer.close() // not to be used again, even for word of the failure
			s.producer = nil
			return fmt.Errorf("commit %d of replay %s, up to %s, gave up after %s: %w",
				target.number, s.spec.ID, archive.Printable(c.Position.String()), time.Since(began).Round(time.Second), s.explain(err))
		}
		committed, err := s.recover(limited, target)
		if err != nil && limited.Err() != nil && ctx.Err() == nil {
			continue // and give up, in the words above
		}
		if err != nil {
			return err
		}
		if committed {
			*c = *s.journal.checkpoint
			s.decided(ctx, target, c)
			return nil
		}
		sleep(limited, wait)
		wait = longer(wait)
	}
}

// errOnlyEnds is met when somebody calls back what this session was begun for. The next one looks at the target again.
var errOnlyEnds = errors.New("this session is only to write that the replay has ended, and is told to go on")

// decided notes that target was committed with checkpoint c. When it is the last, it can be read, too.
func (s *Sink) decided(ctx context.Context, target commitID, c *replay.Checkpoint) {
	s.base = target
	s.vector.keep(c.Partitions)
	if n, _, due := s.mark(c); due {
		s.journal.marks[n] = true
	}
	if c.State.Terminal() {
		s.awaitVisible(ctx, c)
	}
}

// recover takes the replay again and reads in the log whether wanted was committed. A target that was deleted, or made
// anew, ends the replay: what it held is not known any more.
func (s *Sink) recover(ctx context.Context, wanted commitID) (committed bool, err error) {
	if err := s.checkJournal(ctx); err != nil { // in a new topic, barriers say nothing of who was first
		return false, err
	}
	if err := s.acquire(ctx); err != nil {
		return false, err
	}
	c := s.journal.checkpoint
	if c == nil || s.journal.genesis == nil { // forgotten, perhaps, while this session slept
		return false, s.lost(s.journal.topic, "emptied")
	}
	if err := s.checkJournal(ctx); err != nil {
		return false, err
	}
	if err := s.sameTarget(ctx); err != nil {
		return false, err
	}
	switch now := (commitID{c.Session, c.Commit}); now {
	case wanted:
		return true, nil
	case s.base:
		return false, nil
	default: // a session that has come and gone between
		return false, &replay.TakenOver{Host: c.Host, PID: c.PID}
	}
}

// sameTarget refuses to go on in another target than the replay began in.
func (s *Sink) sameTarget(ctx context.Context) error {
	if s.settings.Ends {
		return nil
	}
	target, err := s.detail(ctx, s.spec.Topic)
	switch {
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return s.lost(s.spec.Topic, "deleted")
	case err != nil:
		return err
	}
	return s.checkTarget(target)
}

// checkJournal refuses to go on in another checkpoint topic than the replay began in.
func (s *Sink) checkJournal(ctx context.Context) error {
	topic, err := s.detail(ctx, s.journal.topic)
	switch {
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return s.lost(s.journal.topic, "deleted")
	case err == nil && topic.ID.String() != s.journal.genesis.CheckpointTopicID:
		return s.lost(s.journal.topic, "deleted and made anew")
	}
	return err
}

// detail describes a topic, waiting for a cluster that does not answer.
func (s *Sink) detail(ctx context.Context, topic string) (kadm.TopicDetail, error) {
	for wait := anyRetry; ; wait = longer(wait) {
		d, err := s.cluster.topicDetail(ctx, topic)
		if err == nil || errors.Is(err, kerr.UnknownTopicOrPartition) || incurable(err) || ctx.Err() != nil {
			return d, err
		}
		sleep(ctx, wait)
	}
}

// try sends the chunk in one transaction.
func (s *Sink) try(ctx context.Context, chunk *replay.Chunk) error {
	if s.producer == nil {
		return fmt.Errorf("no producer")
	}
	if chunk.Checkpoint.State.Terminal() && !s.settings.Ends { // the last look at what the receipt will speak of
		target, err := s.cluster.topicDetail(ctx, s.spec.Topic)
		if err != nil {
			return err
		}
		if s.checkTarget(target) != nil {
			return errRegressed
		}
	}
	return s.producer.transaction(ctx, func(t *sending) error {
		m := s.make(chunk)
		t.sendAll(m.records)
		s.sendQuarantined(t, chunk)
		if err := t.flush(); err != nil {
			return err
		}
		partitions, ok := s.vector.with(m.records, chunk.Records)
		if !ok {
			return errRegressed
		}
		s.acknowledged(m)
		c := &chunk.Checkpoint
		c.Partitions = partitions
		c.Receipt = nil
		c.Seal(s.spec)
		s.sendControl(t, chunk)
		return t.flush()
	})
}

// errRegressed is a reason to ask: recover tells what became of the topic.
var errRegressed = errors.New("the target is not the topic that this replay has written to")

// made are the records of a chunk as Kafka's client takes them.
type made struct {
	records []kgo.Record
	headers []kgo.RecordHeader // of the records, behind one another
}

// make makes the records of a chunk, in the memory of those before if the client reads it no more.
func (s *Sink) make(chunk *replay.Chunk) made {
	now, n := time.Now(), 0
	for i := range chunk.Records {
		n += len(chunk.Records[i].Headers)
	}
	m := made{slices.Grow(s.spare.records, len(chunk.Records))[:len(chunk.Records)], slices.Grow(s.spare.headers, n)}
	s.spare = made{}
	for i := range chunk.Records {
		from, r := &chunk.Records[i], &m.records[i]
		r.Key = from.Route
		r.Partition = partitionFor(r, s.journal.genesis.Partitions)
		r.Topic, r.Key, r.Value, r.Timestamp = s.spec.Topic, from.Key, from.Value, now
		if s.spec.RecordTime == replay.RecordTimeOriginal && from.HasTime {
			r.Timestamp = time.UnixMilli(from.EventTime / int64(time.Millisecond))
		}
		first := len(m.headers)
		for _, h := range from.Headers {
			m.headers = append(m.headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		r.Headers = m.headers[first:len(m.headers):len(m.headers)]
	}
	return m
}

// acknowledged keeps the memory of records that the client has finished with.
func (s *Sink) acknowledged(m made) {
	clear(m.records)
	clear(m.headers)
	s.spare = made{m.records[:0], m.headers[:0]}
}

// quarantineValue is a record of the quarantine topic, which keeps those of forgotten replays, too.
type quarantineValue struct {
	Version int    `json:"version"`
	ID      string `json:"id"`
	Genesis int64  `json:"genesis,omitempty"` // offset of the replay's, as in started; 0: of a program that did not note it
	replay.Quarantined
}

func (s *Sink) sendQuarantined(t *sending, chunk *replay.Chunk) {
	n := s.control[quarantineTopic]
	for _, q := range chunk.Quarantined {
		key := []byte(s.spec.ID + "/" + q.Position.String())
		t.send(&kgo.Record{
			Topic: s.cluster.topic(quarantineTopic), Partition: partitionOf([]byte(s.spec.ID), n), Key: key,
			Value: encode(quarantineValue{version, s.spec.ID, s.journal.began, q}),
		}, nil)
	}
}

// sendControl writes what makes the chunk count, and, at the end of the replay, the news of it.
func (s *Sink) sendControl(t *sending, chunk *replay.Chunk) {
	c := &chunk.Checkpoint
	for _, h := range chunk.Hours {
		t.send(s.record(hourKey(s.spec.ID, h.Hour), encode(h)), nil)
	}
	if n, m, due := s.mark(c); due {
		t.send(s.record(markKey(s.spec.ID, n), encode(m)), nil)
	}
	t.send(s.record(checkpointKey(s.spec.ID), encode(c)), nil)
	if c.Receipt != nil {
		t.send(&kgo.Record{
			Topic: s.cluster.topic(statusTopic), Key: []byte(s.spec.ID), Value: encode(status{version, *c.Receipt, time.Now().UTC()}),
		}, func(r *kgo.Record) { s.news = r })
	}
}

// status is the news of the end of a replay.
type status struct {
	Version int            `json:"version"`
	Receipt replay.Receipt `json:"receipt"`
	At      time.Time      `json:"at"`
}

// marks is how many places a replay keeps at which an event time can be looked up.
const marks = 512

// mark is the place reached, when it is the first in its part of the window.
func (s *Sink) mark(c *replay.Checkpoint) (int64, mark, bool) {
	w := s.spec.Window
	if !w.Bounded() || !c.Begun {
		return 0, mark{}, false
	}
	n := int64(time.Duration(c.Position.Time-w.From.UnixNano()) / max(1, w.To.Sub(w.From)/marks))
	if n < 0 || n >= marks || s.journal.marks[n] {
		return 0, mark{}, false
	}
	m := mark{Version: version, EventTime: time.Unix(0, c.Position.Time).UTC(), Offsets: map[int32]int64{}}
	for _, p := range c.Partitions {
		m.Offsets[p.Partition] = p.StartOffset
		if p.LastOffset != nil {
			m.Offsets[p.Partition] = *p.LastOffset + 1
		}
		if p.LastEvent.After(m.LastEvent) { // of all sessions: it stands in the checkpoint
			m.LastEvent = p.LastEvent
		}
	}
	return n, m, true
}
