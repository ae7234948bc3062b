package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/replay"
)

const (
	probeName    = "~probe" // behind the control prefix: no replay's id begins so
	probeTimeout = 5 * time.Second
	probeLimit   = 10 * time.Second // of all of it; the first transaction of a cluster takes as long
)

// probe writes a record into a transaction on the checkpoint topic and aborts it: what no list of operations tells, that
// the cluster lets this user do what all depends on. On the target it would leave an aborted record; on the checkpoint
// topic there are such records after each crash. A session that begins does it, and plan does not: plan leaves nothing
// behind.
//
// The transactional id is that of the replay's probes: its own would fence a session that is at work, and one for each
// process would leave the probe of a process that was killed open until it times out, which the barrier of the next
// session would wait for. So the next probe ends it. Two at a time fence each other, which tells nothing of rights: only a
// denial is the business of a probe. What else goes wrong, the session meets again where it is tried again.
func (c *Cluster) probe(ctx context.Context, spec *replay.Spec) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	err := c.abortOne(ctx, spec)
	if !Denied(err) {
		c.options.Log.Debug().Err(err).Msg("a transaction was tried")
		return nil
	}
	right := on(c.topic(checkpointTopic), kmsg.ACLOperationWrite)
	switch {
	case errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
		right = transactional(c.options.ControlPrefix)
	case errors.Is(err, kerr.ClusterAuthorizationFailed): // brokers before Kafka 2.8
		right = Right{Operation: kmsg.ACLOperationIdempotentWrite, Resource: kmsg.ACLResourceTypeCluster, Name: clusterName}
	}
	f := c.refuseRights(spec.Topic, []Right{right}, nil)
	return &replay.Refusal{Item: f.Item, What: f.What, Next: f.Next}
}

// abortOne begins a transaction and aborts it. On a cluster without the checkpoint topic it holds nothing.
func (c *Cluster) abortOne(ctx context.Context, spec *replay.Spec) error {
	client, err := c.prober(spec.ID)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := c.beginOne(ctx, client, spec); err != nil {
		return err
	}
	return client.EndTransaction(ctx, kgo.TryAbort)
}

// prober is a client with the transactional id of a replay's probes.
func (c *Cluster) prober(id string) (*kgo.Client, error) {
	return kgo.NewClient(append(c.common(),
		kgo.TransactionalID(c.topic(probeName+"."+id)),
		kgo.TransactionTimeout(probeTimeout),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	)...)
}

// beginOne leaves a transaction open that holds a record.
func (c *Cluster) beginOne(ctx context.Context, client *kgo.Client, spec *replay.Spec) error {
	if _, _, err := client.ProducerID(ctx); err != nil {
		return err
	}
	topic := c.topic(checkpointTopic)
	detail, err := c.topicDetail(ctx, topic)
	if err != nil {
		return err
	}
	if err := client.BeginTransaction(); err != nil {
		return err
	}
	r := &kgo.Record{Topic: topic, Partition: partitionOf([]byte(spec.ID), int32(len(detail.Partitions))), Key: []byte(probeName)}
	return produce(ctx, client, r)
}
