package api

import (
	"context"
	"iter"
	"time"

	"replayd/replay"
)

// Service is what a daemon does. Any daemon on the same control topics answers for all replays. Who asks stands in the
// context (By). Errors are *Problem where the one who asks can do something about them. What changes something returns when
// this daemon has read it back from Kafka.
type Service interface {
	// Start makes a replay known, to be run when its turn comes. One that is known already by the same Idempotency-Key and
	// was asked for in the same way is returned as it is, with created false.
	Start(ctx context.Context, s Start) (r Replay, created bool, err error)
	Replays(ctx context.Context, q Query) (Page[Replay], error)
	Replay(ctx context.Context, id string) (Replay, error)

	Pause(ctx context.Context, id string, a Act) (Replay, error)
	Resume(ctx context.Context, id string, r Resume) (Replay, error)
	SetPace(ctx context.Context, id string, p Pace) (Replay, error)
	Cancel(ctx context.Context, id string, a Act) (Replay, error)
	Approve(ctx context.Context, id string, a Act) (Replay, error)
	Forget(ctx context.Context, id string, a Act) error

	Receipt(ctx context.Context, id string) (replay.Receipt, error)
	Quarantine(ctx context.Context, id string, q PageQuery) (Page[Quarantined], error)
	Offsets(ctx context.Context, id string, at time.Time) (Offsets, error)
	Group(ctx context.Context, id, group string) (Group, error)

	Plan(ctx context.Context, s Start) (Plan, error)
	Archives(ctx context.Context) (Page[Archive], error)
	Hours(ctx context.Context, archive string, w Span) (Page[Hour], error)
	Audit(ctx context.Context, q AuditQuery) (Page[replay.Audited], error)

	// Events tells of replays as they change: first how each of them stands, then each that changes. Who reads slowly misses
	// what has been replaced meanwhile, and never the newest. After is the ID of the last event that was read; it may be of
	// another daemon or of long ago.
	Events(ctx context.Context, id, after string) iter.Seq2[Event, error]

	Version(ctx context.Context) (Version, error)
	Ready(ctx context.Context) (Readiness, error)
}

