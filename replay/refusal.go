package replay

import (
	"fmt"
	"slices"
	"strings"
)

// Refusal says that a replay is not begun or not continued because it would hurt. This session has produced nothing, unless
// Item is restart, which is also met where a topic is lost under it. Where the person may decide otherwise, --allow names
// the item.
type Refusal struct {
	Item string // name of the preflight item
	What string // what is so, and why that is bad
	Next string // what to do
}

func (r *Refusal) Error() string {
	s := r.Item + ": " + r.What
	if r.Next != "" {
		s += "\n" + r.Next
	}
	return s
}

// TakenOver says that a later session of the same replay owns it now.
type TakenOver struct {
	Host string
	PID  int
}

func (t *TakenOver) Error() string { return fmt.Sprintf("taken over by %s %d", t.Host, t.PID) }

// Stopped says that a replay stopped before its end and can be continued.
type Stopped struct {
	State  State // Paused, Failed, or Running when it was left to another session
	Reason string
	Err    error // the cause, for Failed
}

func (s *Stopped) Error() string {
	if s.Err != nil {
		return s.Err.Error()
	}
	return s.Reason
}

func (s *Stopped) Unwrap() error { return s.Err }

// Items that the engine refuses; a sink has more.
const (
	ItemOpenHours     = "open-hours"
	ItemArchiveChange = "archive-change"
	ItemSecondPerson  = "second-person"
)

// Allowed are the names of the refusals that a person overrode.
type Allowed []string

// Has reports whether item was overridden.
func (a Allowed) Has(item string) bool { return slices.Contains(a, item) }

// Few lists names for a person: the first, and how many more there are.
func Few(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// Conflict says that a replay is not such that what is asked can be done with it. Asking again changes nothing.
type Conflict struct{ Err error }

func (c *Conflict) Error() string { return c.Err.Error() }

func (c *Conflict) Unwrap() error { return c.Err }

// Taken says that an id belongs to another replay.
type Taken struct {
	ID string
}

func (t *Taken) Error() string { return "replay " + t.ID + " exists and is another one" }
