package replay

// State is where a replay stands. What is, stands only in the checkpoint.
type State string

// The states of a replay.
const (
	Planned                 State = "planned" // known, and not begun
	Running                 State = "running"
	Paused                  State = "paused"
	Completed               State = "completed"
	CompletedWithQuarantine State = "completed_with_quarantine"
	Cancelled               State = "cancelled"
	Failed                  State = "failed" // can be continued
)

// Valid reports whether s is one of them.
func (s State) Valid() bool {
	switch s {
	case Planned, Running, Paused, Completed, CompletedWithQuarantine, Cancelled, Failed:
		return true
	}
	return false
}

// Terminal reports whether nothing can follow.
func (s State) Terminal() bool {
	return s == Completed || s == CompletedWithQuarantine || s == Cancelled
}
