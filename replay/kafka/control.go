package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"

	"replayd/replay"
)

// Names of the control topics, without their prefix.
const (
	configTopic     = "config"
	checkpointTopic = "checkpoints"
	statusTopic     = "status"
	auditTopic      = "audit"
	quarantineTopic = "quarantine"
	workTopic       = "work"
)

// daemonGroup is the consumer group of daemons, without its prefix.
const daemonGroup = "daemons"

// everyControlTopic are settings that no default of a cluster may change: the producer relies on the size.
var everyControlTopic = map[string]string{
	"max.message.bytes":      strconv.Itoa(defaultMaxMessage),
	"message.timestamp.type": "CreateTime",
	"compression.type":       "producer",
}

type controlTopic struct {
	name       string
	partitions int32
	settings   map[string]string
}

// controlTopics are what every session takes.
var controlTopics = []controlTopic{
	{configTopic, 1, map[string]string{
		"cleanup.policy": "compact", "segment.ms": "3600000", "segment.bytes": "16777216", "min.cleanable.dirty.ratio": "0.1",
	}},
	// One record a commit, and the active segment is never cleaned: short segments keep the start of a session short.
	{checkpointTopic, 16, map[string]string{
		"cleanup.policy": "compact", "segment.ms": "600000", "segment.bytes": "33554432", "min.cleanable.dirty.ratio": "0.1",
	}},
	{statusTopic, 1, map[string]string{
		"cleanup.policy": "compact", "segment.ms": "3600000", "segment.bytes": "16777216", "min.cleanable.dirty.ratio": "0.1",
	}},
	{auditTopic, 1, map[string]string{"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}},
	{quarantineTopic, 8, map[string]string{"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}},
}

// workTopics are what daemons take besides. Nothing stands in them.
var workTopics = []controlTopic{
	{workTopic, workParts, map[string]string{"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}},
}

// ItemControlTopics names the refusal of a control topic that somebody made otherwise than it must be.
const ItemControlTopics = "control-topics"

// controlNames are the full names of the control topics.
func (c *Cluster) controlNames() []string {
	names := make([]string, len(controlTopics))
	for i, t := range controlTopics {
		names[i] = c.topic(t.name)
	}
	return names
}

// ensureControlTopics creates what is missing, with the cluster's replication and every other setting explicit, and looks
// at what is there: a platform team may have made it. It returns the partitions of each.
func (c *Cluster) ensureControlTopics(ctx context.Context) (map[string]int32, error) {
	partitions, made, err := c.ensure(ctx, controlTopics)
	if err == nil {
		err = c.sayLost(ctx, made)
	}
	if err != nil {
		return nil, err
	}
	return partitions, c.checkControlTopics(ctx)
}

// sayLost warns of topics that were made though replays are known: they were there before, and what they held, such as who did
// what, is in no other place.
func (c *Cluster) sayLost(ctx context.Context, made []string) error {
	config := c.topic(configTopic)
	if len(made) == 0 || slices.Contains(made, config) {
		return nil // whose loss is found by what begun replays left in the others
	}
	ends, err := c.offsets(ctx, config, c.admin.ListEndOffsets)
	if err != nil {
		return err
	}
	if end, _ := ends.Lookup(config, 0); end.Offset > 0 {
		c.options.Log.Warn().Strs("topics", made).Msg("these topics were not there though replays are known: they are made anew, and what they held is lost")
	}
	return nil
}

// ensure creates what is missing of topics. It returns the partitions of each, and the full names of those that were made.
func (c *Cluster) ensure(ctx context.Context, topics []controlTopic) (partitions map[string]int32, made []string, err error) {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = c.topic(t.name)
	}
	list, err := c.admin.ListTopics(ctx, names...)
	if err != nil {
		return nil, nil, fmt.Errorf("look for the control topics: %w", err)
	}
	for _, t := range topics {
		if err := list[c.topic(t.name)].Err; !errors.Is(err, kerr.UnknownTopicOrPartition) {
			continue
		}
		if err := c.createControlTopic(ctx, t); err != nil {
			return nil, nil, err
		}
		made = append(made, c.topic(t.name))
	}
	if len(made) > 0 || list.Error() != nil || !allLed(list) {
		if list, err = c.await(ctx, names...); err != nil {
			return nil, nil, err
		}
	}
	partitions = map[string]int32{}
	for _, t := range topics {
		partitions[t.name] = int32(len(list[c.topic(t.name)].Partitions))
	}
	return partitions, made, nil
}

func (c *Cluster) createControlTopic(ctx context.Context, t controlTopic) error {
	settings := map[string]*string{}
	for k, v := range t.all() {
		settings[k] = &v
	}
	_, err := c.admin.CreateTopic(ctx, t.partitions, -1, settings, c.topic(t.name))
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create control topic %s: %w", c.topic(t.name), err)
	}
	return nil
}

// checkControlTopics refuses topics that would forget what they are for. Settings that this user may not see are passed
// over, and that is said. Each topic is asked for alone: one that is denied hides the others.
func (c *Cluster) checkControlTopics(ctx context.Context) error {
	var hidden []string
	for _, t := range controlTopics {
		topic, want := c.topic(t.name), t.settings["cleanup.policy"]
		settings, err := c.topicSettings(ctx, topic)
		if errors.Is(err, kerr.TopicAuthorizationFailed) {
			hidden = append(hidden, topic)
			continue
		}
		if err != nil {
			return err
		}
		switch _, finite := milliseconds(settings["retention.ms"]); {
		case settings["cleanup.policy"] != want:
			return &replay.Refusal{
				Item: ItemControlTopics, Next: "Let it keep them:\n  " + setTopic(c.options.Brokers, topic, "cleanup.policy="+want),
				What: fmt.Sprintf("topic %s has cleanup.policy=%s and would lose what replays are continued by", topic, settings["cleanup.policy"]),
			}
		case want == "delete" && finite:
			c.options.Log.Warn().Str("topic", topic).Str("retention.ms", settings["retention.ms"]).Msg("this topic forgets; made by replayd it would not")
		}
	}
	if len(hidden) > 0 {
		c.options.Log.Warn().Strs("topics", hidden).Msg("this user may not see the settings of these topics (DESCRIBE_CONFIGS): that they keep what they must is not checked")
	}
	return nil
}
