package replay

import "time"

// Audited is a record of the audit topic: an act that somebody should be able to answer for. Its intent is written before
// the act and its outcome after; without the first the act is refused.
type Audited struct {
	Version int       `json:"version"`
	ID      string    `json:"id"`    // of the replay; empty where there is none
	Act     string    `json:"act"`   // allow: refusals were overridden; start, pause, resume, pace, cancel, approve, forget, denied: by a daemon
	Phase   string    `json:"phase"` // intent or outcome
	Items   []string  `json:"items"`
	Reason  string    `json:"reason,omitempty"` // as the person gave it
	Result  string    `json:"result,omitempty"` // of an outcome: done, or what went wrong
	Session string    `json:"session,omitempty"`
	User    string    `json:"user"`
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	At      time.Time `json:"at"`

	// What the act is about, which nobody else knows when the replay is forgotten, and by which it is told who may see it. Empty
	// where nothing is known of the replay, and of what was denied.
	Archive string   `json:"archive,omitempty"`
	URL     string   `json:"url,omitempty"`
	Topic   string   `json:"topic,omitempty"`
	Window  *Window  `json:"window,omitempty"`
	Pace    string   `json:"pace,omitempty"` // that start or pace asks for
	MaxGap  Duration `json:"max_gap,omitzero"`
	Choices []string `json:"choices,omitempty"` // that resume makes: on_bad=quarantine
}

// About is the record of an act on the replay of s.
func (a Audited) About(s *Spec) Audited {
	a.ID, a.Archive, a.URL, a.Topic = s.ID, s.Archive, s.URL, s.Topic
	if s.Window != (Window{}) { // of a replay that cannot be read nothing is known
		a.Window = &s.Window
	}
	return a
}
