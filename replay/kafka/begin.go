package kafka

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// ItemRestart names the refusal to start at zero a replay that was already under way.
const ItemRestart = "restart"

// prepare looks at the cluster: preflight, and what the session must know. The control topics come to be, no more.
func (s *Sink) prepare(ctx context.Context) error {
	c := s.cluster
	var err error
	if s.codec, err = s.settings.codec(); err != nil {
		return err
	}
	if s.level, err = c.transactionVersion(ctx); err != nil {
		return err
	}
	all, err := c.registry(ctx)
	if err != nil {
		return c.DeniedBy(ctx, err, s.spec.Topic, s.settings)
	}
	known, err := all.find(s.spec.ID)
	if err != nil {
		return err
	}
	s.looked = all.end
	if err := s.preflight(ctx, known); err != nil {
		return err
	}
	if err := c.probe(ctx, s.spec); err != nil {
		return err
	}
	s.control, err = c.ensureControlTopics(ctx)
	return err
}

// preflight refuses what would hurt. Nothing does that only ends a replay.
func (s *Sink) preflight(ctx context.Context, known *Stored) error {
	look := s.cluster.Preflight
	switch {
	case s.settings.Ends && !known.Begun():
		return &replay.Refusal{Item: ItemRestart, What: fmt.Sprintf("replay %s has not begun, or was forgotten meanwhile: there is nothing to end", s.spec.ID)}
	case s.settings.Ends:
		return nil
	case known.Begun():
		look = s.cluster.PreflightKnown
	}
	findings, err := look(ctx, s.spec, s.settings)
	if err != nil {
		return err
	}
	return Refusals(findings, s.settings.Allow)
}

// target makes the replay topic if it is missing, which preflight has allowed, and learns what it takes.
func (s *Sink) target(ctx context.Context) error {
	if s.settings.Ends {
		s.maxBytes = defaultMaxMessage
		return nil
	}
	if err := s.cluster.createMissing(ctx, s.spec, s.settings); err != nil {
		return err
	}
	limit, err := s.cluster.maxMessage(ctx, s.spec.Topic)
	s.maxBytes = int32(limit)
	return err
}

// locate finds the checkpoint partition of the replay: where its first session put it, else by its name.
func (s *Sink) locate(ctx context.Context, known *Stored) error {
	topic := s.cluster.topic(checkpointTopic)
	details, err := s.cluster.topicDetail(ctx, topic)
	if err != nil {
		return err
	}
	partition := partitionOf([]byte(s.spec.ID), int32(len(details.Partitions)))
	if known.started != nil {
		partition = known.started.CheckpointPartition
		if id := details.ID.String(); id != known.started.CheckpointTopicID {
			return s.lost(topic, "deleted and made anew")
		}
	}
	s.journal = newJournal(s.spec.ID, s.session, topic, partition, s.cluster.options.Log)
	s.journal.part = known.part
	return nil
}

// lost refuses to go on: a replay never silently begins at zero again.
func (s *Sink) lost(topic, how string) error { return lost(s.spec.ID, topic, how) }

func lost(id, topic, how string) *replay.Refusal {
	return &replay.Refusal{
		Item: ItemRestart,
		What: fmt.Sprintf("replay %s had begun, and since then topic %s was %s: what is already produced is not known any more", id, topic, how),
		Next: "Look at the replay topic, and start a new replay under another --id, into an empty topic. What is left of this one a daemon deletes: replayd forget " + id,
	}
}

// begin finds the checkpoint to go on from, or makes the first one.
func (s *Sink) begin(ctx context.Context, known *Stored) error {
	if s.settings.Ends {
		return s.ending()
	}
	target, err := s.cluster.topicDetail(ctx, s.spec.Topic)
	if err != nil {
		return err
	}
	switch {
	case s.journal.checkpoint != nil && s.journal.genesis != nil:
		if err := s.checkTarget(target); err != nil {
			return err
		}
	case known.started != nil:
		return s.lost(s.journal.topic, "emptied")
	default:
		if err := s.writeGenesis(ctx, target); err != nil {
			return err
		}
	}
	if s.journal.checkpoint.Begun {
		return nil
	}
	return s.sayStarted(ctx, known.started)
}

