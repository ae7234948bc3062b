package replay

import "time"

// Report is progress as programs read it: a contract, fields are only ever added.
type Report struct {
	Type            string  `json:"type"` // progress
	Version         int     `json:"version"`
	ID              string  `json:"id"`
	State           State   `json:"state"`
	Phase           Phase   `json:"phase"`
	EventTime       string  `json:"event_time,omitempty"`
	Percent         float64 `json:"percent"`
	Objects         int64   `json:"objects"`
	Bytes           int64   `json:"bytes"`
	Opened          int64   `json:"opened"`        // objects that this session has begun to read
	FetchedBytes    int64   `json:"fetched_bytes"` // of them, so far
	Read            int64   `json:"read"`
	Produced        int64   `json:"produced"`
	Duplicates      int64   `json:"duplicates"`
	Filtered        int64   `json:"filtered"`
	Outside         int64   `json:"outside"`
	Quarantined     int64   `json:"quarantined"`
	Late            int64   `json:"late"`
	Conflicts       int64   `json:"conflicts"`
	NoID            int64   `json:"no_id"`
	EventsPerSecond float64 `json:"events_per_second"`
	BytesPerSecond  float64 `json:"bytes_per_second"`
	Pace            string  `json:"pace"`
	HeldBy          Holder  `json:"held_by"`
	ETASeconds      float64 `json:"eta_seconds,omitempty"`
	ReadTwice       int64   `json:"read_twice,omitempty"`
	Spilled         int64   `json:"spilled,omitempty"`
	SpilledBytes    int64   `json:"spilled_bytes,omitempty"`
	Error           string  `json:"error,omitempty"` // for people: that is being waited out

	Warnings []string `json:"warnings,omitempty"`
}

// Report is p as programs read it.
func (p *Progress) Report() Report {
	c := &p.Counters
	r := Report{
		Type: "progress", Version: 1, ID: p.ID, State: p.State, Phase: p.Phase, Percent: p.Percent,
		Objects: c.Objects, Bytes: c.Bytes, Opened: p.Opened, FetchedBytes: p.Fetched, Read: c.Read, Produced: c.Produced, Duplicates: c.Duplicates, Filtered: c.Filtered,
		Outside: c.Outside, Quarantined: c.Quarantined, Late: c.Late, Conflicts: c.Conflicts, NoID: c.NoID,
		EventsPerSecond: p.EventsPerSec, BytesPerSecond: p.BytesPerSec, Pace: p.Pace.String(), HeldBy: p.HeldBy,
		ETASeconds: p.ETA.Seconds(), ReadTwice: p.ReadTwice, Spilled: p.Spilled, SpilledBytes: p.SpilledBytes, Error: p.Error, Warnings: p.Warnings,
	}
	if !p.Event.IsZero() {
		r.EventTime = p.Event.Format(time.RFC3339Nano)
	}
	return r
}