// Start asks for a replay. Its fields are the flags of replayd run by the same names, with the same forms, defaults and
// meaning. Whether a start is the same as one before is told by all of them but Plan and AsOf.
type Start struct {
	ID            string   `json:"id,omitempty" maxLength:"128" doc:"name of the replay; default: of the Idempotency-Key, else a new one" example:"payments-0300"`
	Archive       string   `json:"archive" minLength:"1" maxLength:"256" doc:"a name from the daemon's configuration" example:"payments"`
	From          string   `json:"from,omitempty" maxLength:"64" doc:"beginning of the window: 2026-11-01T12:00:00Z, 2026-11-01T12, 2026-11-01, -3h" example:"2026-11-01T12"`
	To            string   `json:"to,omitempty" maxLength:"64" doc:"end of the window, exclusive; also now" example:"2026-11-01T16"`
	For           string   `json:"for,omitempty" maxLength:"64" doc:"length of the window instead of to: 4h"`
	Zone          string   `json:"zone,omitempty" maxLength:"64" doc:"time zone of from and to where they tell none; default: UTC"`
	WindowOn      string   `json:"window_on,omitempty" enum:"event,arrival" doc:"time by which an event belongs to the window; default: the archive's"`
	EventID       string   `json:"event_id,omitempty" maxLength:"1024" doc:"JSON Pointer to the id, several with commas, body, source or none; default: the archive's"`
	EventTime     string   `json:"event_time,omitempty" maxLength:"1024" doc:"JSON Pointer to the time, or none; default: the archive's"`
	EventTimeZone string   `json:"event_time_zone,omitempty" maxLength:"64" doc:"time zone of event times that tell none; default: the archive's"`
	Key           string   `json:"key,omitempty" maxLength:"1024" doc:"JSON Pointer to the record key; default: the archive's"`
	Value         string   `json:"value,omitempty" maxLength:"1024" doc:"JSON Pointer to the part that is produced; default: the whole event"`
	Slack         string   `json:"slack,omitempty" maxLength:"64" doc:"how far before and after the window archived hours are read: 1h,1h"`
	Lateness      string   `json:"lateness,omitempty" maxLength:"64" doc:"disorder inside an object that is put right: 5m"`
	Horizon       string   `json:"horizon,omitempty" maxLength:"64" doc:"how far back duplicates are looked for; default: lateness and slack after the window"`
	Dedupe        string   `json:"dedupe,omitempty" enum:"on,off" doc:"whether duplicates are left out; default: on"`
	Filter        string   `json:"filter,omitempty" maxLength:"4096" doc:"expression over event, time, id and key: what makes it false is left out"`
	Limit         int64    `json:"limit,omitempty" minimum:"0" doc:"end after so many events; 0: none"`
	OnLate        string   `json:"on_late,omitempty" enum:"emit,quarantine,stop" doc:"what to do with an event that came later than lateness"`
	OnConflict    string   `json:"on_conflict,omitempty" enum:"emit,drop,quarantine,stop" doc:"what to do with an event whose id had another body"`
	OnBad         string   `json:"on_bad,omitempty" enum:"quarantine,stop" doc:"what to do with what cannot be read"`
	OnMissingID   string   `json:"on_missing_id,omitempty" enum:"emit,quarantine,stop" doc:"what to do with an event without an id"`
	MaxBad        string   `json:"max_bad,omitempty" maxLength:"64" doc:"share of bad entries above which the replay fails: 1%"`
	Topic         string   `json:"topic" minLength:"1" maxLength:"249" doc:"replay topic, one that the configuration of the daemon lets replays write" example:"replay.payments"`
	CreateTopic   bool     `json:"create_topic,omitempty" doc:"create the topic when it is missing"`
	Partitions    int32    `json:"partitions,omitempty" minimum:"0" doc:"of a topic that is created; 0: the cluster's default"`
	LikeTopic     string   `json:"like_topic,omitempty" maxLength:"249" doc:"topic whose partitions and settings a created one gets"`
	Pace          string   `json:"pace,omitempty" maxLength:"256" doc:"5000/s, 20MB/s, x4, unlimited; several with commas: the slowest holds; default: what the configuration says for the topic" example:"5000/s"`
	MaxGap        string   `json:"max_gap,omitempty" maxLength:"64" doc:"longest wait for an idle gap with xN: 10s"`
	Ramp          string   `json:"ramp,omitempty" maxLength:"64" doc:"time in which the pace is reached: 1m"`
	RecordTime    string   `json:"record_time,omitempty" enum:"now,original" doc:"time of the records; default: now"`
	Headers       []string `json:"headers,omitempty" maxLength:"64" maxItems:"8" doc:"extra tags: reason, source, targets"`
	Targets       []string `json:"targets,omitempty" maxLength:"249" maxItems:"64" doc:"consumer groups that should act, for the header replay-targets"`
	Reason        string   `json:"reason,omitempty" maxLength:"256" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]*$" patternDescription:"one line, without control characters" doc:"why, for header and audit" example:"INC-1234: the consumer lost four hours"`
	Compression   string   `json:"compression,omitempty" enum:"none,gzip,snappy,lz4,zstd" doc:"of the records; default: snappy"`
	Allow         []string `json:"allow,omitempty" maxLength:"64" maxItems:"64" doc:"refusals of preflight that are overridden, by name"`
	Plan          string   `json:"plan,omitempty" maxLength:"64" doc:"hash of the plan that is to be started; refused when the archive has changed since, at the start and until all of it is read"`
	AsOf          string   `json:"as_of,omitempty" maxLength:"64" doc:"as_of of that plan: relative times count from it; at most a day ago; default: now" example:"2026-11-02T03:00:00Z"`

	IdempotencyKey string `json:"-"` // a header
}

// Replay is a replay as it stands.
type Replay struct {
	ID           string         `json:"id" doc:"its name" example:"payments-0300"`
	State        replay.State   `json:"state" doc:"where it stands: planned, running, paused, completed, completed_with_quarantine, cancelled, failed" example:"running"`
	Owner        string         `json:"owner" doc:"daemon, or run: a foreground process, which is only shown" example:"daemon"`
	Queued       string         `json:"queued,omitempty" doc:"why it waits for its turn, such as the replay before it"`
	Reason       string         `json:"reason,omitempty" doc:"why it is paused or failed, or was cancelled; of one that is planned, why it was refused; absent otherwise"`
	Archive      string         `json:"archive" doc:"what it reads" example:"payments"`
	URL          string         `json:"url" doc:"where the archive is" example:"s3://archive/payments"`
	WindowOn     string         `json:"window_on" doc:"time by which an event belongs to the window: event or arrival" example:"event"`
	From         time.Time      `json:"from,omitzero" doc:"beginning of the window" example:"2026-11-01T12:00:00Z"`
	To           time.Time      `json:"to,omitzero" doc:"end of the window, exclusive" example:"2026-11-01T16:00:00Z"`
	Topic        string         `json:"topic" doc:"what it writes" example:"replay.payments"`
	Pace         string         `json:"pace" doc:"that is wished" example:"5000/s"`
	Wanted       replay.State   `json:"wanted" doc:"state that is wished: running, paused or cancelled" example:"running"`
	Allow        []string       `json:"allow,omitempty" doc:"refusals that are overridden, by the start and by whoever resumed it last" example:"overlap"`
	MaxBad       string         `json:"max_bad,omitempty" doc:"share of bad entries above which it fails; absent: 1%" example:"5%"`
	StopOn       []string       `json:"stop_on,omitempty" doc:"what it stops before: late, conflict, missing-id, bad" example:"bad"`
	Waits        bool           `json:"waits,omitempty" doc:"for the approval of a second person"`
	StartedBy    string         `json:"started_by,omitempty" doc:"who started it" example:"alice"`
	StartedAt    time.Time      `json:"started_at" doc:"when it was made known" example:"2026-11-02T03:00:00Z"`
	EndedAt      time.Time      `json:"ended_at,omitzero" doc:"when it ended; absent while it has not"`
	HeardAt      time.Time      `json:"heard_at,omitzero" doc:"when the process of a foreground replay was heard last, by its commits; absent when it has ended, and of a daemon's"`
	WishedBy     string         `json:"wished_by,omitempty" doc:"who wished last"`
	WishedAt     time.Time      `json:"wished_at,omitzero" doc:"when that was"`
	WishedReason string         `json:"wished_reason,omitempty" doc:"why, as they said" example:"INC-1234: the consumer is behind"`
	Daemon       string         `json:"daemon,omitempty" doc:"host and process of the session; also of a foreground process"`
	Stale        time.Time      `json:"stale_since,omitzero" doc:"until when this daemon could read from Kafka what others do: the replay may stand otherwise by now; absent while it can, and of a replay that it runs itself or that has ended"`
	Sessions     int            `json:"sessions" doc:"how often its work was begun or taken up again"`
	Progress     *replay.Report `json:"progress,omitempty" doc:"how far it is; absent while nobody has told"`
}

