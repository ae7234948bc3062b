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

// Signed says who wrote a wish, of which replay, when and why.
type Signed struct {
	Version     int       `json:"version"`               // of this form: 1
	Token       string    `json:"token"`                 // of this writing, by which its writer finds it again
	Incarnation string    `json:"incarnation,omitempty"` // of the replay that it is wished of, as in Known; empty: of a replayd that did not note it
	By          string    `json:"by"`                    // who wrote it
	Reason      string    `json:"reason,omitempty"`
	At          time.Time `json:"at"`
}

// Of is Incarnation, of all that is signed.
func (s Signed) Of() string { return s.Incarnation }

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

// Parts of what is wanted of a replay, beside the names of its choices. Each stands by itself.
const (
	PartState    = "wish"
	PartPace     = "pace"
	PartCancel   = "cancel"
	PartApproval = "approved"
)

// WishUnreadable says that somebody else than replayd has written where it stands what is wanted of a replay. To want that part
// of it anew puts that right, and so does to cancel it.
type WishUnreadable struct {
	Err  error
	ID   string
	Part string // or the name of a choice
}

func (w *WishUnreadable) Error() string {
	return w.Err.Error() + "\nOr say anew what is wanted: " + w.cure()
}

// cure is the command that writes the part.
func (w *WishUnreadable) cure() string {
	switch w.Part {
	case PartState:
		return "replayd resume " + w.ID + ", or replayd pause " + w.ID
	case PartPace:
		return "replayd pace " + w.ID + " PACE"
	case PartCancel:
		return "replayd cancel " + w.ID + ". If nobody has cancelled it, a record without a value under that key lets it go on"
	case PartApproval:
		return "replayd approve " + w.ID
	case ChoiceAllow:
		return "replayd resume " + w.ID + ", with --allow NAME where refusals are to be overridden"
	case ChoiceMaxBad:
		return "replayd resume " + w.ID + " --max-bad SHARE"
	}
	return "replayd resume " + w.ID + " --on-" + w.Part + " POLICY"
}

func (w *WishUnreadable) Unwrap() error { return w.Err }

// Unread is the part of what is wanted of a replay that cannot be read, and holds it; empty: there is none.
func (k *Known) Unread() string {
	if unread := new(WishUnreadable); errors.As(k.Err, &unread) {
		return unread.Part
	}
	return ""
}

// Another says that an id has another replay than that of which something was wanted.
type Another struct{ ID string }

func (e *Another) Error() string {
	return fmt.Sprintf("replay %s was forgotten meanwhile, and another one was started under its id: nothing was done to that\n"+
		"Look at it first: replayd show %s", e.ID, e.ID)
}

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
