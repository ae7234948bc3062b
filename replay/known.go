package replay

import (
	"strings"
	"time"
)

// Known is what the control topics tell of a replay, whoever runs it.
type Known struct {
	Spec        Spec
	Start       Start
	Order       int64             // where its spec stands: replays of one topic run in this order
	Incarnation string            // of its id: another replay that had the id before, or has it later, has another
	Choices     map[string]Choice // by name: what it was resumed with otherwise than it was started with
	Wish        *Wish             // the newest; nil: none was written, as of a foreground replay
	Begun       bool              // it may have produced something
	Checkpoint  *Checkpoint       // the newest that is committed; nil while there is none
	Refused     *Refused          // why it waits for a person, who has wished nothing since; nil: it does not
	Live        *Live             // the newest word of the daemon that runs it; nil: none yet, or not a daemon's
	Err         error             // why this program cannot deal with it, such as records of a newer one; nil: it can

	CheckpointAt time.Time // when Checkpoint was written
}

// Chosen is what the next session works with: what the replay was started with, as it was chosen otherwise since.
func (k *Known) Chosen() Start { return k.Start.With(k.Choices) }

// Start is what a replay is started with beside its spec, kept for whichever daemon begins it.
type Start struct {
	Pace        string   `json:"pace,omitempty"`
	Compression string   `json:"compression,omitempty"`
	MaxGap      Duration `json:"max_gap,omitzero"`
	Ramp        Duration `json:"ramp,omitzero"`
	MaxBad      float64  `json:"max_bad,omitempty"`
	StopOn      []string `json:"stop_on,omitempty"`
	Allow       Allowed  `json:"allow,omitempty"`
	Create      bool     `json:"create,omitempty"`     // the topic, when it is missing
	Partitions  int32    `json:"partitions,omitempty"` // of a topic that is created; 0: the cluster's default
	Like        string   `json:"like,omitempty"`       // topic whose partitions and settings a created one gets
	Size        int64    `json:"size,omitempty"`       // stored bytes of the window's hours, where somebody had to know
	Plan        string   `json:"plan,omitempty"`       // hash of what was planned or is to be approved, which the replay reads; empty: whatever there is
	By          string   `json:"by,omitempty"`         // who started it
	Key         string   `json:"key,omitempty"`        // hash of the Idempotency-Key it was started with, and, behind a space, of what was asked
}

// KeyHash is the part of Key that is of the Idempotency-Key alone; empty: it was started without.
func (s *Start) KeyHash() string {
	hash, _, _ := strings.Cut(s.Key, " ")
	return hash
}

// Live is a word of the daemon that runs a replay, once a second and not durable: checkpoints are what counts. One in
// state Failed, or Planned, is the last of a session: Error says what went wrong. So is one without a daemon, which has left the
// replay to others, or has not begun it.
type Live struct {
	Report

	Daemon string    `json:"daemon"`           // host and process; empty: none any more
	Queued string    `json:"queued,omitempty"` // why it waits for its turn or its next try, where only the daemon that is to run it knows
	Wish   string    `json:"wish,omitempty"`   // token of the wish that it is told under; empty: of a daemon that did not note it
	At     time.Time `json:"at"`
}

// Under reports whether the word is about what is wished now: what came of it, and not of a wish before. Clocks of two daemons
// do not tell.
func (l *Live) Under(w *Wish) bool {
	if l.Wish != "" {
		return l.Wish == w.Token
	}
	return !l.At.Before(w.At)
}

// State is where the replay stands: what its checkpoint says; before there is one it is Planned, or, wished so, Cancelled.
func (k *Known) State() State {
	switch {
	case k.Checkpoint != nil:
		return k.Checkpoint.State
	case !k.Begun && k.Wish != nil && k.Wish.State == Cancelled:
		return Cancelled
	case k.Begun:
		return Running // between genesis and what is told of it
	}
	return Planned
}
