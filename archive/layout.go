package archive

import (
	"strings"
	"time"
)

// Hour is an archive's unit of listing: most layouts keep one folder an hour, some one a day, and a flat folder is a
// single "hour" without bounds.
type Hour struct {
	Name     string    // 2026-11-01T03Z, 2026-11-01Z for a day, "all" for a flat folder
	From, To time.Time // half-open, UTC; both zero for "all"
	Prefix   string    // of the keys
}

// Bounded reports whether the hour has a place in time. A flat folder has none.
func (h Hour) Bounded() bool { return !h.From.IsZero() }

// Label is the hour as receipts name it: 2026-11-01T03, 2026-11-01 for a day.
func (h Hour) Label() string { return strings.TrimSuffix(h.Name, "Z") }

// Layout maps time to keys. It is a pure function of its name.
type Layout interface {
	// Name recreates the layout: it is what the frozen spec holds.
	Name() string

	// Hours returns the hours that overlap [from, to), ascending. A layout without hours returns its only one
	// whatever the arguments.
	Hours(from, to time.Time) []Hour

	// Time is what an object's key says of the arrival of its oldest event. Layouts whose names say nothing
	// report false.
	Time(key string) (time.Time, bool)
}
