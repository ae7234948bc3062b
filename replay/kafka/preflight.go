package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"replayd/replay"
)

// Finding is what one item of preflight found.
type Finding struct {
	Item    string
	Refused bool // else it is a notice
	Always  bool // whatever is allowed
	What    string
	Next    string
	Rights  Ungranted // of ItemRights
}

// Items of preflight that this package looks at.
const (
	ItemTopicMissing = "topic-missing"
	ItemCompacted    = "compacted"
	ItemRetention    = "retention"
	ItemRecordSize   = "record-size"
	ItemTransactions = "transaction-version"
	ItemLiveTopic    = "live-topic"
	ItemInternal     = "internal-topic"
	ItemOverlap      = "overlap"
	ItemNotAllowed   = "not-allowed"
	ItemPartitions   = "partitions"
	ItemTimestamps   = "timestamp-limits"
	ItemDurability   = "durability"
)

// Preflight looks for what would hurt: it changes nothing. All that is found comes back, refusals first.
func (c *Cluster) Preflight(ctx context.Context, spec *replay.Spec, s Settings) ([]Finding, error) {
	p := &preflight{cluster: c, spec: spec, settings: s}
	if err := p.rights(ctx); err != nil {
		return nil, err
	}
	p.internal()
	p.notAllowed()
	err := p.each(ctx, p.target, p.transactions)
	return p.sorted(), err
}

// target looks at the replay topic, or at what it would be.
func (p *preflight) target(ctx context.Context) error {
	look := p.cluster.topicStays
	if p.settings.Creates() {
		look = p.cluster.topicExists
	}
	exists, err := look(ctx, p.spec.Topic)
	switch {
	case err != nil && !errors.Is(err, kerr.InvalidTopicException):
		return err
	case exists:
		return p.each(ctx, p.partitions, p.topic, p.neighbours)
	}
	return p.each(ctx, p.missing, p.readable)
}

// PreflightKnown looks at what may have changed since the first session of a replay that is known. What that one was
// allowed is not asked again.
func (c *Cluster) PreflightKnown(ctx context.Context, spec *replay.Spec, s Settings) ([]Finding, error) {
	p := &preflight{cluster: c, spec: spec, settings: s, begun: true}
	if err := p.rights(ctx); err != nil {
		return nil, err
	}
	exists, err := c.topicStays(ctx, spec.Topic)
	switch {
	case p.lacks && Denied(err):
		return p.sorted(), nil
	case err != nil:
		return nil, err
	case !exists:
		lost := lost(spec.ID, spec.Topic, "deleted")
		return []Finding{{Item: lost.Item, Refused: true, Always: true, What: lost.What, Next: lost.Next}}, nil
	}
	err = p.each(ctx, p.size, p.partitions)
	return p.sorted(), err
}

// size looks again whether the topic takes the largest records.
func (p *preflight) size(ctx context.Context) error {
	settings, err := p.cluster.topicSettings(ctx, p.spec.Topic)
	if err == nil {
		p.recordSize(settings)
	}
	return err
}

// Refusals are the findings that forbid the replay unless they are allowed, as one error.
func Refusals(findings []Finding, allow replay.Allowed) error {
	var errs []error
	for _, f := range findings {
		if f.Refused && (f.Always || !allow.Has(f.Item)) {
			errs = append(errs, &replay.Refusal{Item: f.Item, What: f.What, Next: f.Next})
		}
	}
	return errors.Join(errs...)
}

type preflight struct {
	cluster  *Cluster
	spec     *replay.Spec
	settings Settings
	begun    bool // the replay, in an earlier session
	lacks    bool // rights, which is told
	known    *registry
	detail   kadm.TopicDetail // of the topic, where it is there
	reach    reach            // likewise, once it was asked for
	absent   bool             // the topic is not there, and judged by what it would get
	findings []Finding
}

// sorted are the findings, refusals first.
func (p *preflight) sorted() []Finding {
	slices.SortStableFunc(p.findings, func(a, b Finding) int {
		switch {
		case a.Refused == b.Refused:
			return 0
		case a.Refused:
			return -1
		}
		return 1
	})
	return p.findings
}

func (p *preflight) refuse(item, next, format string, args ...any) {
	p.findings = append(p.findings, Finding{Item: item, Refused: true, What: fmt.Sprintf(format, args...), Next: next})
}

