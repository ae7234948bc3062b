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
}
