package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"replayd/replay/kafka"
)

// topicsFlags are of the topics command.
type topicsFlags struct {
	topic, like, user string
	partitions        int32
	create, serve     bool
	set               *pflag.FlagSet
}

func (a *app) topicsCommand() *cobra.Command {
	f := &topicsFlags{}
	cmd := &cobra.Command{
		Use:   "topics",
		Short: "Print the commands that create the topics and grant the rights that replays need",
		Long: `topics prints commands for whoever administers the cluster: they create the topics that replayd keeps its state in and the
replay topic, and grant a user the least rights to replay into it and to list what was quarantined. It asks no cluster. Where replayd may create topics
itself, only the second half is needed, with --may-create. With --serve the rights are those of a daemon, into --topic, or into
all targets of the configuration.`,
		Example: `  replayd topics --topic replay.payments --partitions 12 --user User:replayd
  replayd topics --topic replay.payments --user User:CN=replayd --may-create -o json
  replayd topics --serve --config /etc/replayd/replayd.yaml --user User:replayd`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return a.topics(f) },
	}
	set := cmd.Flags()
	f.set = set
	set.StringVar(&f.topic, "topic", "", "the replay topic")
	set.StringVar(&f.like, "like-topic", "", "with --may-create: the topic that run is to make the replay topic like, for the rights to look at it")
	set.Int32Var(&f.partitions, "partitions", 0, "partitions of the replay topic, not with --may-create (default: the cluster's)")
	set.StringVar(&f.user, "user", "", "principal as the brokers know it: User:replayd")
	set.BoolVar(&f.create, "may-create", false, "grant the rights to create the topics, too, and print no commands that create them")
	set.BoolVar(&f.serve, "serve", false, "the rights of a daemon: those to share replays with others, and to replay into each target of the configuration, unless --topic names one")
	return cmd
}

// clusterNeeds is what topics prints: a contract, fields are only ever added.
type clusterNeeds struct {
	Type    string             `json:"type"` // topics
	Version int                `json:"version"`
	Topics  []kafka.TopicSetup `json:"topics"`
	Rights  []kafka.ACL        `json:"acls"`
}

func (a *app) topics(f *topicsFlags) error {
	if err := a.checkTopics(f); err != nil {
		return err
	}
	s := a.needs(f)
	if a.output == "json" {
		return jsonTo(a.out).Encode(s)
	}
	for _, line := range s.commands(a.config.Kafka.Brokers) {
		if _, err := fmt.Fprintln(a.out, line); err != nil {
			return err
		}
	}
	return nil
}

// checkTopics refuses flags that say nothing to what would be printed, and a topic into which no replay may go: rights to
// write it would only do harm.
func (a *app) checkTopics(f *topicsFlags) error {
	var errs []error
	for flag, name := range map[string]string{"topic": f.topic, "like-topic": f.like} {
		if err := kafka.ValidTopic(name); name != "" && err != nil {
			errs = append(errs, usage("--%s: %w", flag, err))
		}
	}
	topics := a.replayTopics(f)
	switch {
	case len(topics) == 0 && f.serve:
		errs = append(errs, usage("--topic is missing: the replay topic, such as replay.payments. The configuration names no targets, either, so a daemon with it starts no replay"))
	case len(topics) == 0:
		errs = append(errs, usage("--topic is missing: the replay topic, such as replay.payments"))
	}
	for _, topic := range topics {
		errs = append(errs, a.neverTarget(topic))
	}
	if f.user != "" && !strings.Contains(f.user, ":") {
		errs = append(errs, usage("--user %q: a principal such as User:%s", f.user, f.user))
	}
	return errors.Join(append(errs, f.checkShape())...)
}

// replayTopics are those that may be replayed into.
func (a *app) replayTopics(f *topicsFlags) []string {
	switch {
	case f.topic != "":
		return []string{f.topic}
	case f.serve:
		return slices.Sorted(maps.Keys(a.config.Targets))
	}
	return nil
}

// checkShape looks at what says how the replay topic is to be made, by these commands or by run.
func (f *topicsFlags) checkShape() error {
	switch asked := f.set.Changed("partitions"); {
	case asked && f.partitions < 1:
		return usage("--partitions %d: at least 1", f.partitions)
	case asked && f.create:
		return usage("--partitions says nothing with --may-create, which lets run make the topic. Leave it away here, and start with: replayd run --create-topic --partitions %d", f.partitions)
	case f.like != "" && !f.create:
		return usage("--like-topic needs --may-create: no cluster is asked here, so how %s is made is not known. "+
			"Say --partitions N instead, or add --may-create and start with: replayd run --like-topic %s", f.like, f.like)
	}
	return nil
}

// neverTarget refuses a topic that run refuses whatever is allowed, as far as that is known without a cluster.
func (a *app) neverTarget(topic string) error {
	if kafka.Internal(a.config.Kafka.ControlPrefix, topic) {
		return usage("--topic %s is one that Kafka or replayd keeps its own state in, so no replay goes there: name another", topic)
	}
	for _, name := range slices.Sorted(maps.Keys(a.config.Archives)) {
		if slices.Contains(a.config.Archives[name].SourceTopics, topic) {
			return usage("--topic %s is where archive %s was filled from (source_topics), so no replay of it goes there: name another, such as replay.%s", topic, name, topic)
		}
	}
	return nil
}

func (a *app) needs(f *topicsFlags) *clusterNeeds {
	s := &clusterNeeds{Type: "topics", Version: 1, Topics: []kafka.TopicSetup{}, Rights: []kafka.ACL{}}
	prefix, topics := a.config.Kafka.ControlPrefix, a.replayTopics(f)
	if !f.create {
		s.Topics = kafka.ControlTopics(prefix)
		for _, topic := range topics {
			s.Topics = append(s.Topics, kafka.TopicSetup{Name: topic, Partitions: f.partitions, Settings: map[string]string{}})
		}
	}
	if f.user != "" {
		s.Rights = kafka.ACLs(f.user, f.rights(prefix, topics))
	}
	return s
}

// rights are those to replay into topics, each once.
func (f *topicsFlags) rights(prefix string, topics []string) []kafka.Right {
	var rights []kafka.Right
	for _, topic := range topics {
		rights = append(rights, kafka.Rights(prefix, topic)...)
	}
	rights = append(rights, kafka.RightsToLook(prefix)...)
	if f.serve {
		rights = append(rights, kafka.RightsToServe(prefix)...)
	}
	if f.create {
		for _, topic := range topics {
			rights = append(rights, kafka.RightsToCreate(prefix, topic, f.like)...)
		}
	}
	var once []kafka.Right
	for _, r := range rights {
		if !slices.Contains(once, r) {
			once = append(once, r)
		}
	}
	return once
}

// commands are lines for a shell, with the tools of Kafka's distribution.
func (s *clusterNeeds) commands(brokers []string) []string {
	var lines []string
	if len(s.Topics) > 0 {
		lines = append(lines, "# topics")
	}
	for _, t := range s.Topics {
		lines = append(lines, kafka.CreateCommand(brokers, t))
	}
	if len(s.Rights) == 0 {
		return append(lines, "# rights: name the user with --user")
	}
	lines = append(lines, "# rights")
	return append(lines, kafka.GrantCommands(strings.Join(brokers, ","), s.Rights)...)
}
