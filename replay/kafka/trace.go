package kafka

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// trace says, in the config topic, what a replay that is forgotten has put into its topic: events of its window are not put there
// again unasked, and those of another window may be.
type trace struct {
	Version  int           `json:"version"`
	Topic    string        `json:"topic"`
	TopicID  string        `json:"topic_id"`
	Window   replay.Window `json:"window"`
	Produced *int64        `json:"produced,omitempty"` // events; nil: nobody knows
	At       time.Time     `json:"at"`                 // when it was forgotten

	Partitions int32   `json:"partitions,omitempty"` // of the topic then
	Ends       []int64 `json:"ends,omitempty"`       // of those, as reaches notes them; nil: not known, or of a replayd that did not note them
}

// traceID is what a trace is of. The id of the replay alone may be another's now, or may have been before.
type traceID struct {
	replay string
	part   string // the last of the key of its spec; of one whose spec was lost, or which an older replayd forgot, the hash of its spec
}

const (
	// mostTraces is how many are written: with some 400 bytes for each in the config topic and 650 in the memory of whoever
	// reads it, they take 35 MB.
	mostTraces = 50_000

	// tracesRead are taken by readers: daemons that write their last at the same moment make the topic unreadable to none.
	tracesRead = 2 * mostTraces
)

// errTraces says that no more replays can be forgotten.
func errTraces(prefix string) error {
	return fmt.Errorf("the topics of %s hold traces of %d replays that were forgotten, and no more are kept\n"+
		"Traces go with what those replays have put into their topics: delete such a topic that nobody reads any more, and forget again a minute later", prefix, mostTraces)
}

func (t *trace) validate() error {
	switch {
	case ValidTopic(t.Topic) != nil || t.TopicID == "":
		return errors.New("it names no topic")
	case t.Partitions < 0 || len(t.Ends) > int(t.Partitions) || t.Partitions > 0 && len(t.Ends) == 0:
		return errors.New("its ends are not those of its partitions")
	}
	return nil
}

// produced reports whether events of the replay may stand in its topic. Also without, records of it may: of a transaction that
// was aborted.
func (t *trace) produced() bool { return t.Produced == nil || *t.Produced > 0 }

// takeTrace applies a record of a trace, in the order of the log.
func (r *registry) takeTrace(of traceID, record *kgo.Record) {
	t := r.traces[of]
	if t == nil && len(r.traces) == tracesRead {
		r.full = true
		return
	}
	if t == nil {
		t = &register[trace]{}
		r.traces[of] = t
	}
	if t.take(record, (*trace).validate); t.absent() {
		delete(r.traces, of)
	}
}

// newerTrace is the word of a trace that a later replayd wrote. Of one that was overwritten with something else, what it was
// before counts.
func (r *registry) newerTrace() error {
	for _, t := range r.traces {
		if errors.As(t.err, new(*errNewer)) {
			return t.err
		}
	}
	return nil
}

// traced reports whether records in the topic of that id are known to be of a forgotten replay.
func (r *registry) traced(id, topicID string) bool {
	for of, t := range r.traces {
		if of.replay == id && t.value != nil && t.value.TopicID == topicID {
			return true
		}
	}
	return false
}

// before are the forgotten replays that have put events of an overlapping window into the topic of that id, where any may stand
// still, by how far it reaches. The last one that was forgotten is the first. One that is known still, since forgetting it was
// broken off, is found among those.
func (r *registry) before(w replay.Window, topicID string, now reach) []traceID {
	list := slices.Collect(maps.Keys(r.traces))
	list = slices.DeleteFunc(list, func(of traceID) bool {
		t := r.traces[of].value
		return t == nil || t.TopicID != topicID || !t.produced() || !overlaps(t.Window, w) || t.faded(now) || r.remembers(of)
	})
	slices.SortFunc(list, func(a, b traceID) int {
		return cmp.Or(r.traces[b].value.At.Compare(r.traces[a].value.At), strings.Compare(a.replay, b.replay), strings.Compare(a.part, b.part))
	})
	return list
}

// remembers reports whether a replay that has a trace is known all the same.
func (r *registry) remembers(of traceID) bool {
	known := r.replays[of.replay]
	if known == nil {
		return false
	}
	s := known.stored()
	return s.Begun() && (s.part == of.part || s.Spec.Hash() == of.part)
}

// forgottenThere is the refusal because of forgotten replays, of which the last one is told. Who may be told its id cannot be
// known any more: the API knows it by these words, and leaves it out for those who may not see all.
func (r *registry) forgottenThere(list []traceID) Finding {
	t := r.traces[list[0]].value
	did, more := "has put", ""
	if t.Produced == nil {
		did = "may have put"
	}
	if n := len(list) - 1; n > 0 {
		more = fmt.Sprintf(", and so have %d more before it", n)
	}
	return Finding{
		Item: ItemOverlap, Refused: true, Next: "Use another --topic, or --allow overlap.",
		What: fmt.Sprintf("forgotten replay %s %s events of %s into topic %s%s: those of this window would stand there twice (it was forgotten at %s)",
			list[0].replay, did, span(t.Window), t.Topic, more, t.At.UTC().Format(time.RFC3339)),
	}
}
