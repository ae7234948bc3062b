package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// Sink puts one replay into a topic of a cluster. It serves one session: make a new one for the next.
type Sink struct {
	cluster  *Cluster
	settings Settings
	spec     *replay.Spec
	session  string
	level    int // transaction.version

	journal  *journal
	producer *producer
	since    int64 // offset of this session's first committed barrier; -1 before
	sessions int
	base     commitID // the newest commit that is known to be decided
	vector   *vector
	spare    made // memory of records that were acknowledged
	codec    kgo.CompressionCodec
	maxBytes int32
	control  map[string]int32 // partitions of the control topics
	looked   int64            // end of the config topic when preflight looked for other replays
	news     *kgo.Record      // of the replay's end; nil before
	forgets  *forgotten       // what the session deletes the records of; nil: it runs a replay
	began    time.Time        // when the replay began, in its first session
	frozen   atomic.Bool      // the spec stands in the config topic
}

var _ replay.Sink = (*Sink)(nil)

// commitID names a commit: no two sessions and no two commits of one share it.
type commitID struct {
	session string
	number  int64
}

// Sink returns the sink of one session.
func (c *Cluster) Sink(s Settings) *Sink {
	return &Sink{cluster: c, settings: s, session: ulid.Make().String(), since: -1}
}

// Close ends the session. What was not committed is aborted by the next one, or by the broker after a minute.
func (s *Sink) Close() { s.producer.close() }

// Stands is the session's id, and the number of the newest commit of the replay that it knows; -1: of none. It is not to be asked while
// Open or Commit are under way.
func (s *Sink) Stands() (session string, commit int64) {
	if s.base == (commitID{}) {
		return s.session, -1
	}
	return s.session, s.base.number
}

// Frozen reports whether the spec is known to be frozen, so that the id alone continues the replay. It may be asked by any
// goroutine at any time.
func (s *Sink) Frozen() bool { return s.frozen.Load() }

// Open implements replay.Sink. It returns *replay.Refusal when preflight or the state of the topics forbid the replay,
// *SpecDiffers when the id belongs to another one, and *Unanswered when the brokers do not answer.
func (s *Sink) Open(ctx context.Context, spec *replay.Spec) (replay.Durable, error) {
	d, err := s.open(ctx, spec)
	return d, s.cluster.unanswered(err)
}

func (s *Sink) open(ctx context.Context, spec *replay.Spec) (replay.Durable, error) {
	s.spec = spec
	if err := s.prepare(ctx); err != nil {
		return replay.Durable{}, err
	}
	outcome, err := s.cluster.overriding(ctx, spec, s.session, s.settings)
	if err != nil {
		return replay.Durable{}, err
	}
	d, err := s.takeOver(ctx)
	return d, errors.Join(err, outcome(ctx, err))
}

// takeOver makes this session the replay's owner and finds where it stands.
func (s *Sink) takeOver(ctx context.Context) (replay.Durable, error) {
	known, err := s.own(ctx)
	if err != nil {
		return replay.Durable{}, err
	}
	c := *s.journal.checkpoint
	s.base = commitID{c.Session, c.Commit}
	if !c.Begun && !s.settings.Ends {
		if err := s.contend(ctx); err != nil {
			return replay.Durable{}, err
		}
	}
	s.began = s.journal.genesis.At
	s.sessions = c.Sessions + 1
	s.vector = newVector(c.Partitions)
	return replay.Durable{Checkpoint: c, Resumed: known.started != nil, Hours: maps.Clone(s.journal.hours)}, nil
}

// own freezes the spec, fences all other sessions and sees to it that the replay has a beginning. It returns what was
// known of it before.
func (s *Sink) own(ctx context.Context) (*Stored, error) {
	if err := s.target(ctx); err != nil {
		return nil, err
	}
	known, err := s.cluster.freeze(ctx, s.spec, s.settings)
	if err != nil {
		return nil, err
	}
	s.frozen.Store(true)
	if err := s.locate(ctx, known); err != nil {
		return nil, err
	}
	if err := s.take(ctx); err != nil {
		return nil, err
	}
	return known, s.begin(ctx, known)
}

