package layout

import (
	"time"

	"replayd/archive"
)

// Flat is the layout of a plain folder: all objects, at any depth, form one hour called "all" that has no bounds.
type Flat struct{}

var _ archive.Layout = Flat{}

// Name is jsonl, the name that the preset of plain folders goes by.
func (Flat) Name() string { return "jsonl" }

// Hours returns the one hour.
func (Flat) Hours(_, _ time.Time) []archive.Hour { return []archive.Hour{{Name: "all"}} }

// Time knows nothing: names of a flat folder are free.
func (Flat) Time(string) (time.Time, bool) { return time.Time{}, false }
