package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"replayd/replay"
)

const (
	lookEvery = 2 * time.Second // between two looks at the control topics
	lookLimit = 8 * time.Second // of one

	// deletedFor is how long a topic must be missing before it counts as deleted: brokers that are just coming up may hide one.
	deletedFor = 30 * time.Second
)

// followed are the topics that a view reads, without their prefix.
var followed = []string{checkpointTopic, configTopic, statusTopic}

// watch looks, again and again, whether the topics are those that are followed, and whether all of them has been read.
func (v *View) watch(ctx context.Context) {
	for ctx.Err() == nil {
		asked := time.Now()
		err := v.look(ctx)
		v.seen(asked, err)
		sleep(ctx, lookEvery)
	}
}

// seen notes what a look that began then has found.
func (v *View) seen(asked time.Time, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.trouble = err
	switch refusal := new(replay.Refusal); {
	case err == nil:
		v.caught, v.missing = asked, time.Time{}
	case !errors.As(err, &refusal):
		v.missing = time.Time{}
	case v.missing.IsZero():
		v.missing = asked
	case asked.Sub(v.missing) >= deletedFor && v.gone == nil:
		v.lose(refusal)
	}
}

// lose ends it: the topics that are followed are not there any more. The lock is held.
func (v *View) lose(why error) {
	v.gone = why
	ring(&v.moved)
	ring(&v.changed)
}

// look returns nil when the topics are those that are followed and everything has been read that they held when it began. How the
// audit is, which is not read, it notes apart.
func (v *View) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	if err := v.same(ctx); err != nil {
		return err
	}
	if err := v.awaitAll(ctx, checkpointTopic, v.cluster.admin.ListCommittedOffsets); err != nil {
		return err
	}
	for _, topic := range []string{configTopic, statusTopic} {
		if err := v.awaitAll(ctx, topic, v.cluster.admin.ListEndOffsets); err != nil {
			return err
		}
	}
	if err := v.doubt(ctx); err != nil {
		return err
	}
	return v.lookAtAudit(ctx)
}

// lookAtAudit compares the id of the audit topic. When it is another, what was done before is not known any more: that must not
// pass unseen only because somebody has made an empty one since. What is read of replays holds all the same.
func (v *View) lookAtAudit(ctx context.Context) error {
	id, err := v.cluster.controlID(ctx, auditTopic)
	if err == nil && id != v.audit {
		err = v.cluster.controlLost(v.cluster.topic(auditTopic), "deleted and made anew")
	}
	refusal := new(replay.Refusal)
	if err != nil && !errors.As(err, &refusal) {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.noAudit = err
	return nil
}

// same compares the ids of the topics. One that has another is gone for good, with what it held; one that is not there may
// only be hidden by brokers that are just coming up.
func (v *View) same(ctx context.Context) error {
	ids, err := v.cluster.controlIDs(ctx)
	if err != nil {
		return err
	}
	for topic, id := range v.ids {
		if ids[topic] == id {
			continue
		}
		gone := v.cluster.controlLost(topic, "deleted and made anew")
		v.mu.Lock()
		v.lose(gone)
		v.mu.Unlock()
		return gone
	}
	return nil
}

// controlIDs are the ids of the topics that a view follows, by name.
func (c *Cluster) controlIDs(ctx context.Context) (map[string]string, error) {
	ids := map[string]string{}
	for _, name := range followed {
		id, err := c.controlID(ctx, name)
		if err != nil {
			return nil, err
		}
		ids[c.topic(name)] = id
	}
	return ids, nil
}

// controlID is the id of a control topic. That it is not there is a *replay.Refusal.
func (c *Cluster) controlID(ctx context.Context, name string) (string, error) {
	topic := c.topic(name)
	detail, err := c.topicDetail(ctx, topic)
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return "", c.controlLost(topic, "deleted")
	}
	return detail.ID.String(), err
}

// controlLost is what is told of a topic that is not there any more.
func (c *Cluster) controlLost(topic, how string) *replay.Refusal {
	r := &replay.Refusal{
		Item: ItemRestart,
		What: fmt.Sprintf("topic %s was %s: what replays have produced is not known any more", topic, how),
		Next: "Stop all daemons. Choose another kafka.control_prefix, so that no replay is taken for a new one, and look at the replay topics before replaying into them again.",
	}
	switch topic { // nothing is continued by these
	case c.topic(auditTopic):
		r.What = fmt.Sprintf("topic %s was %s: who did what before is not known any more, and nothing that somebody asks for is done", topic, how)
		r.Next = "What runs goes on. Find out who did it, then start the daemons anew: they make the topic where it is missing, and go on."
	case c.topic(statusTopic):
		r.What = fmt.Sprintf("topic %s was %s: the receipts of replays that have ended are lost, and consumers that wait for them wait in vain", topic, how)
		r.Next = "Tell their owners: the API has the receipts. Start the daemons anew: they make the topic and go on."
	}
	return r
}

// awaitAll waits until all that a topic holds now has been read.
func (v *View) awaitAll(ctx context.Context, name string, list func(context.Context, ...string) (kadm.ListedOffsets, error)) error {
	topic := v.cluster.topic(name)
	ends, err := v.cluster.offsets(ctx, topic, list)
	if err != nil {
		return err
	}
	starts, err := v.cluster.offsets(ctx, topic, v.cluster.admin.ListStartOffsets)
	if err != nil {
		return err
	}
	for partition, end := range ends[topic] {
		if start, _ := starts.Lookup(topic, partition); start.Offset >= end.Offset {
			continue // nothing is there to be read
		}
		if err := v.awaitRead(ctx, topicPartition{topic, partition}, end.Offset); err != nil {
			return err
		}
	}
	return nil
}