// transactionalID of a replay: two control prefixes never fence each other.
func (s *Sink) transactionalID() string { return s.cluster.options.ControlPrefix + "." + s.spec.ID }

// acquire makes this session the owner: it fences all others and reads the log up to its own barrier. It is tried until
// it succeeds, a later session turns up, or GiveUp has passed.
func (s *Sink) acquire(ctx context.Context) error {
	wait := anyRetry
	limited, cancel := context.WithTimeout(ctx, s.cluster.options.GiveUp)
	defer cancel()
	for {
		err := s.tryAcquire(limited)
		if err == nil || final(err) || ctx.Err() != nil {
			return err
		}
		if limited.Err() != nil {
			return fmt.Errorf("gave up after %s: %w", s.cluster.options.GiveUp, s.cluster.explain(err))
		}
		s.cluster.options.Log.Debug().Err(err).Msg("taking the replay over: again")
		s.cluster.askAll()
		wait = pause(wait, s.since < 0, err)
		sleep(limited, wait)
		wait = longer(wait)
	}
}

// pause is how long a session waits behind err before it tries to take over again, which it would otherwise do after wait.
func pause(wait time.Duration, newcomer bool, err error) time.Duration {
	if newcomer && fencing(err) {
		return time.Second + rand.N(2*time.Second) // let the other finish: two newcomers could fence each other for ever
	}
	return wait
}

func (s *Sink) tryAcquire(ctx context.Context) error {
	s.producer.close()
	s.producer = nil
	if s.forgets != nil && !s.forgets.still() {
		return errForgotten
	}
	if s.since >= 0 { // never fence a session that started later
		if err := s.journal.peek(ctx, s.cluster); err != nil {
			return err
		}
		if err := s.journal.supersededBy(s.since); err != nil {
			return err
		}
	}
	p, err := s.cluster.newProducer(ctx, s.transactionalID(), s.codec, s.spec.Topic, s.maxBytes)
	if err != nil {
		return err
	}
	offset, err := s.writeBarrier(ctx, p)
	if err != nil {
		p.close()
		return err
	}
	if err := s.journal.readTo(ctx, s.cluster, offset); err != nil {
		p.close()
		return err
	}
	if s.since < 0 {
		s.since = offset
	}
	s.producer = p
	return s.journal.supersededBy(s.since)
}

// writeBarrier returns the offset of the barrier.
func (s *Sink) writeBarrier(ctx context.Context, p *producer) (int64, error) {
	offset := int64(-1)
	err := p.opening(ctx, func(t *sending) error {
		t.send(s.barrier(), func(r *kgo.Record) { offset = r.Offset })
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("barrier: %w", err)
	}
	return offset, nil
}

// barrier is the record of this session's barrier.
func (s *Sink) barrier() *kgo.Record {
	b := barrier{Version: version, Session: s.session, Host: host(), PID: os.Getpid(), Of: s.journal.part}
	if s.since >= 0 {
		b.Since = &s.since
	}
	return s.record(barrierKey(s.spec.ID), encode(b))
}

// record is one for the replay's checkpoint partition.
func (s *Sink) record(key string, value []byte) *kgo.Record {
	return &kgo.Record{Topic: s.journal.topic, Partition: s.journal.partition, Key: []byte(key), Value: value}
}

// SpecDiffers says that an id is taken by a replay of something else.
type SpecDiffers struct {
	ID          string
	Differences []string // field: theirs, ours
}

func (e *SpecDiffers) Error() string {
	text := fmt.Sprintf("replay %s exists and is another one:", e.ID)
	for _, d := range e.Differences {
		text += "\n  " + d
	}
	return text + "\nContinue it by --id alone, or choose another --id"
}

// Unwrap is the same without the differences.
func (e *SpecDiffers) Unwrap() error { return &replay.Taken{ID: e.ID} }

// final reports errors that no further try cures and that are not ours to retry.
func final(err error) bool {
	var taken *replay.TakenOver
	var newer *errNewer
	var refusal *replay.Refusal
	return errors.As(err, &taken) || errors.As(err, &newer) || errors.As(err, &refusal) || errors.Is(err, errForgotten) || incurable(err)
}