// Act is a change of what is wished, with its reason for the audit.
type Act struct {
	Reason string `json:"reason,omitempty" maxLength:"256" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]*$" patternDescription:"one line, without control characters" doc:"why, for the audit" example:"INC-1234: the consumer is behind"`
}

// Resume lets a replay go on. What it chooses holds from then on, but for Allow, which holds until the replay is resumed again; what it
// does not choose stays as it is.
type Resume struct {
	Act

	Allow       []string `json:"allow,omitempty" maxLength:"64" maxItems:"64" doc:"refusals that are overridden beside those of the start, by name, until it is resumed again"`
	MaxBad      string   `json:"max_bad,omitempty" maxLength:"64" doc:"share of bad entries above which the replay fails: 1%"`
	OnLate      string   `json:"on_late,omitempty" enum:"emit,quarantine,stop" doc:"stop before an event that came later than lateness, or no more: what it was started with is frozen"`
	OnConflict  string   `json:"on_conflict,omitempty" enum:"emit,drop,quarantine,stop" doc:"likewise an event whose id had another body"`
	OnBad       string   `json:"on_bad,omitempty" enum:"quarantine,stop" doc:"likewise what cannot be read"`
	OnMissingID string   `json:"on_missing_id,omitempty" enum:"emit,quarantine,stop" doc:"likewise an event without an id"`
}

// Choices are those that it makes, as field=value, but for Allow.
func (r *Resume) Choices() []string {
	var list []string
	for _, c := range []struct{ field, value string }{
		{"max_bad", r.MaxBad}, {"on_late", r.OnLate}, {"on_conflict", r.OnConflict}, {"on_bad", r.OnBad}, {"on_missing_id", r.OnMissingID},
	} {
		if c.value != "" {
			list = append(list, c.field+"="+c.value)
		}
	}
	return list
}

// Pace is another pace.
type Pace struct {
	Pace   string `json:"pace" minLength:"1" maxLength:"256" doc:"5000/s, 20MB/s, x4, unlimited; several with commas: the slowest holds" example:"500/s"`
	MaxGap string `json:"max_gap,omitempty" maxLength:"64" doc:"longest wait for an idle gap with xN"`
	Reason string `json:"reason,omitempty" maxLength:"256" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]*$" patternDescription:"one line, without control characters" doc:"why, for the audit"`
}

