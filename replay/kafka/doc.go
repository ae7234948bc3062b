// Package kafka puts a replay into Kafka, each event once, whatever dies and whenever, and keeps there all that daemons know.
//
// One transaction holds a chunk of records, what was quarantined, and one checkpoint; nothing else is progress. After any
// error the client is thrown away: a new one fences whatever the old one left, writes a barrier into the checkpoint
// partition, reads up to it, and the log, not an error code, says whether the chunk in memory was committed.
//
//	Sink.Open    config (spec) ─> fence ─> barrier ─> read ─> genesis, or the checkpoint to go on from
//	Sink.Commit  begin ─> records ─> flush ─> checkpoint with their offsets ─> flush ─> end
//	             └─ any error ─> new client ─> fence ─> barrier ─> read ─> committed? go on : again
//
// A daemon follows the control topics, and shares the work with others:
//
//	Cluster.Follow  config, checkpoints, status ─> View: what is known of each replay, and is wished of it
//	View            what it writes (a start, a wish, an approval, the audit, Forget) it has read back when it returns
//	Cluster.Share   a group of consumers ─> Work: which topics are this daemon's
//
// What a Cluster is asked once (Preflight, Stored, Finished, Quarantined, OffsetsAt, GroupProgress) it reads for that.
//
// Why each rule is there: docs/exactly-once.md.
package kafka
