// Package replay is the engine: it reads the archived hours of a window in event order, drops duplicates, paces, tags and
// hands what is to be produced to a Sink, together with the checkpoint that makes it count.
//
//	hours ─ Source ─> merge ─> decide ─> pace ─> chunk ─> Sink.Commit
//	                  order    dedupe    wait    tags     one transaction
//
// Run is the whole of it. What comes out is a function of the archive and the frozen Spec alone: a replay that was killed
// at any instant and continued gives the same records, in the same order, with the same tags and the same Receipt.
//
// The package knows no Kafka: replay/kafka is the Sink of production, tests and other programs may bring their own.
package replay