// PageQuery asks for a part of a list. A Limit of 0 is that of 100.
type PageQuery struct {
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"most that are answered"`
	After string `query:"after" maxLength:"1024" doc:"next of the page before"`
}

// Query asks for replays, the newest first. What is empty is any.
type Query struct {
	PageQuery

	State   string `query:"state" enum:"planned,running,paused,completed,completed_with_quarantine,cancelled,failed" doc:"only those that stand so"`
	Wanted  string `query:"wanted" enum:"running,paused,cancelled" doc:"only those that have not ended and are wished so, whatever they are: paused also finds those that were paused before they began"`
	Archive string `query:"archive" maxLength:"256" doc:"only those of this archive"`
	Topic   string `query:"topic" maxLength:"249" doc:"only those into this topic"`

	// Seen, of an archive and a topic, leaves out what it is false for, as if it was not there; nil: nothing. Guard sets it, and
	// a Client does not send it: who may see what is known where they log in.
	Seen func(archive, topic string) bool `json:"-"`
}

// Stands reports whether r stands as q asks for, and is wished so.
func (q *Query) Stands(r *Replay) bool {
	return (q.State == "" || q.State == string(r.State)) && (q.Wanted == "" || q.Wanted == string(r.Wanted) && !r.State.Terminal())
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T    `json:"items" doc:"in the order of the list"`
	Next  string `json:"next,omitempty" doc:"to be given as after; absent: there is no more"`
}

// Quarantined is an entry that was not produced, and its number.
type Quarantined struct {
	N int64 `json:"n" doc:"its number, in the order of the replay"`
	replay.Quarantined
}

// Offsets lead to an event time: every record of the replay whose time is at or later stands at or behind these.
type Offsets struct {
	ID         string      `json:"id" doc:"of the replay"`
	EventTime  time.Time   `json:"event_time" doc:"as asked"`
	Known      time.Time   `json:"known" doc:"the nearest before it of which the offsets are known; of the year 1: none, and they are the beginning of the replay"`
	Topic      string      `json:"topic" doc:"that they are of"`
	Partitions []Partition `json:"partitions" doc:"each of the topic's that the replay writes"`
}

// Partition is an offset in one.
type Partition struct {
	Partition int32 `json:"partition" doc:"its number"`
	Offset    int64 `json:"offset" doc:"where to read from"`
}

// Group is how far a consumer group has read a replay.
type Group struct {
	Group      string           `json:"group" doc:"its name" example:"payments-svc"`
	ID         string           `json:"id" doc:"of the replay"`
	State      string           `json:"state" doc:"of the group, as Kafka calls it" example:"Stable"`
	Lag        int64            `json:"lag" doc:"offsets up to the newest records of the replay that it has not consumed"`
	Done       bool             `json:"done" doc:"the replay has ended and the group has passed its last record in every partition"`
	ETA        float64          `json:"eta_seconds,omitzero" doc:"at the rate of the last seconds; absent when that is not known"`
	Partitions []GroupPartition `json:"partitions" doc:"each of the topic's that the replay writes"`
}

// GroupPartition is how far it is in one.
type GroupPartition struct {
	Partition int32 `json:"partition" doc:"its number"`
	Committed int64 `json:"committed" doc:"offset; -1: none"`
	Last      int64 `json:"last" doc:"offset of the newest record of the replay; -1: none"`
	Done      bool  `json:"done" doc:"the group has passed the last record of a replay that has ended"`
}

// Plan is what a start would do. Its hash may be given to Start.
type Plan struct {
	Hash     string         `json:"hash" doc:"of what would be replayed, and of the archive as it is now"`
	AsOf     string         `json:"as_of" doc:"when that was: what relative times count from; given to Start beside the hash"`
	Accepted bool           `json:"accepted" doc:"nothing of preflight refuses it"`
	Lines    []string       `json:"lines" doc:"the plan in six lines, for people"`
	Plan     map[string]any `json:"plan" doc:"as replayd plan -o json prints it"`
}

// Archive is one that the daemon knows.
type Archive struct {
	Name string   `json:"name" doc:"as a start names it" example:"payments"`
	URL  []string `json:"url" doc:"where it is"`
}

// Span is a part of an archive, half-open; it may hold at most 31 days.
type Span struct {
	From time.Time `query:"from" required:"true" doc:"first hour" example:"2026-11-01T00:00:00Z"`
	To   time.Time `query:"to" required:"true" doc:"end, exclusive" example:"2026-11-02T00:00:00Z"`
}

// Hour is what an archive holds of one.
type Hour struct {
	Hour    string `json:"hour" doc:"its beginning, or the day where the archive has only days" example:"2026-11-01T03Z"`
	Objects int    `json:"objects" doc:"that it holds"`
	Bytes   int64  `json:"bytes" doc:"their stored size"`
	Gap     bool   `json:"gap" doc:"it holds no objects"`
}

// AuditQuery asks for what was done, the oldest first.
type AuditQuery struct {
	PageQuery

	ID string `query:"id" maxLength:"128" doc:"of the replay; empty: of all"`
}

// Event tells that a replay stands otherwise than before.
type Event struct {
	ID     string // to go on behind it
	Replay Replay
	Gone   bool // it was forgotten; Replay holds its id, and archive and topic, which clients are not told
}

// Version is that of the program.
type Version struct {
	Version        string `json:"version" doc:"as replayd version prints it" example:"v1.0.0"`
	ReasonRequired bool   `json:"reason_required,omitempty" doc:"everything that changes something must say why"`
}

// Readiness says whether the daemon can do its work.
type Readiness struct {
	Ready   bool     `json:"ready" doc:"it can"`
	Reasons []string `json:"reasons" doc:"why not"`
}