// sayStarted makes durable, before the first data, that the replay has begun. What was said of that before is said again as it was: the
// config topic is read uncommitted, so it may stand in a transaction that was aborted, and compaction would take it away.
func (s *Sink) sayStarted(ctx context.Context, before *started) error {
	if before == nil {
		g := s.journal.genesis
		before = &started{
			Version: version, CheckpointPartition: g.CheckpointPartition, CheckpointTopicID: g.CheckpointTopicID, TopicID: g.TopicID,
			Genesis: s.journal.began, Looked: s.looked, Overlap: s.settings.Allow.Has(ItemOverlap),
		}
	}
	return s.writeConfig(ctx, startedKey(s.spec.ID), *before)
}

// ending is begin for a session that only ends the replay: there must be one that has begun.
func (s *Sink) ending() error {
	if s.journal.checkpoint == nil || s.journal.genesis == nil {
		return s.lost(s.journal.topic, "emptied")
	}
	return s.checkSpec()
}

// checkSpec refuses a genesis that was another replay's.
func (s *Sink) checkSpec() error {
	if s.journal.genesis.Spec != s.spec.Hash() {
		return s.lost(s.cluster.topic(configTopic), "deleted or emptied")
	}
	return nil
}

// checkTarget holds the target against what it was at genesis.
func (s *Sink) checkTarget(target kadm.TopicDetail) error {
	g := s.journal.genesis
	n := int32(len(target.Partitions))
	if err := s.checkSpec(); err != nil {
		return err
	}
	switch {
	case target.ID.String() != g.TopicID:
		return s.lost(s.spec.Topic, "deleted and made anew")
	case n < g.Partitions:
		return s.lost(s.spec.Topic, fmt.Sprintf("cut from %d to %d partitions", g.Partitions, n))
	case n > g.Partitions:
		s.cluster.options.Log.Warn().Msgf("topic %s has %d partitions now; replay %s began with %d and keeps to them, or its events would change places",
			s.spec.Topic, n, s.spec.ID, g.Partitions)
	}
	if g.DecisionVersion != replay.DecisionVersion {
		return &replay.Refusal{
			Item: ItemRestart,
			What: fmt.Sprintf("replay %s was begun by a replayd whose rules have version %d; this one has version %d and would decide otherwise", s.spec.ID, g.DecisionVersion, replay.DecisionVersion),
			Next: "Continue it with the replayd that began it.",
		}
	}
	return nil
}

// writeGenesis is the replay's first transaction. It holds no data; data comes only after config says that it began.
func (s *Sink) writeGenesis(ctx context.Context, target kadm.TopicDetail) error {
	checkpoints, err := s.cluster.topicDetail(ctx, s.journal.topic)
	if err != nil {
		return err
	}
	n := int32(len(target.Partitions))
	starts, err := s.cluster.ends(ctx, s.spec.Topic, n)
	if err != nil {
		return err
	}
	g := &genesis{
		Version: version, Spec: s.spec.Hash(), Archive: s.spec.URL, Window: s.spec.Window, Topic: s.spec.Topic,
		TopicID: target.ID.String(), CheckpointTopicID: checkpoints.ID.String(), CheckpointPartition: s.journal.partition,
		Partitions: n, DecisionVersion: replay.DecisionVersion, StartOffsets: starts, Session: s.session, At: time.Now().UTC(),
	}
	first := &replay.Checkpoint{
		Version: version, Session: s.session, Host: host(), PID: os.Getpid(), State: replay.Running, Guarantee: s.guarantee(),
	}
	for i, start := range starts {
		first.Partitions = append(first.Partitions, replay.Partition{Topic: s.spec.Topic, Partition: int32(i), StartOffset: start})
	}
	began := int64(0)
	err = s.producer.opening(ctx, func(t *sending) error {
		t.send(s.record(genesisKey(s.spec.ID), encode(g)), func(r *kgo.Record) { began = r.Offset })
		t.send(s.record(checkpointKey(s.spec.ID), encode(first)), nil)
		return nil
	})
	if err == nil {
		s.journal.genesis, s.journal.began, s.journal.checkpoint = g, began, first
		return nil
	}
	if err := s.take(ctx); err != nil { // which also tells whether it was committed after all
		return err
	}
	if s.journal.genesis == nil {
		return s.writeGenesis(ctx, target)
	}
	return nil
}

func (s *Sink) guarantee() string {
	return fmt.Sprintf("exactly-once (transaction.version %d)", s.level)
}
