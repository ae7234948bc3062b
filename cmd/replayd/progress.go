package main

import (
	"fmt"
	"math"
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
func (v *view) show(p replay.Progress) { v.report(p.Report()) }

func (v *view) report(r replay.Report) {
	every := textEvery
	if v.app.json() {
		every = time.Second
	}
	switch {
	case v.app.quiet:
	case v.block != nil:
		v.block.draw(append([]string{bar(r.Percent) + " " + whereLine(&r)}, restLines(&r)...))
	case time.Since(v.last) < every:
	case v.app.json():
		v.last = time.Now()
		_ = jsonTo(v.app.out).Encode(r)
	default:
		v.last = time.Now()
		fmt.Fprintln(v.app.err, strings.Join(reportLines(&r), " · "))
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

// reportLines are a report in words.
func reportLines(r *replay.Report) []string { return append([]string{whereLine(r)}, restLines(r)...) }

// whereLine is how far the replay is, in percent and event time, and how long it will take.
func whereLine(r *replay.Report) string {
	line := fmt.Sprintf("%5.1f %%", percentOf(r, 10))
	if at, err := time.Parse(time.RFC3339Nano, r.EventTime); err == nil {
		line += "  at " + at.Format("2006-01-02 15:04:05Z")
	}
	if r.ETASeconds > 0 {
		line += ", " + inSeconds(r.ETASeconds) + " left"
	}
	return line
}

// percentOf is how far it is, in parts of a percent that it has behind it: the last one it has not before it has ended.
func percentOf(r *replay.Report, parts float64) float64 {
	if r.Phase == replay.Ended || r.State.Terminal() {
		return r.Percent
	}
	return min(math.Floor(r.Percent*parts), 100*parts-1) / parts
}

// inSeconds is a time in words.
func inSeconds(s float64) string { return (time.Duration(s) * time.Second).String() }

// restLines are how fast it is, where it runs and one tells, what its session has fetched, and what came of the events.
func restLines(r *replay.Report) []string {
	var lines []string
	works := r.Phase != replay.Ended && r.Phase != replay.Untold
	runs := works && r.State == replay.Running
	if runs {
		lines = append(lines, rateLine(r))
	}
	if runs || works && r.Opened > 0 { // by this session: there may be none
		lines = append(lines, fmt.Sprintf("fetched %s of %s", size(r.FetchedBytes), plural(r.Opened, "object")))
	}
	lines = append(lines, fmt.Sprintf("produced %s · duplicates %s · filtered %s · quarantined %s",
		count(r.Produced), count(r.Duplicates), count(r.Filtered), count(r.Quarantined)))
	if r.ReadTwice > 0 || r.Spilled > 0 {
		lines = append(lines, fmt.Sprintf("do not fit into memory: %s read twice, %s spilled (%s)", plural(r.ReadTwice, "object"), count(r.Spilled), size(r.SpilledBytes)))
	}
	if r.Error != "" {
		lines = append(lines, "waiting: "+strings.SplitN(r.Error, "\n", 2)[0])
	}
	for _, w := range r.Warnings {
		lines = append(lines, "warning: "+strings.SplitN(w, "\n", 2)[0])
	}
	return lines
}

func rateLine(r *replay.Report) string {
	rate := fmt.Sprintf("%s: %s/s, %s/s of %s", r.Phase, count(int64(r.EventsPerSecond)), size(int64(r.BytesPerSecond)), r.Pace)
	if r.HeldBy != replay.HeldByNothing && r.HeldBy != replay.HeldByPace {
		rate += ", held by " + string(r.HeldBy)
	}
	return rate
}
