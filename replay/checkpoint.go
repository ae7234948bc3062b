package replay

import (
	"time"

	"replayd/archive"
)

// Checkpoint is durable progress. The engine fills what it knows; the fields of ownership and of partitions are the
// sink's, which writes the whole together with the records that it speaks of.
type Checkpoint struct {
	Version  int    `json:"version"`
	Session  string `json:"session"`
	Commit   int64  `json:"commit"` // 0 at genesis, one more with each transaction
	Host     string `json:"host"`
	PID      int    `json:"pid"`
	Sessions int    `json:"sessions"`

	State     State            `json:"state"`
	Reason    string           `json:"reason,omitempty"` // why it is paused or failed
	Position  archive.Position `json:"position"`         // of the last entry accounted for
	Begun     bool             `json:"begun"`            // Position is set
	Watermark int64            `json:"watermark"`        // nothing earlier can still come, ns
	Counters  Counters         `json:"counters"`
	Seq       int64            `json:"seq"`                       // of the last event produced
	OpenHours []string         `json:"open_hours"`                // that were incomplete at the first start, at most maxOpenHours
	Changed   bool             `json:"archive_changed,omitempty"` // continued under --allow archive-change
	ElapsedMS int64            `json:"elapsed_ms"`

	OpenHoursMore int `json:"open_hours_more,omitempty"`

	Partitions []Partition `json:"partitions"`
	Guarantee  string      `json:"guarantee"`
	Receipt    *Receipt    `json:"-"` // once terminal: Seal makes it of what is here
}

// Partition is what a replay put into one partition of its topic.
type Partition struct {
	Topic       string    `json:"topic"`
	Partition   int32     `json:"partition"`
	Records     int64     `json:"records"`
	StartOffset int64     `json:"start_offset"`          // end of the partition when the replay began
	LastOffset  *int64    `json:"last_offset,omitempty"` // of the last record; absent when there is none
	FirstEvent  time.Time `json:"first_event,omitzero"`
	LastEvent   time.Time `json:"last_event,omitzero"`
}

// HourRecord is what a replay keeps of an hour once it has begun to depend on its listing.
type HourRecord struct {
	Version    int              `json:"version"`
	Hour       string           `json:"hour"`
	Digest     string           `json:"digest"`
	Sum        []byte           `json:"sum,omitempty"` // of what was listed first, by which a plan is compared (Listed); absent: of a session that was held to none, or of a replayd that did not note it
	Objects    int              `json:"objects"`
	Listed     []byte           `json:"listed,omitempty"`      // hash of the key and Fingerprint of each object; absent above maxListed, and once no session needs it
	DrainedAt  *int64           `json:"drained_at,omitempty"`  // merge time of the hour's last end entry, once passed
	Open       []string         `json:"open,omitempty"`        // keys still needed by a resume, when maxOpen or fewer
	LateBounds map[string]int64 `json:"late_bounds,omitempty"` // opening bounds of objects admitted after the first listing
}

// Durable is what a sink knows of a replay when a session begins.
type Durable struct {
	Checkpoint Checkpoint
	Resumed    bool // an earlier session began it: what that one was allowed is not asked again
	Hours      map[string]HourRecord
}
