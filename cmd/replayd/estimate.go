package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"replayd/archive"
	"replayd/replay"
	"replayd/replay/pace"
)

// estimate is what a look into some objects says of all: about so much, never exactly.
type estimate struct {
	Events     int64   `json:"events"`      // of the window, to be produced
	Bytes      int64   `json:"value_bytes"` // of their values
	Duplicates float64 `json:"duplicates"`  // share of the window's entries
	Conflicts  float64 `json:"conflicts"`
	Bad        float64 `json:"bad"`           // share of all entries
	Failed     float64 `json:"filter_errors"` // share of the window's entries on which the filter fails
	Seconds    float64 `json:"seconds"`       // at the asked pace; 0: as long as archive and cluster take
}

// picker keeps some of the objects that it is shown, evenly spread, however many they are.
type picker struct {
	kept  []archive.Object
	every int // one of so many is kept
	shown int
}

const mostPicked = 1024

func (p *picker) add(o archive.Object) {
	p.every = max(1, p.every)
	if p.shown%p.every == 0 && o.Size > 0 {
		p.kept = append(p.kept, o)
	}
	p.shown++
	if len(p.kept) <= mostPicked {
		return
	}
	for i := range len(p.kept) / 2 {
		p.kept[i] = p.kept[2*i]
	}
	p.kept, p.every = p.kept[:len(p.kept)/2], 2*p.every
}

// pageSize is how many objects S3 lists in one answer.
const pageSize = 1000

// look fills in what a sample of the archive tells. What cannot be read now is told, and is no fault of the plan.
func (p *planned) look(ctx context.Context, j *job, some []archive.Object) {
	s, err := replay.Look(ctx, &j.spec, j.source, some)
	if err != nil {
		p.SampleError = err.Error()
		return
	}
	p.Sample = s
	if s.Bytes == 0 || s.Entries == 0 {
		return
	}
	factor := float64(p.Bytes) / float64(s.Bytes)
	e := &estimate{
		Bytes:      int64(factor * float64(s.ValueBytes)),
		Events:     int64(factor * float64(s.InWindow-s.Duplicates-s.Filtered-s.Failed)),
		Duplicates: ratio(s.Duplicates, s.InWindow), Conflicts: ratio(s.Conflicts, s.InWindow), Bad: ratio(s.Bad, s.Entries),
		Failed: ratio(s.Failed, s.InWindow),
	}
	e.limit(j.spec.Limit)
	e.Seconds = j.options.Pace.Lasts(e.Events, e.Bytes, j.spec.Window.To.Sub(j.spec.Window.From)).Seconds()
	p.Estimate = e
}

// limit takes off what is beyond the first n events; 0 is no limit.
func (e *estimate) limit(n int64) {
	if n > 0 && e.Events > n {
		share := float64(n) / float64(e.Events) // bytes times events are more than an int64 holds
		e.Bytes, e.Events = int64(float64(e.Bytes)*share), n
	}
}

// rereadShare is the share of an archive's bytes that a session which continues reads at the most before it goes on: the objects
// that can hold events within the horizon.
func rereadShare(s *replay.Spec) float64 {
	if !s.Window.Bounded() {
		return 1
	}
	slack := s.Before.Std() + s.After.Std()
	return min(1, float64(s.Horizon.Std()+slack)/float64(s.Window.To.Sub(s.Window.From)+slack))
}

func ratio(part, all int64) float64 {
	if all == 0 {
		return 0
	}
	return float64(part) / float64(all)
}

// holds says in words what the sample found.
func (p *planned) holds() string {
	s, e := p.Sample, p.Estimate
	switch {
	case p.SampleError != "":
		return "unknown: " + strings.ReplaceAll(p.SampleError, "\n", "\n          ")
	case s == nil || e == nil:
		return "nothing"
	}
	text := fmt.Sprintf("about %s events of the window (%s looked into): %s copies, %s in conflict, %s bad",
		count(e.Events), plural(int64(s.Objects), "object"), percent(e.Duplicates), percent(e.Conflicts), percent(e.Bad))
	if s.Failed > 0 {
		text += fmt.Sprintf("\n          the filter fails on %s of events, which would be quarantined: %s", percent(e.Failed), archive.Printable(s.FilterError))
	}
	text += fmt.Sprintf("\n          %s; up to %s of disorder inside an object", keysOf(s), time.Duration(s.Disorder)*time.Second)
	if s.Delay > 0 {
		text += fmt.Sprintf(", %s from event to arrival", time.Duration(s.Delay)*time.Second)
	}
	return text
}

// keysOf says what the keys mean to order and to partitions.
func keysOf(s *replay.Sample) string {
	switch {
	case s.NoKey == s.InWindow:
		return "no record keys, so no order among events of one kind: see --key"
	case s.Keys == 1:
		return "one record key in all of them, so one partition gets everything: see --key"
	case s.NoKey > 0:
		return fmt.Sprintf("%s keys, and %s of events have none", count(int64(s.Keys)), percent(ratio(s.NoKey, s.InWindow)))
	}
	return count(int64(s.Keys)) + " keys"
}

func percent(share float64) string {
	switch {
	case share == 0:
		return "0 %"
	case share < 0.001:
		return "below 0.1 %"
	}
	return fmt.Sprintf("%.1f %%", 100*share)
}

// lasts says how long the replay takes, as far as the pace decides that.
func (p *planned) lasts(set pace.Setting) string {
	if p.Estimate == nil || p.Estimate.Seconds == 0 {
		return "at " + set.String()
	}
	return fmt.Sprintf("at %s, about %s", set, time.Duration(p.Estimate.Seconds*float64(time.Second)).Round(time.Second))
}

// classes says which storage classes there are, empty when all is of the standard one.
func (p *planned) classes() string {
	var list []string
	for _, class := range slices.Sorted(maps.Keys(p.Classes)) {
		list = append(list, fmt.Sprintf("%s in %s", plural(p.Classes[class], "object"), class))
	}
	return strings.Join(list, ", ")
}
