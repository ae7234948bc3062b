package main

import (
	"fmt"
	"strings"
	"time"

	"replayd/replay"
)

// announce prints the first lines of a replay: what, from where, to where, how fast.
func (a *app) announce(j *job) {
	if a.quiet {
		return
	}
	verb := "replay"
	if j.resumes {
		verb = "continuing replay"
	}
	fmt.Fprintf(a.err, "%s %s: %s, by %s time\n", verb, j.spec.ID, describe(j.spec.Window, time.Local), j.spec.Window.On)
	fmt.Fprintf(a.err, "  from %s to topic %s at %s\n", j.spec.URL, j.spec.Topic, j.options.Pace)
	if j.said != "" {
		fmt.Fprintf(a.err, "  recognised: %s\n", j.said)
	}
}

// view shows progress: a block on a terminal, JSON lines on a stdout that is none, else a line of text now and then.
type view struct {
	app   *app
	block *screen // nil: no block
	last  time.Time
}

func (a *app) progressView() *view {
	v := &view{app: a}
	if s, ok := a.err.(*screen); ok && !a.json() && a.env("TERM") != "dumb" && a.env("CI") == "" {
		v.block = s
	}
	return v
}

// textEvery is how often a terminal that cannot redraw gets a line.
const textEvery = 10 * time.Second

// show is told of progress ten times a second.
func (v *view) show(p replay.Progress) {
	every := textEvery
	if v.app.json() {
		every = time.Second
	}
	switch {
	case v.app.quiet:
	case v.block != nil:
		v.block.draw(append([]string{bar(p.Percent) + " " + whereLine(p)}, restLines(p)...))
	case time.Since(v.last) < every:
	case v.app.json():
		v.last = time.Now()
		_ = jsonTo(v.app.out).Encode(progressLine(p))
	default:
		v.last = time.Now()
		fmt.Fprintln(v.app.err, strings.Join(append([]string{whereLine(p)}, restLines(p)...), " · "))
	}
}

// end takes the block away.
func (v *view) end() {
	if v.block != nil {
		v.block.clear()
	}
}

// barWidth leaves room for the longest whereLine on a terminal of 80 columns.
const barWidth = 30

func bar(percent float64) string {
	full := int(percent / 100 * barWidth)
	return strings.Repeat("█", full) + strings.Repeat("░", barWidth-full)
}

// whereLine is how far the replay is, in percent and event time, and how long it will take.
func whereLine(p replay.Progress) string {
	line := fmt.Sprintf("%5.1f %%", p.Percent)
	if !p.Event.IsZero() {
		line += "  at " + p.Event.Format("2006-01-02 15:04:05Z")
	}
	if p.Left > 0 {
		line += ", " + p.Left.String() + " left"
	}
	return line
}

// restLines are how fast it is and what came of the events.
func restLines(p replay.Progress) []string {
	c := p.Counters
	rate := fmt.Sprintf("%s: %s/s, %s/s of %s", p.Phase, count(int64(p.EventsPerSec)), size(int64(p.BytesPerSec)), p.Pace)
	if p.HeldBy != replay.HeldByNothing && p.HeldBy != replay.HeldByPace {
		rate += ", held by " + string(p.HeldBy)
	}
	lines := []string{
		rate,
		fmt.Sprintf("fetched %s of %s", size(p.Fetched), plural(p.Opened, "object")),
		fmt.Sprintf("produced %s · duplicates %s · filtered %s · quarantined %s", count(c.Produced), count(c.Duplicates), count(c.Filtered), count(c.Quarantined)),
	}
	if p.ReadTwice > 0 || p.Spilled > 0 {
		lines = append(lines, fmt.Sprintf("do not fit into memory: %s read twice, %s spilled (%s)", plural(p.ReadTwice, "object"), count(p.Spilled), size(p.SpilledBytes)))
	}
	if p.Waits != "" {
		lines = append(lines, "waiting: "+strings.SplitN(p.Waits, "\n", 2)[0])
	}
	for _, w := range p.Warnings {
		lines = append(lines, "warning: "+strings.SplitN(w, "\n", 2)[0])
	}
	return lines
}

// progressJSON is progress as programs read it: a contract.
type progressJSON struct {
	Type            string  `json:"type"` // progress
	Version         int     `json:"version"`
	ID              string  `json:"id"`
	State           string  `json:"state"`
	Phase           string  `json:"phase"`
	EventTime       string  `json:"event_time,omitempty"`
	Percent         float64 `json:"percent"`
	Objects         int64   `json:"objects"`
	Bytes           int64   `json:"bytes"`
	Opened          int64   `json:"opened"`
	FetchedBytes    int64   `json:"fetched_bytes"`
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
	HeldBy          string  `json:"held_by"`
	ETASeconds      float64 `json:"eta_seconds,omitempty"`
	ReadTwice       int64   `json:"read_twice,omitempty"`
	Spilled         int64   `json:"spilled,omitempty"`
	SpilledBytes    int64   `json:"spilled_bytes,omitempty"`

	Warnings []string `json:"warnings,omitempty"`
}

func progressLine(p replay.Progress) progressJSON {
	c := p.Counters
	line := progressJSON{
		Type: "progress", Version: 1, ID: p.ID, State: string(p.State), Phase: string(p.Phase), Percent: p.Percent,
		Objects: c.Objects, Bytes: c.Bytes, Opened: p.Opened, FetchedBytes: p.Fetched, Read: c.Read, Produced: c.Produced, Duplicates: c.Duplicates, Filtered: c.Filtered,
		Outside: c.Outside, Quarantined: c.Quarantined, Late: c.Late, Conflicts: c.Conflicts, NoID: c.NoID,
		EventsPerSecond: p.EventsPerSec, BytesPerSecond: p.BytesPerSec, Pace: p.Pace.String(), HeldBy: string(p.HeldBy),
		ETASeconds: p.Left.Seconds(), ReadTwice: p.ReadTwice, Spilled: p.Spilled, SpilledBytes: p.SpilledBytes, Warnings: p.Warnings,
	}
	if !p.Event.IsZero() {
		line.EventTime = p.Event.Format(time.RFC3339Nano)
	}
	return line
}
