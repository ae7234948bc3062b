package replay

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"replayd/archive"
	"replayd/replay/filter"
)

// Policies say what becomes of events that are not as they should be, and which are wanted at all. They are frozen, so that
// every session decides alike. To stop at such an event is none of them: Options.StopOn may differ between sessions, else a
// stopped replay could never go on.
type Policies struct {
	OnLate      string `json:"on_late"`       // Emit or Quarantine
	OnConflict  string `json:"on_conflict"`   // Emit, Drop or Quarantine
	OnMissingID string `json:"on_missing_id"` // Emit or Quarantine

	Filter string `json:"filter,omitempty"` // expression that keeps an event, see replay/filter; empty: all
	Limit  int64  `json:"limit,omitempty"`  // events after which the replay is complete; 0: none
}

// Values of Policies.
const (
	Emit       = "emit"
	Drop       = "drop" // counted as filtered
	Quarantine = "quarantine"
)

// What Options.StopOn may hold.
const (
	StopOnLate      = "late"
	StopOnConflict  = "conflict"
	StopOnMissingID = "missing-id"
	StopOnBad       = "bad" // also events on which the filter fails
)

// Reasons beside those of archive.Bad… why an event is filtered or quarantined.
const (
	ReasonLate        = "late"
	ReasonConflict    = "conflict"
	ReasonNoID        = "no-id"
	ReasonFilter      = "filter"
	ReasonFilterError = "filter-error"
)

func (p *Policies) complete() {
	for _, choice := range []*string{&p.OnLate, &p.OnConflict, &p.OnMissingID} {
		if *choice == "" {
			*choice = Emit
		}
	}
}

// Without is what becomes of events on which a replay does not stop any more, by a choice of Options.StopOn.
func (p *Policies) Without(stopOn string) string {
	switch stopOn {
	case StopOnLate:
		return p.OnLate
	case StopOnConflict:
		return p.OnConflict
	case StopOnMissingID:
		return p.OnMissingID
	}
	return Quarantine
}

func (p *Policies) validate(f archive.Fields) error {
	var errs []error
	for _, c := range []struct {
		name, choice string
		choices      []string
	}{
		{"late events", p.OnLate, []string{Emit, Quarantine}},
		{"conflicts", p.OnConflict, []string{Emit, Drop, Quarantine}},
		{"events without id", p.OnMissingID, []string{Emit, Quarantine}},
	} {
		if !slices.Contains(c.choices, c.choice) {
			errs = append(errs, fmt.Errorf("what becomes of %s: %q is none of %s", c.name, c.choice, strings.Join(c.choices, ", ")))
		}
	}
	if p.OnMissingID == Quarantine && f.ID == archive.None {
		errs = append(errs, errors.New("events are to have no id, and those without one are to be quarantined: nothing would be left"))
	}
	if p.Limit < 0 {
		errs = append(errs, fmt.Errorf("limit %d: must not be negative", p.Limit))
	}
	if _, err := filter.Compile(p.Filter); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// StoppedOn stops a replay before an event on which Options.StopOn says so. Continued with the same choice it stops again.
type StoppedOn struct {
	Choice string // of Options.StopOn
	what   string
	at     archive.Position
}

func (s *StoppedOn) Error() string {
	return fmt.Sprintf("stopped before %s at byte %d of object %s", s.what, s.at.Offset, archive.Printable(s.at.Object))
}

// Next is what can be done, for people; goesOn is the command that continues the replay without stopping there.
func (s *StoppedOn) Next(goesOn string) string {
	return "Look into the archive there. Continue with: " + goesOn
}
