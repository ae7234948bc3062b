// Package kafka puts a replay into Kafka, each event once, whatever dies and whenever.
//
// One transaction holds a chunk of records, what was quarantined, and one checkpoint; nothing else is progress. After any
// error the client is thrown away: a new one fences whatever the old one left, writes a barrier into the checkpoint
// partition, reads up to it, and the log, not an error code, says whether the chunk in memory was committed.
//
//	Sink.Open    config (spec) ─> fence ─> barrier ─> read ─> genesis, or the checkpoint to go on from
//	Sink.Commit  begin ─> records ─> flush ─> checkpoint with their offsets ─> flush ─> end
//	             └─ any error ─> new client ─> fence ─> barrier ─> read ─> committed? go on : again
//
// Why each rule is there: docs/exactly-once.md.
package kafka
