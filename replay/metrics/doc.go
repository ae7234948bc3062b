// Package metrics is what a daemon tells Prometheus of itself. docs/metrics.md lists all of it.
//
//	manager.Standing ─┐
//	view, work, API  ─┼─ collected at each scrape ─┐
//	Sink (commits)   ─┤                            ├─> registry ─> Metrics.ServeHTTP
//	Request (API)    ─┼─ counted as they happen   ─┤
//	Client (Kafka)   ─┘                            ┘
//
// These hold:
//   - Each name begins with replayd_, but for those of the Go runtime and the process. Units are seconds and bytes; what ends in
//     _total only grows, while the process lives.
//   - Nothing grows with what is replayed: the label replay is there only while a session of this daemon works, and there
//     are at most 64 of these. All other labels have values that are known beforehand, or are as many as there are brokers.
//   - A scrape asks nothing of Kafka or of an archive.
package metrics
