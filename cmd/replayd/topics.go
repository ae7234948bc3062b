package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"replayd/replay/kafka"
)

// topicsFlags are of the topics command.
type topicsFlags struct {
	topic, like, user string
	partitions        int32
	create            bool
}

func (a *app) topicsCommand() *cobra.Command {
	f := &topicsFlags{}
	cmd := &cobra.Command{
		Use:   "topics",
		Short: "Print the commands that create the topics and grant the rights that replays need",
		Long: `topics prints commands for whoever administers the cluster: they create the topics that replayd keeps its state in and the
replay topic, and grant a user the least rights to replay into it and to list what was quarantined. It asks no cluster. Where replayd may create topics
itself, only the second half is needed, with --may-create.`,
		Example: `  replayd topics --topic replay.payments --partitions 12 --user User:replayd
  replayd topics --topic replay.payments --user User:CN=replayd --may-create -o json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.topics(cmd.Context(), f) },
	}
	set := cmd.Flags()
	set.StringVar(&f.topic, "topic", "", "the replay topic")
	set.StringVar(&f.like, "like-topic", "", "with --may-create: the topic that the replay topic is to be made like")
	set.Int32Var(&f.partitions, "partitions", 0, "partitions of the replay topic (default: the cluster's)")
	set.StringVar(&f.user, "user", "", "principal as the brokers know it: User:replayd")
	set.BoolVar(&f.create, "may-create", false, "grant the rights to create the topics, too, and print no commands that create them")
	return cmd
}

// clusterNeeds is what topics prints: a contract, fields are only ever added.
type clusterNeeds struct {
	Type    string             `json:"type"` // topics
	Version int                `json:"version"`
	Topics  []kafka.TopicSetup `json:"topics"`
	Rights  []kafka.ACL        `json:"acls"`
}

func (a *app) topics(_ context.Context, f *topicsFlags) error {
	if f.topic == "" {
		return usage("--topic is missing: the replay topic, such as replay.payments")
	}
	for flag, name := range map[string]string{"topic": f.topic, "like-topic": f.like} {
		if err := kafka.ValidTopic(name); name != "" && err != nil {
			return usage("--%s: %w", flag, err)
		}
	}
	if f.user != "" && !strings.Contains(f.user, ":") {
		return usage("--user %q: a principal such as User:%s", f.user, f.user)
	}
	s := a.needs(f)
	if a.output == "json" {
		return json.NewEncoder(a.out).Encode(s)
	}
	for _, line := range s.commands(strings.Join(a.config.Kafka.Brokers, ",")) {
		if _, err := fmt.Fprintln(a.out, line); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) needs(f *topicsFlags) *clusterNeeds {
	s := &clusterNeeds{Type: "topics", Version: 1, Topics: []kafka.TopicSetup{}, Rights: []kafka.ACL{}}
	prefix := a.config.Kafka.ControlPrefix
	rights := slices.Concat(kafka.Rights(prefix, f.topic), kafka.RightsToLook(prefix))
	if f.create {
		rights = append(rights, kafka.RightsToCreate(prefix, f.topic, f.like)...)
	} else {
		s.Topics = append(kafka.ControlTopics(prefix), kafka.TopicSetup{Name: f.topic, Partitions: f.partitions, Settings: map[string]string{}})
	}
	if f.user == "" {
		return s
	}
	s.Rights = kafka.ACLs(f.user, rights)
	return s
}

// commands are lines for a shell, with the tools of Kafka's distribution.
func (s *clusterNeeds) commands(brokers string) []string {
	var lines []string
	if len(s.Topics) > 0 {
		lines = append(lines, "# topics")
	}
	for _, t := range s.Topics {
		line := "kafka-topics.sh --bootstrap-server " + quoted(brokers) + " --create --if-not-exists --topic " + t.Name
		if t.Partitions > 0 {
			line += fmt.Sprintf(" --partitions %d", t.Partitions)
		}
		for _, name := range slices.Sorted(maps.Keys(t.Settings)) {
			line += " --config " + quoted(name+"="+t.Settings[name])
		}
		lines = append(lines, line)
	}
	if len(s.Rights) == 0 {
		return append(lines, "# rights: name the user with --user")
	}
	lines = append(lines, "# rights")
	return append(lines, kafka.GrantCommands(brokers, s.Rights)...)
}
