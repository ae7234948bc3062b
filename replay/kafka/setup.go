package kafka

import (
	"maps"
	"slices"
)

// TopicSetup is how a topic is to be made.
type TopicSetup struct {
	Name       string            `json:"name"`
	Partitions int32             `json:"partitions,omitempty"` // 0: the cluster's default
	Settings   map[string]string `json:"settings"`
}

// ControlTopics are the topics that replayd keeps its state in under a control prefix, and that daemons divide, as it makes
// them where it may. The replication is the cluster's default.
func ControlTopics(prefix string) []TopicSetup {
	var list []TopicSetup
	for _, t := range slices.Concat(controlTopics, workTopics) {
		list = append(list, TopicSetup{Name: prefix + "." + t.name, Partitions: t.partitions, Settings: t.all()})
	}
	return list
}

// all are the settings of a control topic, those that every one has included.
func (t controlTopic) all() map[string]string {
	settings := maps.Clone(everyControlTopic)
	maps.Copy(settings, t.settings)
	return settings
}
