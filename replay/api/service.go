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
	Resume(ctx context.Context, id string, a Act) (Replay, error)
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
// meaning.
type Start struct {
	ID            string   `json:"id,omitempty" doc:"name of the replay; default: of the Idempotency-Key, else a new one"`
	Archive       string   `json:"archive" doc:"a name from the daemon's configuration"`
	From          string   `json:"from,omitempty" doc:"first event time: 2026-11-01T12:00:00Z, 2026-11-01T12, 2026-11-01, -3h"`
	To            string   `json:"to,omitempty" doc:"end of the window, exclusive; also now"`
	For           string   `json:"for,omitempty" doc:"length of the window instead of to: 4h"`
	Zone          string   `json:"zone,omitempty"`
	WindowOn      string   `json:"window_on,omitempty"`
	EventID       string   `json:"event_id,omitempty"`
	EventTime     string   `json:"event_time,omitempty"`
	EventTimeZone string   `json:"event_time_zone,omitempty"`
	Key           string   `json:"key,omitempty"`
	Value         string   `json:"value,omitempty"`
	Slack         string   `json:"slack,omitempty"`
	Lateness      string   `json:"lateness,omitempty"`
	Horizon       string   `json:"horizon,omitempty"`
	Dedupe        string   `json:"dedupe,omitempty"`
	Filter        string   `json:"filter,omitempty"`
	Limit         int64    `json:"limit,omitempty"`
	OnLate        string   `json:"on_late,omitempty"`
	OnConflict    string   `json:"on_conflict,omitempty"`
	OnBad         string   `json:"on_bad,omitempty"`
	OnMissingID   string   `json:"on_missing_id,omitempty"`
	MaxBad        string   `json:"max_bad,omitempty"`
	Topic         string   `json:"topic"`
	CreateTopic   bool     `json:"create_topic,omitempty"`
	Partitions    int32    `json:"partitions,omitempty"`
	LikeTopic     string   `json:"like_topic,omitempty"`
	Pace          string   `json:"pace,omitempty"`
	MaxGap        string   `json:"max_gap,omitempty"`
	Ramp          string   `json:"ramp,omitempty"`
	RecordTime    string   `json:"record_time,omitempty"`
	Headers       []string `json:"headers,omitempty"`
	Targets       []string `json:"targets,omitempty"`
	Reason        string   `json:"reason,omitempty"`
	Compression   string   `json:"compression,omitempty"`
	Allow         []string `json:"allow,omitempty"`
	Plan          string   `json:"plan,omitempty" doc:"hash of the plan that is to be started; refused when the archive has changed since"`

	IdempotencyKey string `json:"-"` // a header
}

// Replay is a replay as it stands.
type Replay struct {
	ID        string         `json:"id"`
	State     replay.State   `json:"state"`
	Owner     string         `json:"owner"`            // daemon, or run: a foreground process, which is only shown
	Queued    string         `json:"queued,omitempty"` // why it waits for its turn, such as the replay before it
	Reason    string         `json:"reason,omitempty"` // why it is paused or failed
	Archive   string         `json:"archive"`
	URL       string         `json:"url"`
	WindowOn  string         `json:"window_on"`
	From      time.Time      `json:"from,omitzero"`
	To        time.Time      `json:"to,omitzero"`
	Topic     string         `json:"topic"`
	Pace      string         `json:"pace"`   // that is wished
	Wanted    replay.State   `json:"wanted"` // state that is wished: running, paused or cancelled
	Waits     bool           `json:"waits,omitempty"`
	StartedBy string         `json:"started_by,omitempty"`
	StartedAt time.Time      `json:"started_at"`
	WishedBy  string         `json:"wished_by,omitempty"`
	WishedAt  time.Time      `json:"wished_at,omitzero"`
	Daemon    string         `json:"daemon,omitempty"` // host and process of the session; also of a foreground process
	Sessions  int            `json:"sessions"`
	Progress  *replay.Report `json:"progress,omitempty"`
}

// Act is a change of what is wished, with its reason for the audit.
type Act struct {
	Reason string `json:"reason,omitempty" maxLength:"256"`
}

// Pace is another pace.
type Pace struct {
	Pace   string `json:"pace" doc:"5000/s, 20MB/s, x4, unlimited; several with commas: the slowest holds"`
	MaxGap string `json:"max_gap,omitempty" doc:"longest wait for an idle gap with xN"`
	Reason string `json:"reason,omitempty" maxLength:"256"`
}

// PageQuery asks for a part of a list.
type PageQuery struct {
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	After string `query:"after" doc:"next of the page before"`
}

// Query asks for replays, the newest first. What is empty is any.
type Query struct {
	PageQuery

	State   string `query:"state"`
	Archive string `query:"archive"`
	Topic   string `query:"topic"`
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // to be given as after; empty: there is no more
}

// Quarantined is an entry that was not produced, and its number.
type Quarantined struct {
	N int64 `json:"n"`
	replay.Quarantined
}

// Offsets lead to an event time: every record of the replay whose time is at or later stands at or behind these.
type Offsets struct {
	ID         string      `json:"id"`
	EventTime  time.Time   `json:"event_time"` // as asked
	Known      time.Time   `json:"known"`      // the nearest before it of which the offsets are known
	Topic      string      `json:"topic"`
	Partitions []Partition `json:"partitions"`
}

// Partition is a place in one.
type Partition struct {
	Partition int32 `json:"partition"`
	Offset    int64 `json:"offset"`
}

// Group is how far a consumer group has read a replay.
type Group struct {
	Group      string           `json:"group"`
	ID         string           `json:"id"`
	State      string           `json:"state"`                // of the group, as Kafka calls it
	Left       int64            `json:"left"`                 // records of the replay, or what stands between them, that are not consumed
	Done       bool             `json:"done"`                 // the replay has ended and the group has passed its last record in every partition
	ETA        float64          `json:"eta_seconds,omitzero"` // at the rate of the last seconds; absent when that is not known
	Partitions []GroupPartition `json:"partitions"`
}

// GroupPartition is how far it is in one.
type GroupPartition struct {
	Partition int32 `json:"partition"`
	Committed int64 `json:"committed"` // offset; -1: none
	Last      int64 `json:"last"`      // offset of the newest record of the replay; -1: none
	Done      bool  `json:"done"`
}

// Plan is what a start would do. Its hash may be given to Start.
type Plan struct {
	Hash     string         `json:"hash"`
	Accepted bool           `json:"accepted"`
	Lines    []string       `json:"lines"` // the plan in six lines, for people
	Plan     map[string]any `json:"plan"`  // as replayd plan -o json prints it
}

// Archive is one that the daemon knows.
type Archive struct {
	Name string   `json:"name"`
	URL  []string `json:"url"`
}

// Span is a part of an archive, half-open; it may hold at most 31 days.
type Span struct {
	From time.Time `query:"from" required:"true"`
	To   time.Time `query:"to" required:"true"`
}

// Hour is what an archive holds of one.
type Hour struct {
	Hour    string `json:"hour"`
	Objects int    `json:"objects"`
	Bytes   int64  `json:"bytes"`
	Gap     bool   `json:"gap"`
}

// AuditQuery asks for what was done, the oldest first.
type AuditQuery struct {
	PageQuery

	ID string `query:"id" doc:"of the replay; empty: of all"`
}

// Event tells that a replay stands otherwise than before.
type Event struct {
	ID     string // to go on behind it
	Replay Replay
	Gone   bool // it was forgotten; Replay holds its id only
}

// Version is that of the program.
type Version struct {
	Version string `json:"version"`
}

// Readiness says whether the daemon can do its work.
type Readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons"` // why not
}
