package archive

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Fields says where in an event its id, times and key stand. It is part of the frozen spec; the zero value finds
// nothing.
type Fields struct {
	ID        IDRule    `json:"event_id"`
	Time      Pointer   `json:"event_time"`                // "none": events have no time
	Zone      string    `json:"event_time_zone,omitempty"` // IANA name, of times that are written without one; empty: UTC
	Arrival   Pointer   `json:"arrival,omitempty"`         // when the archive got the event; empty: not known
	ByArrival bool      `json:"by_arrival,omitempty"`      // the window goes by it: without a usable one an event is bad
	Key       Pointer   `json:"key,omitempty"`             // empty: records have no key of their own
	NeedsKey  bool      `json:"needs_key,omitempty"`       // the target takes no record without a key: an event without one is bad
	Value     Pointer   `json:"value,omitempty"`           // of what is produced, its bytes unchanged; empty: the whole event
	Volatile  []Pointer `json:"volatile,omitempty"`

	Also []Pointer `json:"-"` // further places whose bytes entries hold: what a filter looks at
}

// None, as an event id or event time, says that events have none.
const None = "none"

// IDBody, as an event id, takes the hash of an event's body (without its volatile fields) for its id.
const IDBody = "body"

// Pointer is an RFC 6901 JSON pointer such as /data/account_id. The empty pointer is unset. Time fields may hold None.
type Pointer string

// IDRule is how an event's id is found: pointers joined by commas, IDBody, or None.
type IDRule string

// Pointers are the pointers of the rule, nil for IDBody and None.
func (r IDRule) Pointers() []Pointer {
	if r == IDBody || r == None || r == "" {
		return nil
	}
	var list []Pointer
	for p := range strings.SplitSeq(string(r), ",") {
		list = append(list, Pointer(p))
	}
	return list
}

// Validate reports the first thing wrong with the fields.
func (f Fields) Validate() error {
	for _, p := range f.ID.Pointers() {
		if err := p.validate(); err != nil {
			return fmt.Errorf("event id: %w", err)
		}
	}
	if f.Time != None {
		if f.Time == "" {
			return fmt.Errorf("event time: not set")
		}
		if err := f.Time.validate(); err != nil {
			return fmt.Errorf("event time: %w", err)
		}
	}
	if _, err := f.Location(); err != nil {
		return fmt.Errorf("event time zone: %w", err)
	}
	for _, p := range slices.Concat([]Pointer{f.Arrival, f.Key, f.Value}, f.Volatile, f.Also) {
		if err := p.validate(); p != "" && err != nil {
			return err
		}
	}
	return nil
}

// Location is the zone of times that are written without one.
func (f Fields) Location() (*time.Location, error) {
	if f.Zone == "" {
		return time.UTC, nil
	}
	return Zone(f.Zone)
}

// Zone is the time zone of a name such as America/Sao_Paulo. Names that mean the zone of the machine are refused: another
// one would read other times.
func Zone(name string) (*time.Location, error) {
	switch name {
	case "", "Local", "localtime", "posixrules": // the last two are files of zone databases
		return nil, fmt.Errorf("%q is no zone: name one, such as America/Sao_Paulo", name)
	}
	return time.LoadLocation(name)
}

// Tokens are the reference tokens of the pointer, unescaped.
func (p Pointer) Tokens() []string {
	if p == "" {
		return nil
	}
	tokens := strings.Split(string(p[1:]), "/")
	for i, t := range tokens {
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
	}
	return tokens
}

func (p Pointer) validate() error {
	if !strings.HasPrefix(string(p), "/") {
		return fmt.Errorf("%q is not a JSON pointer: it begins with a slash, as /event_id or /data/id", string(p))
	}
	rest := string(p)
	for {
		i := strings.IndexByte(rest, '~')
		if i < 0 {
			return nil
		}
		if i+1 == len(rest) || (rest[i+1] != '0' && rest[i+1] != '1') {
			return fmt.Errorf("%q is not a JSON pointer: a tilde is written ~0, a slash inside a name ~1", string(p))
		}
		rest = rest[i+2:]
	}
}
