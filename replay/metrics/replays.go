package metrics

import (
	"time"

	"replayd/replay"
	"replayd/replay/manager"
)

// mostReplays is how many replays are told of one by one: server.max_running is at most as many. Besides, a session may only
// write that its replay is paused or cancelled; it is through in a moment, and left out when there is no room.
const mostReplays = 64

// The metrics of a replay that a session of this daemon works on. They are gauges though some of them mostly grow: a session that
// goes on begins at the last commit, which may be behind what the one before it had handed on.
var (
	replayInfo      = gauge("replay_info", "1 for each replay that this daemon works on, with what it reads and writes.", "replay", "archive", "topic")
	replayEvents    = gauge("replay_events", "Events of the replay so far, of all its sessions, by what became of them.", "replay", "outcome")
	replayObjects   = gauge("replay_object_bytes", "Stored size of the objects that the replay has read to their end.", "replay")
	replayFetched   = gauge("replay_fetched_bytes", "What this session has got from the archive.", "replay")
	replayRate      = gauge("replay_events_per_second", "Events produced, over the last 5 seconds.", "replay")
	replayByteRate  = gauge("replay_bytes_per_second", "Values produced, over the last 5 seconds.", "replay")
	replayProgress  = gauge("replay_progress_ratio", "Part of the window that is done, or of what is rebuilt.", "replay")
	replayEventTime = gauge("replay_event_timestamp_seconds", "Event time that the replay has reached; absent before its first event.", "replay")
	replayETA       = gauge("replay_eta_seconds", "Time until the replay is done at its present speed; absent while that is not known.", "replay")
	replayLost      = gauge("replay_pace_lost_seconds", "How much longer this session took than its pace would have.", "replay")
	replayHolder    = gauge("replay_held_by", "1 for what keeps the replay from being faster, 0 for the others.", "replay", "holder")
	replayPhase     = gauge("replay_phase", "1 for what the session does, 0 for the others.", "replay", "phase")
	replayPaused    = gauge("replay_paused", "1 while the session is held because the replay is paused, else 0.", "replay")
	replayWaits     = gauge("replay_archive_retrying", "1 while a request to the archive is tried again, else 0.", "replay")
	replaySpilled   = gauge("replay_spilled_bytes", "What this session has put on disk because it did not fit into memory.", "replay")
	replayCommitted = gauge("replay_last_commit_timestamp_seconds", "When this session committed last that it had got on, or, before that, began to own the replay.", "replay")
)

// The values of labels that tell what a replay does.
var (
	phases  = []replay.Phase{replay.Listing, replay.Rebuilding, replay.Producing, replay.Waiting}
	holders = []replay.Holder{replay.HeldByNothing, replay.HeldByArchive, replay.HeldByCPU, replay.HeldByBroker, replay.HeldByPace}
)

// nothing is what holds a replay when nothing does: a label that is empty is one that is not there.
const nothing = "nothing"

// working tells of a session. Committed is zero while it does not own its replay.
func working(put put, w *manager.Working, committed time.Time) {
	id := w.ID
	put(replayInfo, 1, id, w.Archive, w.Topic)
	for _, outcome := range outcomes {
		put(replayEvents, float64(outcome.of(&w.Counters)), id, outcome.name)
	}
	put(replayObjects, float64(w.Counters.Bytes), id)
	put(replayFetched, float64(w.Fetched), id)
	put(replayRate, w.EventsPerSec, id)
	put(replayByteRate, w.BytesPerSec, id)
	put(replayProgress, w.Percent/100, id)
	put(replayLost, w.Lost.Seconds(), id)
	put(replayPaused, bit(w.State == replay.Paused), id)
	put(replayWaits, bit(w.Error != ""), id)
	put(replaySpilled, float64(w.SpilledBytes), id)
	for _, phase := range phases {
		put(replayPhase, bit(w.Phase == phase), id, string(phase))
	}
	for _, holder := range holders {
		name := string(holder)
		if holder == replay.HeldByNothing {
			name = nothing
		}
		put(replayHolder, bit(w.HeldBy == holder), id, name)
	}
	if !w.Event.IsZero() {
		put(replayEventTime, seconds(w.Event), id)
	}
	if w.ETA > 0 {
		put(replayETA, w.ETA.Seconds(), id)
	}
	if !committed.IsZero() {
		put(replayCommitted, seconds(committed), id)
	}
}

// seconds since 1970, as Prometheus has times.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
