package replay

import (
	"fmt"
	"slices"
)

// Names of choices, beside what Options.StopOn may hold.
const (
	ChoiceAllow  = "allow"
	ChoiceMaxBad = "max-bad"
)

// Choices are the names of all: what a replay that has stopped may be continued with otherwise than it was started with.
var Choices = []string{ChoiceAllow, ChoiceMaxBad, StopOnLate, StopOnConflict, StopOnMissingID, StopOnBad}

// Choice is one of them, as somebody made it who let the replay go on. What its name does not speak of is not set.
type Choice struct {
	Signed

	Allow  Allowed `json:"allow,omitempty"`   // refusals that are overridden beside those of the start, until the replay is resumed again
	MaxBad float64 `json:"max_bad,omitempty"` // as Options.MaxBad
	Stop   bool    `json:"stop,omitempty"`    // before such an event
}

// Validate reports what is no choice of a name.
func (c *Choice) Validate(name string) error {
	switch within := c.MaxBad > 0 && c.MaxBad <= 1; {
	case !slices.Contains(Choices, name):
		return fmt.Errorf("there is no choice %q", name)
	case name == ChoiceMaxBad && !within:
		return fmt.Errorf("a share of %g of bad entries", c.MaxBad)
	}
	return nil
}

// With is s as it is continued: with other choices, by name.
func (s Start) With(choices map[string]Choice) Start {
	s.Allow, s.StopOn = slices.Clone(s.Allow), slices.Clone(s.StopOn)
	for name, c := range choices {
		switch name {
		case ChoiceAllow:
			s.Allow = append(s.Allow, c.Allow...)
		case ChoiceMaxBad:
			s.MaxBad = c.MaxBad
		default:
			s.StopOn = slices.DeleteFunc(s.StopOn, func(on string) bool { return on == name })
			if c.Stop {
				s.StopOn = append(s.StopOn, name)
			}
		}
	}
	slices.Sort(s.StopOn)
	return s
}
