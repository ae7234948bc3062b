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
		_ = jsonTo(v.app.out).Encode(p.Report())
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
