package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// leave writes the trace of a replay that is being forgotten, once nobody else writes for it any more. What it has produced is
// read from its journal. Where that holds no checkpoint and they are not known to be lost, the trace is there already, or there
// is nothing to tell.
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
	if f.part != lostSpec {
		of.part = f.part
	}
	if j.checkpoint != nil {
		t.Produced = &j.checkpoint.Seq
	}
	return v.write(ctx, traceKey(of), t)
}

const (
	// topicsAsked is how many topics are asked for at a time, whether they are there still.
	topicsAsked = 1000

	// tracesSwept is how many traces are deleted at a time: nobody who forgets one replay waits for more.
	tracesSwept = 50
)

// sweep deletes traces of topics that are gone, with what the replays put there. What cannot be asked or deleted now is left for
// the next time.
func (v *View) sweep(ctx context.Context) {
	topics := v.tracedTopics()
	if len(topics) == 0 {
		return
	}
	list, err := v.cluster.admin.ListTopics(ctx, topics...)
	if err == nil {
		for _, of := range v.outlived(list, time.Now()) {
			if err = v.write(ctx, traceKey(of), nil); err != nil {
				break
			}
		}
	}
	if err != nil {
		v.cluster.options.Log.Debug().Err(err).Msg("traces of forgotten replays are left, though their topics may be gone")
	}
}

// tracedTopics are topics that traces name, others each time where there are too many.
func (v *View) tracedTopics() (topics []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	seen := map[string]bool{}
	for _, t := range v.registry.traces { // in an order of chance
		if t.value == nil || seen[t.value.Topic] {
			continue
		}
		if seen[t.value.Topic] = true; len(seen) > topicsAsked {
			break
		}
		topics = append(topics, t.value.Topic)
	}
	return topics
}

// outlived are traces of topics that are gone by this answer: another topic has the name now, or none has, and none had it at an
// earlier look. Brokers that are just coming up may hide one.
func (v *View) outlived(list kadm.TopicDetails, now time.Time) (gone []traceID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	missing := map[string]time.Time{}
	for of, t := range v.registry.traces {
		if t.value == nil {
			continue
		}
		detail, asked := list[t.value.Topic]
		switch id := t.value.TopicID; {
		case !asked:
		case errors.Is(detail.Err, kerr.UnknownTopicOrPartition):
			since, before := v.missingTopics[id]
			if !before {
				since = now
			}
			if missing[id] = since; now.Sub(since) >= deletedFor {
				gone = append(gone, of)
			}
		case detail.Err == nil && detail.ID != kadm.TopicID{} && detail.ID.String() != id:
			gone = append(gone, of)
		}
	}
	v.missingTopics = missing
	return gone[:min(len(gone), tracesSwept)]
}
