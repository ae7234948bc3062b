package kafka

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"replayd/archive"
)

// CreateCommand is the command of Kafka's distribution that creates a topic which is not there.
func CreateCommand(brokers []string, t TopicSetup) string {
	command := "kafka-topics.sh --bootstrap-server " + archive.ShellWord(strings.Join(brokers, ",")) + " --create --if-not-exists --topic " + t.Name
	if t.Partitions > 0 {
		command += fmt.Sprintf(" --partitions %d", t.Partitions)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Settings)) {
		command += " --config " + archive.ShellWord(name+"="+t.Settings[name])
	}
	return command
}

// setTopic is the command of Kafka's distribution that sets a setting, name=value, of a topic that is there.
func setTopic(brokers []string, topic, setting string) string {
	return fmt.Sprintf("kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config %s",
		archive.ShellWord(strings.Join(brokers, ",")), topic, archive.ShellWord(setting))
}

// addPartitions is the command of Kafka's distribution that gives a topic more partitions.
func addPartitions(brokers []string, topic string, n int) string {
	return fmt.Sprintf("kafka-topics.sh --bootstrap-server %s --alter --topic %s --partitions %d", archive.ShellWord(strings.Join(brokers, ",")), topic, n)
}

// withSetting is a line for a next step: the command that gives the target a setting. A topic that is missing is created
// with it; one that would be made like another is made by nobody but replayd, so there is no command for it.
func (p *preflight) withSetting(setting string) string {
	brokers, topic := p.cluster.options.Brokers, p.spec.Topic
	switch {
	case !p.absent:
		return ":\n  " + setTopic(brokers, topic, setting)
	case p.settings.Like != "":
		return ": " + setting
	}
	name, value, _ := strings.Cut(setting, "=")
	setup := TopicSetup{Name: topic, Partitions: p.settings.Partitions, Settings: map[string]string{name: value}}
	return ":\n  " + CreateCommand(brokers, setup)
}

// anyTime is a limit of times, as settings that a broker takes, that none exceeds.
func anyTime(limit string) string { return fmt.Sprintf("%s=%d", limit, math.MaxInt64) }

// longEnough is a retention.ms under which a replay that lasts so long stands whole when it ends, and some days after.
func longEnough(lasts time.Duration) string {
	const day = 24 * time.Hour
	whole := (lasts + 4*retentionMargin).Truncate(day) + day
	return fmt.Sprintf("retention.ms=%d", whole.Milliseconds())
}
