package consumer

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The headers of a replayed record. Their values are UTF-8 text.
const (
	HeaderID        = "replay-id"         // the replay; its presence means "this is a replay"
	HeaderSeq       = "replay-seq"        // events produced before it, plus 1
	HeaderEventTime = "replay-event-time" // ms since 1970; absent when the event has no time
	HeaderEventID   = "replay-event-id"   // absent when the event has no id
	HeaderFlags     = "replay-flags"      // comma-separated; absent when there are none
	HeaderTargets   = "replay-targets"    // comma-separated groups; only with --headers targets
	HeaderReason    = "replay-reason"     // why it was replayed; only with --headers reason
	HeaderSource    = "replay-source"     // where it stands in the archive; only with --headers source
)

// The flags of a record. Later versions may add others.
const (
	NoID        = "no-id"        // the event has no id: copies of it cannot be told apart
	TimeMissing = "time-missing" // the event has no time; it stands in the order of the archive
	TimeClamped = "time-clamped" // its time lies after its own arrival: it stands earlier than its time says
	Late        = "late"         // it stands behind later events: its place had passed
	Conflict    = "conflict"     // another event of the same id has other content
)

// IsReplay reports whether r was put into its topic by a replay. What is none came live.
func IsReplay(r *kgo.Record) bool { return ID(r) != "" }

// ID names the replay that r belongs to; empty for a live record.
func ID(r *kgo.Record) string { return header(r, HeaderID) }

// Seq is the number of r in its replay, from 1 on over all partitions: the same event has the same number however often
// the replay was interrupted. It ascends in each partition. 0 for a live record.
func Seq(r *kgo.Record) int64 {
	seq, err := strconv.ParseInt(header(r, HeaderSeq), 10, 64)
	if err != nil || seq < 1 {
		return 0
	}
	return seq
}

// EventID is the event's own id: a string decoded, a number as it was written, the parts of a compound one as a JSON
// array. ok is false for a live record and for an event without an id.
func EventID(r *kgo.Record) (id string, ok bool) { return lookup(r, HeaderEventID) }

// EventTime is when the event happened, in UTC and whole milliseconds; r.Timestamp is when it was replayed. ok is false
// for a live record and for an event without a time.
func EventTime(r *kgo.Record) (t time.Time, ok bool) {
	ms, err := strconv.ParseInt(header(r, HeaderEventTime), 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	return time.UnixMilli(ms).UTC(), true
}

// Flags say what was noticed about the event, see NoID and its neighbours; nil when nothing was.
func Flags(r *kgo.Record) []string { return list(r, HeaderFlags) }

// Targets are the consumer groups that should act on r; nil when the replay names none, and for a live record.
func Targets(r *kgo.Record) []string { return list(r, HeaderTargets) }

// ShouldProcess reports whether a consumer of group should act on r: on every live record, and on those of a replay that
// names the group or no group at all. A record that is passed over still counts as consumed: commit it and tell Progress
// of it.
func ShouldProcess(r *kgo.Record, group string) bool {
	if !IsReplay(r) {
		return true
	}
	targets := Targets(r)
	return len(targets) == 0 || slices.Contains(targets, group)
}

// list is a header of words separated by commas.
func list(r *kgo.Record, name string) []string {
	words := strings.FieldsFunc(header(r, name), func(c rune) bool { return c == ',' || c == ' ' })
	if len(words) == 0 {
		return nil
	}
	return words
}

func header(r *kgo.Record, name string) string {
	value, _ := lookup(r, name)
	return value
}

// lookup finds the last header of a name: a replay writes its own behind those that were archived.
func lookup(r *kgo.Record, name string) (value string, ok bool) {
	for _, h := range slices.Backward(r.Headers) {
		if h.Key == name {
			return string(h.Value), true
		}
	}
	return "", false
}
