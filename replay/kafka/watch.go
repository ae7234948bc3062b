package kafka

import (
	"context"
	"fmt"
	"time"

	"replayd/replay"
)

// Watch tells of a target that may delete the beginning of the replay before its end, or within a day: preflight could only
// guess how long the replay lasts, and knows nothing of pauses. The settings are asked for each time, since the next step
// is to change them. It may be called from any goroutine once Open has returned.
func (s *Sink) Watch(ctx context.Context, now, end time.Time) string {
	settings, err := s.cluster.topicSettings(ctx, s.spec.Topic)
	if err != nil {
		s.cluster.options.Log.Debug().Err(err).Msg("how long the topic keeps records is not to be learnt now")
		return ""
	}
	what := fading(s.spec, settings, s.began, now, end)
	if what == "" {
		return ""
	}
	return fmt.Sprintf("%s\nLet it keep them: %s\nOr stop, and continue with a faster --pace.",
		what, setTopic(s.cluster.options.Brokers, s.spec.Topic, "retention.ms=-1"))
}

// fading says when the first records of a replay that began then may be deleted, if that is before its end (zero: not
// known), or within the margin of preflight; empty: it is not.
func fading(spec *replay.Spec, settings map[string]string, began, now, end time.Time) string {
	keeps, finite := milliseconds(settings["retention.ms"])
	if !finite {
		return ""
	}
	oldest := began // a segment goes by its newest record, so none of it goes before
	if spec.RecordTime == replay.RecordTimeOriginal && settings["message.timestamp.type"] != "LogAppendTime" && spec.Window.Bounded() {
		oldest = spec.Window.From
	}
	goes := oldest.Add(keeps)
	at := goes.UTC().Format(time.RFC3339)
	what := fmt.Sprintf("retention: topic %s keeps records for %s, and ", spec.Topic, days(keeps))
	switch {
	case !now.Before(goes):
		return what + "the beginning of this replay may have been deleted since " + at
	case end.After(goes):
		return what + "the beginning of this replay may be deleted from " + at + " on, before its end, which is expected at " + end.UTC().Format(time.RFC3339)
	case now.Add(margin(keeps)).After(goes):
		return what + "the beginning of this replay may be deleted from " + at + " on"
	}
	return ""
}
