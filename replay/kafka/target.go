package kafka

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"replayd/archive"
	"replayd/replay"
)

var topicForm = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// ValidTopic reports whether Kafka takes a topic of this name (Kafka's own Topic.validate).
func ValidTopic(name string) error {
	if !topicForm.MatchString(name) || name == "." || name == ".." {
		return fmt.Errorf("topic %q: want letters, digits, dots, dashes and underscores, at most 249", name)
	}
	return nil
}

// topicDetail describes a topic that is there.
func (c *Cluster) topicDetail(ctx context.Context, topic string) (kadm.TopicDetail, error) {
	list, err := c.admin.ListTopics(ctx, topic)
	if err == nil {
		err = list[topic].Err
	}
	if err != nil {
		return kadm.TopicDetail{}, fmt.Errorf("describe topic %s: %w", topic, err)
	}
	return list[topic], nil
}

func (c *Cluster) topicExists(ctx context.Context, topic string) (bool, error) {
	_, err := c.topicDetail(ctx, topic)
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return false, nil
	}
	return err == nil, err
}

// Asked so often, so far apart, no broker says of a topic that it is not there because it has not heard of it yet: the others
// learn of a new topic a moment after the one that made it. Sooner the client would answer from what it has kept.
const (
	missingAsked = 3
	missingApart = metadataMinAge + 50*time.Millisecond
)

// topicStays is topicExists for a topic that should be there: it is asked for again before it counts as missing.
func (c *Cluster) topicStays(ctx context.Context, topic string) (bool, error) {
	for asked := 1; ; asked++ {
		exists, err := c.topicExists(ctx, topic)
		if exists || err != nil || asked == missingAsked || ctx.Err() != nil {
			return exists, err
		}
		sleep(ctx, missingApart)
	}
}

// topicSettings are all settings of a topic, with their defaults.
func (c *Cluster) topicSettings(ctx context.Context, topic string) (map[string]string, error) {
	list, err := c.admin.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("settings of topic %s: %w", topic, err)
	}
	return settingsOf(list, topic)
}

func settingsOf(list kadm.ResourceConfigs, topic string) (map[string]string, error) {
	configs, err := configsOf(list, topic)
	if err != nil {
		return nil, err
	}
	m := map[string]string{}
	for _, s := range configs {
		m[s.Key] = s.MaybeValue()
	}
	return m, nil
}

// configsOf are the settings that an answer holds of a topic; its error when the broker did not tell them.
func configsOf(list kadm.ResourceConfigs, topic string) ([]kadm.Config, error) {
	r, err := list.On(topic, nil)
	if err == nil {
		err = r.Err
	}
	if err != nil {
		return nil, fmt.Errorf("settings of topic %s: %w", topic, err)
	}
	return r.Configs, nil
}

// brokerDefaults are the brokers' names for what topics get that are created without settings.
var brokerDefaults = map[string]string{
	"max.message.bytes":      "message.max.bytes",
	"retention.ms":           "log.retention.ms",
	"cleanup.policy":         "log.cleanup.policy",
	"message.timestamp.type": "log.message.timestamp.type",
	"min.insync.replicas":    "min.insync.replicas",
	replicationFactor:        "default.replication.factor",

	"message.timestamp.before.max.ms": "log.message.timestamp.before.max.ms",
	"message.timestamp.after.max.ms":  "log.message.timestamp.after.max.ms",
}

// created are the settings that a topic would get: those of the topic that it is made like, else the brokers' defaults.
func (c *Cluster) created(ctx context.Context, s Settings) (map[string]string, error) {
	if s.Like != "" {
		settings, err := c.topicSettings(ctx, s.Like)
		if errors.Is(err, kerr.UnknownTopicOrPartition) {
			return nil, &replay.Refusal{
				Item: ItemTopicMissing, What: fmt.Sprintf("topic %s, which the new one is to be like, does not exist", s.Like),
				Next: "Name one that does with --like-topic, or say how many partitions with --partitions N.",
			}
		}
		return settings, err // with the cluster's own replication
	}
	brokers, err := c.brokers(ctx)
	if err != nil {
		return nil, err
	}
	list, err := c.admin.DescribeBrokerConfigs(ctx, brokers[0])
	if err == nil && len(list) == 1 {
		err = list[0].Err
	}
	if err != nil || len(list) == 0 {
		return nil, fmt.Errorf("settings of broker %d: %w", brokers[0], err)
	}
	of := map[string]string{}
	for _, r := range list[0].Configs {
		of[r.Key] = r.MaybeValue()
	}
	m := map[string]string{}
	for topic, broker := range brokerDefaults {
		m[topic] = of[broker]
	}
	if hours, err := strconv.ParseInt(of["log.retention.hours"], 10, 64); err == nil && m["retention.ms"] == "" {
		m["retention.ms"] = strconv.FormatInt(hours*3_600_000, 10)
	}
	return m, nil
}

