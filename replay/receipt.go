package replay

import (
	"math"
	"time"
)

// Receipt is the closed account of a replay. Its JSON form is a contract: fields are only ever added.
type Receipt struct {
	Type         string   `json:"type"` // receipt
	Version      int      `json:"version"`
	ID           string   `json:"id"`
	State        State    `json:"state"`
	Reason       string   `json:"reason,omitempty"`
	Archive      string   `json:"archive"`
	WindowOn     string   `json:"window_on"`
	From         string   `json:"from,omitempty"`
	To           string   `json:"to,omitempty"`
	Topic        string   `json:"topic"`
	Counters              // inlined
	SlackSeconds [2]int64 `json:"slack_seconds"`
	OpenHours    []string `json:"open_hours"`
	OpenMore     int      `json:"open_hours_more,omitempty"`
	Changed      bool     `json:"archive_changed,omitempty"`

	ElapsedSeconds float64     `json:"elapsed_seconds"`
	Sessions       int         `json:"sessions"`
	Guarantee      string      `json:"guarantee"`
	Partitions     []Partition `json:"partitions"`
}

// receipt makes the account of the replay as of c.
func (c *Checkpoint) receipt(s *Spec) Receipt {
	r := Receipt{
		Type: "receipt", Version: 1, ID: s.ID, State: c.State, Reason: c.Reason, Archive: s.Archive, WindowOn: s.Window.On,
		Topic: s.Topic, Counters: c.Counters.clone(), OpenHours: c.OpenHours, OpenMore: c.OpenHoursMore, Changed: c.Changed,
		SlackSeconds:   [2]int64{int64(s.Before.Std().Seconds()), int64(s.After.Std().Seconds())},
		ElapsedSeconds: math.Round(float64(c.ElapsedMS)/100) / 10,
		Sessions:       c.Sessions, Guarantee: c.Guarantee, Partitions: c.Partitions,
	}
	if s.Window.Bounded() {
		r.From, r.To = s.Window.From.Format(time.RFC3339Nano), s.Window.To.Format(time.RFC3339Nano)
	}
	return r.withoutNulls()
}

// withoutNulls makes empty lists and maps of absent ones: readers of JSON need not test for null.
func (r Receipt) withoutNulls() Receipt {
	if r.FilteredBy == nil {
		r.FilteredBy = map[string]int64{}
	}
	if r.QuarantinedBy == nil {
		r.QuarantinedBy = map[string]int64{}
	}
	if r.Gaps == nil {
		r.Gaps = []string{}
	}
	if r.OpenHours == nil {
		r.OpenHours = []string{}
	}
	if r.Partitions == nil {
		r.Partitions = []Partition{}
	}
	return r
}

// Seal closes the account: a sink calls it on a terminal checkpoint after it has filled in its own fields.
func (c *Checkpoint) Seal(s *Spec) {
	if c.State.Terminal() {
		r := c.receipt(s)
		c.Receipt = &r
	}
}
