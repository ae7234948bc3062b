package main

import "replayd/replay/api"

// knownAsOf is the end of how a replay stands where the daemon knows it only as of a while ago, else empty.
func knownAsOf(r *api.Replay) string {
	if r.Stale.IsZero() {
		return ""
	}
	return ", as of " + instant(r.Stale)
}

// staleLine is why a replay is told as of a while ago, and what may have become of it; empty: it is as it stands now.
func staleLine(r *api.Replay) string {
	if r.Stale.IsZero() {
		return ""
	}
	return "the daemon that was asked reads nothing from Kafka since then: it may stand otherwise by now"
}
