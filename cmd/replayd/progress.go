package main

import (
	"encoding/json"
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
	block bool
	drawn int // lines of the block
	last  time.Time
}

func (a *app) progressView() *view {
	return &view{app: a, block: !a.json() && isTerminal(a.err) && a.env("TERM") != "dumb" && a.env("CI") == ""}
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
	case v.block:
		v.draw(p)
	case time.Since(v.last) < every:
	case v.app.json():
		v.last = time.Now()
		_ = json.NewEncoder(v.app.out).Encode(progressLine(p))
	default:
		v.last = time.Now()
		fmt.Fprintln(v.app.err, strings.Join(blockLines(p)[1:], " · "))
	}
}

// end leaves the cursor below the block.
func (v *view) end() { v.erase() }

func (v *view) erase() {
	if v.drawn > 0 {
		fmt.Fprintf(v.app.err, "\x1b[%dA\x1b[J", v.drawn)
		v.drawn = 0
	}
}

func (v *view) draw(p replay.Progress) {
	lines := blockLines(p)
	v.erase()
	fmt.Fprintln(v.app.err, strings.Join(lines, "\n"))
	v.drawn = len(lines)
}

const barWidth = 40

func blockLines(p replay.Progress) []string {
	full := int(p.Percent / 100 * barWidth)
	bar := strings.Repeat("█", full) + strings.Repeat("░", barWidth-full)
	where := ""
	if !p.Event.IsZero() {
		where = "at " + p.Event.Format("2006-01-02 15:04:05Z")
	}
	c := p.Counters
	rate := fmt.Sprintf("%s/s, %s/s of %s", count(int64(p.PerSec)), size(int64(p.Bytes)), p.Pace)
	if p.HeldBy != replay.HeldByNothing && p.HeldBy != replay.HeldByPace {
		rate += ", held by " + string(p.HeldBy)
	}
	left := ""
	if p.Left > 0 {
		left = ", " + p.Left.String() + " left"
	}
	lines := []string{
		fmt.Sprintf("%s %5.1f %%  %s%s", bar, p.Percent, where, left),
		fmt.Sprintf("%s: %s", p.Phase, rate),
		fmt.Sprintf("produced %s · duplicates %s · filtered %s · quarantined %s", count(c.Produced), count(c.Duplicates), count(c.Filtered), count(c.Quarantined)),
	}
	if p.Waits != "" {
		lines = append(lines, "waiting: "+strings.SplitN(p.Waits, "\n", 2)[0])
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
}

func progressLine(p replay.Progress) progressJSON {
	c := p.Counters
	line := progressJSON{
		Type: "progress", Version: 1, ID: p.ID, State: string(p.State), Phase: string(p.Phase), Percent: p.Percent,
		Objects: c.Objects, Bytes: c.Bytes, Read: c.Read, Produced: c.Produced, Duplicates: c.Duplicates, Filtered: c.Filtered,
		Outside: c.Outside, Quarantined: c.Quarantined, Late: c.Late, Conflicts: c.Conflicts, NoID: c.NoID,
		EventsPerSecond: p.PerSec, BytesPerSecond: p.Bytes, Pace: p.Pace.String(), HeldBy: string(p.HeldBy),
		ETASeconds: p.Left.Seconds(),
	}
	if !p.Event.IsZero() {
		line.EventTime = p.Event.Format(time.RFC3339Nano)
	}
	return line
}
