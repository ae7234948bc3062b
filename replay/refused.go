package replay

import (
	"fmt"
	"time"
	"unicode/utf8"
)

// Refused says that a replay waits for a person: its last session was refused, or ended as the next one would, too. It holds
// until somebody wishes anything of the replay anew, whatever daemons are restarted meanwhile, or until another session has it: a
// refusal may be written late.
type Refused struct {
	Version int       `json:"version"` // of this form: 1
	Wish    string    `json:"wish"`    // token of the wish under which the session ended
	State   State     `json:"state"`   // Planned where the replay has not begun, else Failed
	Error   string    `json:"error"`   // why, for people
	Daemon  string    `json:"daemon"`  // host and process
	At      time.Time `json:"at"`

	Incarnation string `json:"incarnation,omitempty"` // of the replay, as in Known; empty: of a replayd that did not note it

	// Session is the one that was refused, and Commit the number of the newest commit that it knew; -1: of none. An empty Session is
	// of a replayd that did not note them.
	Session string `json:"session,omitempty"`
	Commit  int64  `json:"commit"`
}

// Of is Incarnation.
func (r Refused) Of() string { return r.Incarnation }

// Overtaken reports whether another session has begun or gone on since r, as c tells, the newest checkpoint of the replay; nil: there
// is none. A commit of its own that the refused session did not hear of is no other's.
func (r *Refused) Overtaken(c *Checkpoint) bool {
	return r.Session != "" && c != nil && c.Session != r.Session && c.Commit > r.Commit
}

// maxRefused is how many bytes of an error are kept: every daemon remembers them for as long as the replay is known.
const maxRefused = 4 << 10

// NewRefused is what err means for a replay in a state, at a daemon and under the wish with a token.
func NewRefused(token string, s State, err string, daemon string, at time.Time) Refused {
	return Refused{Version: 1, Wish: token, State: s, Error: shortened(err, maxRefused), Daemon: daemon, At: at.UTC()}
}

// shortened is as much of text as most bytes hold.
func shortened(text string, most int) string {
	if len(text) <= most {
		return text
	}
	const more = " …"
	cut := most - len(more)
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + more
}

// Validate reports what no session has ended in.
func (r *Refused) Validate() error {
	if r.State != Planned && r.State != Failed {
		return fmt.Errorf("a replay that is refused cannot be %q: %s or %s", r.State, Planned, Failed)
	}
	return nil
}
