package replay

import (
	"fmt"
	"time"

	"replayd/replay/pace"
)

// Wish is what people want of a replay that a daemon runs: a register in the config topic, of which the last writer wins.
// What is, stands in the checkpoint alone, and one that is terminal beats every wish.
type Wish struct {
	Version int          `json:"version"`          // of this form: 1
	State   State        `json:"state"`            // Running, Paused or Cancelled
	Pace    pace.Setting `json:"pace,omitzero"`    // not set: that of its start
	MaxGap  Duration     `json:"max_gap,omitzero"` // longest wait for an idle gap of the archive; 0: that of its start
	Waits   bool         `json:"waits,omitempty"`  // for a second person, whose approval makes it false
	Token   string       `json:"token"`            // of this writing, by which its writer finds it again
	By      string       `json:"by"`               // who wrote it
	Reason  string       `json:"reason,omitempty"`
	At      time.Time    `json:"at"`
}

// Validate reports what no replay can be told.
func (w *Wish) Validate() error {
	if w.State != Running && w.State != Paused && w.State != Cancelled {
		return fmt.Errorf("a replay cannot be wished %q: %s, %s or %s", w.State, Running, Paused, Cancelled)
	}
	if w.MaxGap < 0 {
		return fmt.Errorf("max gap %s: cannot be negative", w.MaxGap)
	}
	return nil
}

// Why tells people why a replay is paused or cancelled: "paused by anna: looking at the consumer".
func (w *Wish) Why() string {
	text := string(w.State)
	if w.By != "" {
		text += " by " + w.By
	}
	if w.Reason != "" {
		text += ": " + w.Reason
	}
	return text
}
