package main

import (
	"time"

	"replayd/replay"
	"replayd/replay/api"
)

// startedBy is who started a replay; nobody has told that of one that runs in the foreground, but where it runs.
func startedBy(r *api.Replay) string {
	switch {
	case r.Owner != replay.OwnerRun:
		return r.StartedBy
	case r.Daemon != "":
		return "replayd run at " + r.Daemon
	}
	return "replayd run"
}

// quiet is how long a process that runs in the foreground may tell nothing before that is said: it commits once a second while it
// produces.
const quiet = time.Minute

// isQuiet reports whether a replay runs in the foreground, and its process was not heard for a while.
func isQuiet(r *api.Replay) bool { return !r.HeardAt.IsZero() && time.Since(r.HeardAt) >= quiet }

// foregroundLines tell of a replay that runs in the foreground whether its process is there, and how it is carried on when not.
func foregroundLines(r *api.Replay) []string {
	if r.HeardAt.IsZero() {
		return nil
	}
	lines := []string{"  in the foreground, last heard " + instant(r.HeardAt) + ", " + replay.Ago(time.Since(r.HeardAt)) + " ago"}
	if line := carriedOn(r); line != "" {
		lines = append(lines, "  "+line)
	}
	return lines
}

// carriedOn says how a replay that ran in the foreground goes on when its process is gone; empty where nothing hints at that.
func carriedOn(r *api.Replay) string {
	if r.HeardAt.IsZero() || !isQuiet(r) && r.State == replay.Running {
		return ""
	}
	return "when it is gone: replayd run --id " + r.ID + ", with the flags it was begun with, carries it on"
}
