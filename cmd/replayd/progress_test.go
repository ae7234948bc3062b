package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"text/tabwriter"

	"replayd/replay"
	"replayd/replay/api"
)

func TestWhatDoesNotFitIntoMemoryIsShownOnlyWhereThereIsSome(t *testing.T) {
	for _, p := range []replay.Progress{{}, {ReadTwice: 30, Spilled: 2, SpilledBytes: 3_000_000}} {
		some := p.Spilled > 0
		r := p.Report()
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, says := range []string{`"read_twice":30`, `"spilled":2`, `"spilled_bytes":3000000`} {
			if strings.Contains(string(text), says) != some || strings.Contains(string(text), strings.Split(says, ":")[0]) != some {
				t.Errorf("%+v as JSON: %s", p, text)
			}
		}
		if line := strings.Join(restLines(&r), "\n"); strings.Contains(line, "do not fit into memory: 30 objects read twice, 2 spilled (3.0 MB)") != some || strings.Contains(line, "fit") != some {
			t.Errorf("%+v as text: %s", p, line)
		}
	}
}

// TestWhatHasNotEndedIsNotDone, be it as near as it can.
func TestWhatHasNotEndedIsNotDone(t *testing.T) {
	for _, c := range []struct {
		state       replay.State
		percent     float64
		list, watch string
	}{
		{replay.Running, 0, "0 %", "  0.0 %"},
		{replay.Running, 42.68, "42 %", " 42.6 %"},
		{replay.Running, 99.96, "99 %", " 99.9 %"},
		{replay.Running, 100, "99 %", " 99.9 %"},
		{replay.Paused, 99.6, "99 %", " 99.6 %"},
		{replay.Completed, 100, "100 %", "100.0 %"},
	} {
		var out bytes.Buffer
		r := api.Replay{ID: "p1", State: c.state, Progress: &replay.Report{State: c.state, Percent: c.percent}}
		w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
		if err := errors.Join((&app{}).printListed(w, &r), w.Flush()); err != nil || !strings.Contains(out.String(), "  "+c.list+"  ") || whereLine(r.Progress) != c.watch {
			t.Errorf("%s at %v is listed as %q and watched as %q, %v", c.state, c.percent, out.String(), whereLine(r.Progress), err)
		}
	}
}

func TestWhatDoesNotRunShowsNoRate(t *testing.T) {
	for _, state := range []replay.State{replay.Planned, replay.Running, replay.Paused, replay.Failed} {
		r := replay.Report{State: state, Phase: replay.Waiting, Pace: "200/s"}
		text := strings.Join(reportLines(&r), "\n")
		if runs := state == replay.Running; strings.Contains(text, "/s of 200/s") != runs || strings.Contains(text, "fetched 0 B") != runs || !strings.Contains(text, "produced 0") {
			t.Errorf("%s: %s", state, text)
		}
	}
	r := replay.Report{State: replay.Paused, Phase: replay.Waiting, Opened: 3, FetchedBytes: 1000}
	if text := strings.Join(reportLines(&r), "\n"); !strings.Contains(text, "fetched 1.0 KB of 3 objects") {
		t.Errorf("what a session that is paused has fetched is not told: %s", text)
	}
}
