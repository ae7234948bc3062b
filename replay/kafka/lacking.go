package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// sight is what one user sees of a topic.
type sight struct {
	err        error // nil: it is there. kerr.UnknownTopicOrPartition, or kerr.TopicAuthorizationFailed: nobody says whether it is
	operations int32 // a bit for each kmsg.ACLOperation that is allowed
}

func (s sight) hidden() bool  { return errors.Is(s.err, kerr.TopicAuthorizationFailed) }
func (s sight) missing() bool { return errors.Is(s.err, kerr.UnknownTopicOrPartition) }

// allows reports whether an operation is allowed. Brokers that do not tell are taken to allow it.
func (s sight) allows(op kmsg.ACLOperation) bool {
	return s.operations == math.MinInt32 || s.operations>>op&1 == 1
}

// rightsCheck asks what the user of a session may do. All of its questions leave the cluster as it is.
type rightsCheck struct {
	cluster  *Cluster
	topic    string // the target; empty: not known yet
	settings Settings
	begun    bool // the replay: its target is no longer looked into, and config is not written
	seen     map[string]sight

	missing []Right
	perhaps []Right // missing if the topics that are hidden are not there
}

// lacking finds what is missing of the rights to replay into topic.
func (c *Cluster) lacking(ctx context.Context, topic string, s Settings, begun bool) (*rightsCheck, error) {
	q := &rightsCheck{cluster: c, topic: topic, settings: s, begun: begun}
	var err error
	if q.seen, err = c.sight(ctx, q.topics()); err != nil {
		return nil, err
	}
	for _, r := range q.needed() {
		held, err := q.holds(ctx, r)
		if err != nil {
			return nil, err
		}
		if !held {
			q.missing = append(q.missing, r)
		}
	}
	return q, q.creation(ctx)
}

// topics are those that the replay looks at.
func (q *rightsCheck) topics() []string {
	names := q.cluster.controlNames()
	for _, name := range []string{q.topic, q.settings.Like} {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// needed are the rights that the replay takes when all topics are there.
func (q *rightsCheck) needed() []Right {
	config := q.cluster.topic(configTopic)
	return slices.DeleteFunc(Rights(q.cluster.options.ControlPrefix, q.topic), func(r Right) bool {
		return r.Name == "" || q.begun && (r == on(q.topic, kmsg.ACLOperationRead) || r == on(config, kmsg.ACLOperationWrite))
	})
}

// sight asks for the operations that are allowed on topics. A topic that is not there has them, too.
func (c *Cluster) sight(ctx context.Context, topics []string) (map[string]sight, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.IncludeTopicAuthorizedOperations = true
	for _, name := range topics {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, topic)
	}
	resp, err := req.RequestWith(ctx, c.client)
	if err != nil {
		return nil, fmt.Errorf("ask what is allowed on topics: %w", err)
	}
	seen := map[string]sight{}
	for _, t := range resp.Topics {
		if t.Topic != nil {
			seen[*t.Topic] = sight{kerr.ErrorForCode(t.ErrorCode), t.AuthorizedOperations}
		}
	}
	return seen, nil
}

// holds reports whether the user has a right.
func (q *rightsCheck) holds(ctx context.Context, r Right) (bool, error) {
	switch s := q.seen[r.Name]; {
	case r.Resource == kmsg.ACLResourceTypeTransactionalId:
		return q.cluster.transacts(ctx, r.Name)
	case !s.hidden():
		return s.allows(r.Operation), nil
	case r.Operation == kmsg.ACLOperationDescribeConfigs: // which does not show the topic
		_, err := q.cluster.topicSettings(ctx, r.Name)
		return !Denied(err), nil
	}
	return false, nil // reading, writing and describing each would show it
}

// transacts reports whether the user may see transactional ids under a prefix, which whoever may write them may. A broker
// that does not hold the id's state answers as well, so that nothing comes to be for the question: finding the one that
// does would create a topic of Kafka's on a new cluster.
func (c *Cluster) transacts(ctx context.Context, prefix string) (bool, error) {
	brokers, err := c.brokers(ctx)
	if err != nil {
		return false, err
	}
	req := kmsg.NewPtrDescribeTransactionsRequest()
	req.TransactionalIDs = []string{prefix + probeName}
	answer, err := c.client.Broker(int(brokers[0])).Request(ctx, req)
	if err != nil { // brokers before Kafka 3.0 do not know the question
		c.options.Log.Debug().Err(err).Msg("whether transactions are allowed is not to be asked")
		return true, nil
	}
	for _, state := range answer.(*kmsg.DescribeTransactionsResponse).TransactionStates {
		if Denied(kerr.ErrorForCode(state.ErrorCode)) {
			return false, nil
		}
	}
	return true, nil
}

// creation looks at the rights to create what is not there. Of a topic that is hidden nobody knows whether it is.
func (q *rightsCheck) creation(ctx context.Context) error {
	denied, err := q.uncreatable(ctx)
	if err != nil {
		return err
	}
	toCreate := RightsToCreate(q.cluster.options.ControlPrefix, q.topic, q.settings.Like)
	control, target := toCreate[0], toCreate[1:]
	for _, name := range q.cluster.controlNames() {
		if slices.Contains(denied, name) && !(q.seen[name].hidden() && q.installed()) {
			q.lack(q.seen[name], control)
		}
	}
	if !q.creates(q.topic) {
		return nil
	}
	for _, r := range target {
		held, err := q.mayCreate(ctx, r, denied)
		if err != nil {
			return err
		}
		if !held {
			q.lack(q.seen[q.topic], r)
		}
	}
	return nil
}

// mayCreate reports whether the user has a right that creating the target takes.
func (q *rightsCheck) mayCreate(ctx context.Context, r Right, denied []string) (bool, error) {
	switch {
	case r.Operation == kmsg.ACLOperationCreate:
		return !slices.Contains(denied, r.Name), nil
	case r.Resource == kmsg.ACLResourceTypeCluster: // its operations are told only to who may describe it
		_, err := q.cluster.created(ctx, Settings{})
		return !Denied(err), nil
	}
	return q.holds(ctx, r)
}

// installed reports whether a control topic is seen to be there: so are the others then, which are made together.
func (q *rightsCheck) installed() bool {
	return slices.ContainsFunc(q.cluster.controlNames(), func(name string) bool { return q.seen[name].err == nil })
}

// lack notes a right to create what is seen so.
func (q *rightsCheck) lack(s sight, r Right) {
	list := &q.missing
	if s.hidden() {
		list = &q.perhaps
	}
	if !slices.Contains(*list, r) {
		*list = append(*list, r)
	}
}

// Creates reports whether the replay would create a topic, as far as is known.
func (q *rightsCheck) creates(topic string) bool {
	s := q.seen[topic]
	if topic == "" || !s.missing() && !s.hidden() {
		return false
	}
	return topic != q.topic || !q.begun && q.settings.Creates()
}

// uncreatable are the topics that would have to be created, and that this user may not create. That is asked by creating
// them for validation only: the right may be one on the cluster, of which the operations of a topic say nothing.
func (q *rightsCheck) uncreatable(ctx context.Context) ([]string, error) {
	names := append(q.cluster.controlNames(), q.topic)
	names = slices.DeleteFunc(names, func(name string) bool { return !q.creates(name) })
	validated, err := q.cluster.admin.ValidateCreateTopics(ctx, -1, -1, nil, names...)
	if err != nil {
		return nil, fmt.Errorf("ask whether topics may be created: %w", err)
	}
	return slices.DeleteFunc(names, func(name string) bool { return !Denied(validated[name].Err) }), nil
}