// always makes the last refusal one that nobody overrides.
func (p *preflight) always() { p.findings[len(p.findings)-1].Always = true }

func (p *preflight) notice(item, format string, args ...any) {
	p.findings = append(p.findings, Finding{Item: item, What: fmt.Sprintf(format, args...)})
}

// Internal reports whether Kafka keeps its own state in a topic, or replayd under this control prefix.
func Internal(prefix, topic string) bool {
	name, ours := strings.CutPrefix(topic, prefix+".")
	return strings.HasPrefix(topic, "__") ||
		ours && slices.Contains([]string{configTopic, checkpointTopic, statusTopic, auditTopic, quarantineTopic, workTopic}, name)
}

func (p *preflight) internal() {
	topic := p.spec.Topic
	if Internal(p.cluster.options.ControlPrefix, topic) {
		p.refuse(ItemInternal, "Choose another --topic.", "topic %s is one that Kafka or replayd keeps its own state in", topic)
		p.always()
	}
	if slices.Contains(p.settings.SourceTopics, topic) {
		p.refuse(ItemLiveTopic, "Choose a replay topic of its own with --topic, such as replay."+topic+".",
			"topic %s is where archive %s was filled from: its consumers would take old events for new ones", topic, p.spec.Archive)
		p.always()
	}
}

// notAllowed refuses what the configuration's targets leave out.
func (p *preflight) notAllowed() {
	if len(p.settings.Targets) == 0 {
		return
	}
	archives, ok := p.settings.Targets[p.spec.Topic]
	if ok && (len(archives) == 0 || slices.Contains(archives, p.spec.Archive)) {
		return
	}
	next := "Use one of " + strings.Join(slices.Sorted(maps.Keys(p.settings.Targets)), ", ") + ", "
	if p.settings.Strict {
		next += "or ask whoever runs the daemon to add it to targets in its configuration."
	} else {
		next += "add it to targets, or --allow not-allowed."
	}
	p.refuse(ItemNotAllowed, next, "the configuration's targets do not let archive %s go to topic %s", p.spec.Archive, p.spec.Topic)
	if p.settings.Strict {
		p.always()
	}
}

// missing judges a topic that is not there by what it would get, whether its creation is asked for or comes to be allowed.
func (p *preflight) missing(ctx context.Context) error {
	p.absent = true
	if p.settings.Create {
		p.notice(ItemTopicMissing, "topic %s will be created", p.spec.Topic)
	} else {
		p.refuse(ItemTopicMissing, "Create it, or add --create-topic (with --partitions N or --like-topic T).", "topic %s does not exist", p.spec.Topic)
	}
	settings, err := p.cluster.created(ctx, p.settings)
	if Denied(err) && !p.settings.Creates() { // it is not this user who would
		return nil
	}
	if err != nil {
		return err
	}
	p.judge(settings)
	if replicas, told := strconv.Atoi(settings[replicationFactor]); told == nil {
		return p.durability(ctx, replicas, settings)
	}
	return nil
}

// partitions refuses a topic that has others than were asked for: keys would lie elsewhere than the person expects.
func (p *preflight) partitions(ctx context.Context) error {
	asked := p.settings.Partitions
	if asked == 0 {
		return nil
	}
	detail, err := p.cluster.topicDetail(ctx, p.spec.Topic)
	if err != nil {
		return err
	}
	if has := len(detail.Partitions); has != int(asked) {
		p.refuse(ItemPartitions, "Leave --partitions away to take the topic as it is, or choose another --topic.",
			"topic %s is there with another number of partitions: %d, not %d", p.spec.Topic, has, asked)
		p.always()
	}
	return nil
}

// topic looks at the target's settings.
func (p *preflight) topic(ctx context.Context) error {
	settings, err := p.cluster.topicSettings(ctx, p.spec.Topic)
	if err != nil {
		return err
	}
	p.judge(settings)
	detail, err := p.cluster.topicDetail(ctx, p.spec.Topic)
	if err != nil {
		return err
	}
	return p.durability(ctx, detail.Partitions.NumReplicas(), settings)
}

func (p *preflight) transactions(ctx context.Context) error {
	level, err := p.cluster.transactionVersion(ctx)
	if err == nil && level < 2 {
		p.notice(ItemTransactions, "the cluster's transaction.version is %d; version 2 guards transactions better, and replayd keeps its own guard on", level)
	}
	return err
}