// maxMessage is max.message.bytes of a topic.
func (c *Cluster) maxMessage(ctx context.Context, topic string) (int, error) {
	settings, err := c.topicSettings(ctx, topic)
	if err != nil {
		return 0, err
	}
	return maxMessageOf(settings), nil
}

func maxMessageOf(settings map[string]string) int {
	if n, err := strconv.Atoi(settings["max.message.bytes"]); err == nil {
		return n
	}
	return defaultMaxMessage // a broker that does not tell
}

// defaultMaxMessage is Kafka's own default of max.message.bytes.
const defaultMaxMessage = 1_048_588

// Demands are what a topic takes.
type Demands struct {
	Record int  // largest encoded record, with room for the batch around it
	Key    bool // none without a key
}

// Demands are those of a topic, and of a user who allows records of eventSize. Of a topic that does not exist yet they are
// what it would demand once s has created it. Of one whose settings are denied they are Kafka's defaults: preflight refuses
// the replay, or somebody else makes the topic first.
func (c *Cluster) Demands(ctx context.Context, topic string, s Settings, eventSize int) (Demands, error) {
	settings, err := c.settingsToBe(ctx, topic, s)
	if err != nil && !Denied(err) {
		return Demands{}, c.unanswered(err)
	}
	return Demands{min(eventSize, maxMessageOf(settings)-archive.HeaderReserve), compact(settings)}, nil
}

// settingsToBe are those of a topic, or of what s would create.
func (c *Cluster) settingsToBe(ctx context.Context, topic string, s Settings) (map[string]string, error) {
	exists, err := c.topicExists(ctx, topic)
	switch {
	case err != nil:
		return nil, err
	case exists:
		return c.topicSettings(ctx, topic)
	}
	return c.created(ctx, s)
}

// ends are the end offsets of the first n partitions, transactions under way included.
func (c *Cluster) ends(ctx context.Context, topic string, n int32) ([]int64, error) {
	list, err := c.offsets(ctx, topic, c.admin.ListEndOffsets)
	if err != nil {
		return nil, err
	}
	return endsOf(list, topic, n)
}

// endsOf are the offsets of the first n partitions.
func endsOf(list kadm.ListedOffsets, topic string, n int32) ([]int64, error) {
	offsets := make([]int64, n)
	for i := range offsets {
		o, ok := list.Lookup(topic, int32(i))
		if !ok {
			return nil, fmt.Errorf("ends of topic %s: partition %d is missing", topic, i)
		}
		offsets[i] = o.Offset
	}
	return offsets, nil
}

// createMissing makes the replay topic if it is not there.
func (c *Cluster) createMissing(ctx context.Context, spec *replay.Spec, s Settings) error {
	if exists, err := c.topicExists(ctx, spec.Topic); exists || err != nil {
		return err
	}
	partitions, settings := s.Partitions, map[string]*string{}
	if s.Like != "" {
		like, err := c.likeness(ctx, s.Like)
		if err != nil {
			return err
		}
		settings = like.settings
		if partitions == 0 {
			partitions = like.partitions
		}
	}
	if partitions == 0 {
		partitions = -1
	}
	_, err := c.admin.CreateTopic(ctx, partitions, -1, settings, spec.Topic)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", spec.Topic, err)
	}
	_, err = c.await(ctx, spec.Topic)
	return err
}

type likeness struct {
	partitions int32
	settings   map[string]*string
}

// likeness is what a topic made like another gets: its partitions and the settings that were made on it.
func (c *Cluster) likeness(ctx context.Context, topic string) (likeness, error) {
	detail, err := c.topicDetail(ctx, topic)
	if err != nil {
		return likeness{}, err
	}
	list, err := c.admin.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return likeness{}, fmt.Errorf("settings of topic %s: %w", topic, err)
	}
	configs, err := configsOf(list, topic) // one that is not told would be made with the cluster's defaults instead
	if err != nil {
		return likeness{}, err
	}
	l := likeness{partitions: int32(len(detail.Partitions)), settings: map[string]*string{}}
	for _, s := range configs {
		if s.Source.String() == "DYNAMIC_TOPIC_CONFIG" {
			l.settings[s.Key] = s.Value
		}
	}
	return l, nil
}
