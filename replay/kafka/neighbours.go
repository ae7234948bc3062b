package kafka

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// newestRecords is how many of the last records of each partition tell who writes to a topic.
const newestRecords = 10

// neighbours looks for others that write to the topic. What they are called there is read before what is known of them: whoever begins
// meanwhile is known by the time that it has put anything there.
func (p *preflight) neighbours(ctx context.Context) error {
	var err error
	if p.detail, err = p.cluster.topicDetail(ctx, p.spec.Topic); err != nil {
		return err
	}
	var ids map[string]bool
	err = p.each(ctx, func(ctx context.Context) (err error) {
		ids, err = p.newestIDs(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if p.known, err = p.cluster.registry(ctx); err != nil {
		return err
	}
	return p.each(ctx, func(context.Context) error { return p.newest(ids) }, p.overlap)
}

// readable sees to it that all replays of the control topics can be read, where there is no topic that others write to yet:
// whoever begins at the same time is looked for after this replay has begun, and it would stay half begun.
func (p *preflight) readable(ctx context.Context) error {
	all, err := p.cluster.registry(ctx)
	if err == nil {
		_, err = all.into(p.spec)
	}
	return err
}

// newest looks at whose the newest records of the topic are: they must be those of replays, and of replays that are known.
func (p *preflight) newest(ids map[string]bool) error {
	topic, prefix := p.spec.Topic, p.cluster.options.ControlPrefix
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		look, traced := p.known.neighbour, p.known.traced(id, p.detail.ID.String())
		if id == p.spec.ID {
			look = p.known.find
		}
		switch known, err := look(id); {
		case id == "":
			if !slices.Contains(p.settings.SourceTopics, topic) { // which is refused already, and for good
				p.refuse(ItemLiveTopic, "Choose a replay topic of its own with --topic, or --allow live-topic if its consumers expect old events.",
					"the newest records of topic %s carry no %sid header: something else produces to it", topic, p.spec.Prefix)
			}
		case err != nil:
			return err
		case known.Begun() && known.Spec.Topic == topic:
		case id == p.spec.ID && traced:
			p.refuse(ItemRestart, "Choose another --id, or another --topic.",
				"topic %s holds events of forgotten replay %s: nobody could tell those of two replays of one id apart there", topic, id)
			p.always()
		case id == p.spec.ID:
			p.refuse(ItemRestart, "Choose another --id and another --topic. What was lost is not made good by starting again.",
				"topic %s holds events of replay %s, and the topics of %s know of none: started again it would put them there twice", topic, id, prefix)
			p.always()
		case traced: // and overlap looks at its window
		default:
			p.refuse(ItemOverlap, "Use another --topic, or --allow overlap where the audit, or who replayed it, tells of another window.",
				"topic %s holds events of unknown replay %s, and the topics of %s know of none with that id that was to put them there, "+
					"since it was forgotten by an older replayd, lost, or begun under another kafka.control_prefix: they may be those of this window", topic, id, prefix)
		}
	}
	return nil
}

// newestIDs are the ids of the replays whose records are the newest of some partition, aborted ones included; empty for
// what is no replay's.
func (p *preflight) newestIDs(ctx context.Context) (map[string]bool, error) {
	listed, err := p.cluster.offsets(ctx, p.spec.Topic, p.cluster.admin.ListEndOffsets)
	if err != nil {
		return nil, err
	}
	ends, err := endsOf(listed, p.spec.Topic, int32(len(p.detail.Partitions)))
	if err != nil {
		return nil, err
	}
	starts, err := p.cluster.offsets(ctx, p.spec.Topic, p.cluster.admin.ListStartOffsets)
	if err != nil {
		return nil, err
	}
	p.reach = reach{ends: listed, starts: starts}
	ids := map[string]bool{}
	for i, end := range ends {
		start, _ := starts.Lookup(p.spec.Topic, int32(i))
		from := max(start.Offset, end-newestRecords)
		if from >= end {
			continue
		}
		err := p.cluster.read(ctx, p.spec.Topic, int32(i), from, kgo.ReadUncommitted(), func(r *kgo.Record) (bool, error) {
			if !r.Attrs.IsControl() {
				ids[p.replayOf(r)] = true
			}
			return r.Offset+1 < end, nil
		}, kgo.KeepControlRecords())
		if err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// replayOf is the replay that a record is of; empty when it is of none.
func (p *preflight) replayOf(r *kgo.Record) string {
	i := slices.IndexFunc(r.Headers, func(h kgo.RecordHeader) bool { return h.Key == p.spec.Prefix+"id" })
	if i < 0 || replay.ValidID(string(r.Headers[i].Value)) != nil {
		return ""
	}
	return string(r.Headers[i].Value)
}

// overlap refuses when another replay has put part of this window into this topic, be it known or forgotten. What was put into
// one of the same name that was deleted since is gone with it, and such a replay cannot be continued.
func (p *preflight) overlap(ctx context.Context) error {
	others, err := p.known.into(p.spec)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(others)) {
		other := others[id]
		if other.started.TopicID != p.detail.ID.String() {
			continue
		}
		c, err := p.cluster.lastCheckpoint(ctx, other)
		switch {
		case err != nil:
			return err
		case c != nil && c.Seq == 0 && c.State.Terminal():
		case c != nil && c.Seq == 0:
			p.refuse(ItemOverlap, goesOn(&other.Spec, c)+" Use another --topic, or --allow overlap if it is not to go on.",
				"replay %s was begun with %s for topic %s; it has put nothing there yet, but if it does, those of this window stand there twice",
				id, span(other.Spec.Window), p.spec.Topic)
		default:
			p.findings = append(p.findings, overlapping(other, c))
		}
	}
	if before := p.known.before(p.spec.Window, p.detail.ID.String(), p.reach); len(before) > 0 {
		p.findings = append(p.findings, p.known.forgottenThere(before))
	}
	return nil
}

// overlapping is the refusal because of another replay, which has events there. Its last checkpoint is c, nil when it has none.
func overlapping(other *Stored, c *replay.Checkpoint) Finding {
	s := &other.Spec
	next := goesOn(s, c) + " Use another --topic, or --allow overlap."
	if c != nil && c.State.Terminal() {
		next = goesOn(s, c) + " To replay the window again use another --topic, or --allow overlap."
	}
	return Finding{
		Item: ItemOverlap, Refused: true, Next: next,
		What: "replay " + s.ID + " has put events of " + span(s.Window) + " into topic " + s.Topic + ": those of this window would stand there twice",
	}
}

// goesOn says with which command another replay is looked at, or goes on, as its last checkpoint tells; nil: it is lost.
func goesOn(s *replay.Spec, c *replay.Checkpoint) string {
	run := "replayd run --id " + s.ID + " (with the flags it was begun with)"
	ended := c != nil && c.State.Terminal()
	running := c != nil && c.State == replay.Running
	switch daemon := s.Owner == replay.OwnerDaemon; {
	case daemon && ended:
		return "That replay has ended: replayd show " + s.ID + " prints its receipt."
	case daemon && running:
		return "That replay goes on: replayd watch " + s.ID + " shows how far it is."
	case daemon && c == nil:
		return "What became of that replay says replayd show " + s.ID + "."
	case daemon:
		return "Continue that replay with replayd resume " + s.ID + "."
	case ended:
		return "That replay has ended: " + run + " prints its receipt."
	case running:
		return fmt.Sprintf("That replay runs at %s %d; if it was killed there, continue it with %s.", c.Host, c.PID, run)
	}
	return "Continue that replay with " + run + "."
}

// contend lets only one of two replays of one window go on that began for one topic at the same time, when neither's
// preflight could see the other: the one that says first in the config topic, which has one partition, that it has
// started. The other has produced nothing, and takes its word back. A session that was killed before it could is followed
// by one that does so: whoever has produced something has won.
func (s *Sink) contend(ctx context.Context) error {
	all, err := s.cluster.registry(ctx)
	if err != nil {
		return err
	}
	mine, err := all.find(s.spec.ID)
	if err != nil {
		return err
	}
	if !mine.Begun() {
		return nothingLeft(s.spec.ID)
	}
	if mine.started.Overlap {
		return nil
	}
	others, err := all.into(s.spec)
	if err != nil {
		return err
	}
	for _, other := range others {
		if other.startedAt < mine.started.Looked || other.startedAt > mine.startedAt {
			continue
		}
		c, err := s.cluster.lastCheckpoint(ctx, other)
		if err != nil {
			return err
		}
		f := overlapping(other, c)
		f.What = strings.Replace(f.What, "has put", "has begun just before to put", 1)
		return s.giveWay(ctx, f)
	}
	for _, of := range all.before(s.spec.Window, mine.started.TopicID, reach{}) {
		if all.traces[of].first >= mine.started.Looked { // it began, ended and was forgotten since
			return s.giveWay(ctx, all.forgottenThere([]traceID{of}))
		}
	}
	return nil
}

// giveWay takes the word back that this replay has started.
func (s *Sink) giveWay(ctx context.Context, f Finding) error {
	if err := s.writeConfig(ctx, startedKey(s.spec.ID), nil); err != nil {
		return err
	}
	return &replay.Refusal{Item: f.Item, What: f.What, Next: f.Next}
}

func overlaps(a, b replay.Window) bool {
	if !a.Bounded() || !b.Bounded() {
		return true
	}
	return a.From.Before(b.To) && b.From.Before(a.To)
}

func span(w replay.Window) string {
	if !w.Bounded() {
		return "all"
	}
	return w.From.Format(time.RFC3339) + " to " + w.To.Format(time.RFC3339)
}
