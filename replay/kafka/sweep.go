package kafka

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// leave writes the trace of a replay that is being forgotten, once nobody else writes for it any more. What it has produced is
// read from its journal. Where that holds no checkpoint and they are not known to be lost, the trace is there already, or there
// is nothing to tell; as where the topic is gone.
func (v *View) leave(ctx context.Context, f *forgotten, j *journal) error {
	t, of := trace{Version: version, At: f.since}, traceID{replay: f.spec.ID}
	switch c, g := j.checkpoint, j.genesis; {
	case c == nil && !f.lost:
		return nil
	case g != nil:
		t.Topic, t.TopicID, t.Window, of.part = g.Topic, g.TopicID, g.Window, g.Spec
	case f.started != nil && f.spec.Topic != "":
		t.Topic, t.TopicID, t.Window, of.part = f.spec.Topic, f.started.TopicID, f.spec.Window, f.spec.Hash()
	default: // what it was is lost, too
		return nil
	}
	if f.gone {
		return nil
	}
	if f.part != lostSpec {
		of.part = f.part
	}
	if j.checkpoint != nil {
		t.Produced = &j.checkpoint.Seq
	}
	t.reaches(v.cluster.endsNow(ctx, t.Topic, t.TopicID))
	return v.write(ctx, traceKey(of), t)
}

const (
	// topicsAsked is how many topics are asked for at a time, whether they are there still.
	topicsAsked = 1000

	// partitionsAsked is of how many partitions it is asked at a time where they begin, beside those of one topic.
	partitionsAsked = 10_000

	// tracesSwept is how many traces are deleted at a time: nobody who forgets one replay waits for more.
	tracesSwept = 50

	// sweepLimit is how long all that is asked for at a time.
	sweepLimit = 10 * time.Second
)

// topicOf is a topic that replays were put into: another of its name has another id.
type topicOf struct{ name, id string }

// sweep deletes traces of replays whose events stand in their topics no more, be it that the topics are gone or that those are. What
// cannot be asked or deleted now is left for the next time. It notes whether the topic of f is gone.
func (v *View) sweep(ctx context.Context, f *forgotten) {
	ctx, cancel := context.WithTimeout(ctx, sweepLimit)
	defer cancel()
	topics := v.tracedTopics(f)
	if len(topics) == 0 {
		return
	}
	list, err := v.cluster.admin.ListTopics(ctx, names(topics)...)
	if err == nil {
		gone := v.goneTopics(topics, list, time.Now())
		f.gone = gone[f.topic()]
		reach := v.cluster.reach(ctx, v.asked(list)...)
		for _, of := range v.outlived(gone, reach) {
			if err = v.write(ctx, traceKey(of), nil); err != nil {
				break
			}
		}
	}
	if err != nil {
		v.cluster.options.Log.Debug().Err(err).Msg("traces of forgotten replays are left, though their topics may be gone")
	}
}

func names(topics []topicOf) (names []string) {
	for _, t := range topics {
		names = append(names, t.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// topic is into which f was put; zero: it never began, or that is lost.
func (f *forgotten) topic() topicOf {
	if f.started == nil || f.spec.Topic == "" {
		return topicOf{}
	}
	return topicOf{f.spec.Topic, f.started.TopicID}
}

// tracedTopics are that of f and those that traces name, others each time where there are too many.
func (v *View) tracedTopics(f *forgotten) (topics []topicOf) {
	v.mu.Lock()
	defer v.mu.Unlock()
	seen := map[topicOf]bool{{}: true}
	add := func(t topicOf) {
		if !seen[t] && len(topics) < topicsAsked {
			seen[t], topics = true, append(topics, t)
		}
	}
	add(f.topic())
	for _, t := range v.registry.traces { // in an order of chance
		if t.value != nil {
			add(topicOf{t.value.Topic, t.value.TopicID})
		}
	}
	return topics
}

// goneTopics are those of topics that are gone by this answer: another has the name now, or none has, and none had it at an earlier
// look. Brokers that are just coming up may hide one.
func (v *View) goneTopics(topics []topicOf, list kadm.TopicDetails, now time.Time) map[topicOf]bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	gone, missing := map[topicOf]bool{}, map[string]time.Time{}
	for _, t := range topics {
		detail, asked := list[t.name]
		switch {
		case !asked:
		case errors.Is(detail.Err, kerr.UnknownTopicOrPartition):
			since, before := v.missingTopics[t.id]
			if !before {
				since = now
			}
			if missing[t.id] = since; now.Sub(since) >= deletedFor {
				gone[t] = true
			}
		case detail.Err == nil && detail.ID != kadm.TopicID{} && detail.ID.String() != t.id:
			gone[t] = true
		}
	}
	v.missingTopics = missing
	return gone
}

// asked are topics that are there and of which traces tell how far they reached, others each time where there are too many.
func (v *View) asked(list kadm.TopicDetails) (topics []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	seen, partitions := map[string]bool{}, 0
	for _, t := range v.registry.traces { // in an order of chance
		if t.value == nil || len(t.value.Ends) == 0 || seen[t.value.Topic] {
			continue
		}
		detail := list[t.value.Topic]
		if n := len(detail.Partitions); n > 0 && detail.ID.String() == t.value.TopicID && (partitions == 0 || partitions+n <= partitionsAsked) {
			seen[t.value.Topic], partitions, topics = true, partitions+n, append(topics, t.value.Topic)
		}
	}
	return topics
}

// outlived are traces of topics that are gone, and of those in which nothing of the replay stands any more.
func (v *View) outlived(gone map[topicOf]bool, reach reach) (list []traceID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for of, t := range v.registry.traces {
		if t.value != nil && (gone[topicOf{t.value.Topic, t.value.TopicID}] || t.value.faded(reach)) && len(list) < tracesSwept {
			list = append(list, of)
		}
	}
	return list
}
