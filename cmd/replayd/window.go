package main

import (
	"errors"
	"strings"
	"time"

	"replayd/archive"
	"replayd/config"
	"replayd/replay"
)

// timeForms are the ways to write a time without an offset; they are read as UTC.
var timeForms = []string{
	"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04",
	"2006-01-02T15", "2006-01-02 15", "2006-01-02",
}

// parseTime reads a time as people type it. relative is true for those that depend on now.
func parseTime(text, zone string, now time.Time) (t time.Time, relative bool, err error) {
	if text == "now" {
		return now.UTC(), true, nil
	}
	if back, ok := strings.CutPrefix(text, "-"); ok {
		var d config.Duration
		if d.UnmarshalText([]byte(back)) == nil {
			return now.UTC().Add(-time.Duration(d)), true, nil
		}
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15Z07:00", "2006-01-02 15:04:05Z07:00"} {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC(), false, nil
		}
	}
	for _, form := range timeForms {
		if wall, err := time.Parse(form, text); err == nil {
			t, err := inZone(wall, zone)
			return t, false, err
		}
	}
	return time.Time{}, false, usage("%q is not a time: 2026-11-01T12:00:00Z, 2026-11-01T12, 2026-11-01, -3h or now", text)
}

// inZone is the instant at which clocks of zone show wall, whose own zone is of no account. Where the clocks are put back or
// forward some times are twofold and some are none: both are refused.
func inZone(wall time.Time, zone string) (time.Time, error) {
	if zone == "" {
		return wall, nil
	}
	place, err := knownZone(zone)
	if err != nil {
		return wall, err
	}
	text := wall.Format("2006-01-02T15:04:05")
	found := archive.Local(wall, place)
	switch len(found) {
	case 0:
		return wall, usage("%s is no time in %s: the clocks are put forward over it%s", text, zone, behindTheGap(wall, place))
	case 2:
		return wall, usage("%s is twofold in %s, where clocks are put back: write %s or %s", text, zone, found[0].Format(time.RFC3339), found[1].Format(time.RFC3339))
	}
	return found[0].UTC(), nil
}

// behindTheGap names the time that clocks show instead of one that they are put forward over.
func behindTheGap(wall time.Time, place *time.Location) string {
	for _, t := range archive.Local(wall.Add(time.Hour), place) {
		return ", so write " + t.Format(time.RFC3339)
	}
	return ""
}

// knownZone is the zone of that name.
func knownZone(name string) (*time.Location, error) {
	place, err := time.LoadLocation(name)
	if err != nil {
		return nil, usage("--zone: %w; a zone is called such as Europe/Berlin", err)
	}
	return place, nil
}

// windowFlags are --from, --to and --for, and the --zone of the first two.
type windowFlags struct{ from, to, length, zone string }

// given reports whether the person said anything about the window.
func (w windowFlags) given() bool { return w.from != "" || w.to != "" || w.length != "" }

// forms looks at each value by itself. What they say together is known when nothing else says it.
func (w windowFlags) forms(now time.Time) error {
	if _, err := knownZone(w.zone); err != nil {
		return err
	}
	var errs []error
	for _, end := range []struct{ flag, typed string }{{"from", w.from}, {"to", w.to}} {
		if end.typed != "" {
			_, err := w.time(end.flag, end.typed, now)
			errs = append(errs, err)
		}
	}
	if w.to != "" && w.length != "" {
		errs = append(errs, errTwoEnds)
	}
	return errors.Join(append(errs, text(new(config.Duration), "for", w.length))...)
}

var errTwoEnds = usage("--to and --for exclude each other: leave one of them out")

// missing says which end nobody has told.
func (w windowFlags) missing() error {
	var errs []error
	if w.from == "" {
		errs = append(errs, usage("--from is missing: the beginning of the window, such as 2026-11-01T12 or -3h"))
	}
	if w.to == "" && w.length == "" {
		errs = append(errs, usage("--to is missing: the end of the window (exclusive), or --for 4h"))
	}
	return errors.Join(errs...)
}

// window reads the flags of a window that nothing else tells.
func (w windowFlags) window(now time.Time) (from, to time.Time, err error) {
	if err := errors.Join(w.missing(), w.forms(now)); err != nil {
		return from, to, err
	}
	if from, err = w.time("from", w.from, now); err != nil {
		return from, to, err
	}
	if to, err = w.end(from, now); err != nil {
		return from, to, err
	}
	return from, to, w.check(from, to, now)
}

// time is what was typed behind a flag.
func (w windowFlags) time(flag, typed string, now time.Time) (time.Time, error) {
	t, _, err := parseTime(typed, w.zone, now)
	if err != nil {
		return t, usage("--%s: %w", flag, err)
	}
	return t, nil
}

// end is --to, or --for behind the beginning.
func (w windowFlags) end(from, now time.Time) (time.Time, error) {
	if w.length == "" {
		return w.time("to", w.to, now)
	}
	var d config.Duration
	err := text(&d, "for", w.length)
	return from.Add(time.Duration(d)), err
}

func (w windowFlags) check(from, to, now time.Time) error {
	switch {
	case from.Equal(to) && len(w.to) == len("2006-01-02"):
		return usage("the window is empty: --to is exclusive, did you mean --to %s?", to.AddDate(0, 0, 1).Format(time.DateOnly))
	case !from.Before(to):
		return usage("the window is empty: --from %s is not before --to %s (--to is exclusive)", from.Format(time.RFC3339), to.Format(time.RFC3339))
	case !from.Before(now):
		return usage("the window begins in the future: --from %s is not before now, %s", from.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return nil
}

// describe is the first line of a replay: the window in UTC, in local time, and its length.
func describe(w replay.Window, local *time.Location) string {
	if !w.Bounded() {
		return "all events"
	}
	text := w.From.Format("2006-01-02 15:04:05Z") + " to " + w.To.Format(clockFrom(w.From, w.To)) + "Z"
	if from, to := w.From.In(local), w.To.In(local); from.Format("15:04") != w.From.Format("15:04") {
		text += " (local " + from.Format("2006-01-02 15:04:05") + " to " + to.Format(clockFrom(from, to)) + ")"
	}
	return text + ", " + config.Duration(w.To.Sub(w.From)).String()
}

// clockFrom leaves out the day when it is the same.
func clockFrom(from, to time.Time) string {
	if from.Format(time.DateOnly) == to.Format(time.DateOnly) {
		return "15:04:05"
	}
	return "2006-01-02 15:04:05"
}
