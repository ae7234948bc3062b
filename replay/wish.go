package replay

import (
	"errors"
	"fmt"
	"time"

	"replayd/replay/pace"
)

// Wish is what people want of a replay: the newest wish holds, until the replay has ended.
type Wish struct {
	Signed

	State  State        `json:"state"`            // Running, Paused or Cancelled
	Pace   pace.Setting `json:"pace,omitzero"`    // not set: that of its start
	MaxGap Duration     `json:"max_gap,omitzero"` // longest wait for an idle gap of the archive; 0: that of its start
	Waits  bool         `json:"waits,omitempty"`  // for a second person, whose approval makes it false
}

// Signed says who wrote a wish, when and why.
type Signed struct {
	Version int       `json:"version"` // of this form: 1
	Token   string    `json:"token"`   // of this writing, by which its writer finds it again
	By      string    `json:"by"`      // who wrote it
	Reason  string    `json:"reason,omitempty"`
	At      time.Time `json:"at"`
}

// PaceWish is another pace than that of the start.
type PaceWish struct {
	Signed

	Pace   pace.Setting `json:"pace"`
	MaxGap Duration     `json:"max_gap,omitzero"` // longest wait for an idle gap of the archive; 0: that of its start
}

// Wishes are all that people want of a replay, each part where only those acts write that are about it: two people who want
// different things at the same time take nothing from each other. Nil: nobody wanted it.
type Wishes struct {
	State    *Wish // to run or to be paused; one that a replayd before these parts wrote is about all of them
	Pace     *PaceWish
	Cancel   *Signed // it is to end, which nobody can call back
	Approval *Signed // of the second person
}

// Wish is what they amount to, nil without State. Its token is another one whenever anything is written.
func (w *Wishes) Wish() *Wish {
	if w.State == nil {
		return nil
	}
	all := *w.State
	if p := w.Pace; p != nil {
		all.join(&p.Signed)
		all.Pace, all.MaxGap = p.Pace, p.MaxGap
	}
	if a := w.Approval; a != nil {
		all.join(a)
		all.Waits = false
	}
	halts := &w.State.Signed // which what came after does not change
	if c := w.Cancel; c != nil {
		all.join(c)
		all.State, halts = Cancelled, c
	}
	if all.State != Running {
		all.By, all.Reason = halts.By, halts.Reason
	}
	return &all
}

// join adds another writing. The newest tells by whom and why.
func (s *Signed) join(other *Signed) {
	s.Token += " " + other.Token
	if other.At.After(s.At) {
		s.By, s.Reason, s.At = other.By, other.Reason, other.At
	}
}

// WishUnreadable says that somebody else than replayd has written where it stands what is wanted of a replay. Whatever is
// wanted anew puts that right.
type WishUnreadable struct{ Err error }

func (w *WishUnreadable) Error() string {
	return w.Err.Error() + "\nOr say anew what is wanted, by replayd pause, resume, pace or cancel"
}

func (w *WishUnreadable) Unwrap() error { return w.Err }

// Validate reports what no replay can be told.
func (w *Wish) Validate() error {
	if w.State != Running && w.State != Paused && w.State != Cancelled {
		return fmt.Errorf("a replay cannot be wished %q: %s, %s or %s", w.State, Running, Paused, Cancelled)
	}
	return validGap(w.MaxGap)
}

// Validate reports what is no pace.
func (p *PaceWish) Validate() error {
	if p.Pace.IsZero() {
		return errors.New("no pace is wished")
	}
	return validGap(p.MaxGap)
}

func validGap(d Duration) error {
	if d < 0 {
		return fmt.Errorf("max gap %s: cannot be negative", d)
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
