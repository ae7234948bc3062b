// Package consumer reads what a replay tells those who consume its topic: which records are replayed, which event each one
// is, for whom it is meant, and when a consumer has seen all of a replay.
//
//	record ─ IsReplay, ID, Seq, EventID, EventTime, Flags ─> what it is
//	       ─ ShouldProcess ─────────────────────────────────> whether it is meant for this group
//	       ─ Progress.Processed ────────┐
//	group's committed offsets ──────────┴─ Progress.Done(partitions of the receipt) ─> all of it was consumed
//	status topic ─ ReadStatus ─ receipt ┘
//
// It is made for other teams' programs: beside the standard library it needs franz-go's Record and nothing else of
// replayd. What the headers mean for a consumer is told in docs/consumers.md.
package consumer
