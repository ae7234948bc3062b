package metrics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/manager"
)

func TestMetricsAreAsTheLinterWantsThem(t *testing.T) { lint(t, full(t)) }

func TestWhatADaemonTells(t *testing.T) {
	holds(t, full(t), `
		replayd_ready 1
		replayd_control_topics_ready 1
		replayd_control_topics_age_seconds 1.5
		replayd_work_ready 0
		replayd_work_parts_owned 32
		replayd_replays{owner="daemon",state="running"} 1
		replayd_replays{owner="run",state="failed"} 2
		replayd_replays{owner="daemon",state="failed"} 0
		replayd_replays_queued 3
		replayd_queue_wait_seconds 90
		replayd_replays_awaiting_approval 4
		replayd_replays_refused 5
		replayd_sessions 1
		replayd_sessions_limit 6
		replayd_memory_budget_bytes 7
		replayd_memory_budget_used_bytes 8
		replayd_sessions_started_total 9
		replayd_sessions_ended_total{outcome="failed"} 10
		replayd_sessions_ended_total{outcome="over"} 0
		replayd_audit_refusals_total 11
		replayd_audit_outcomes_lost_total 12
		replayd_commit_retries_total 13
		replayd_event_streams 14
		replayd_event_streams_limit 2000
		replayd_api_denials_total 15
		replayd_http_request_duration_seconds_count{operation="getHealth",status="2xx"} 1
		replayd_kafka_produce_records_total 2
		replayd_kafka_connect_errors_total{node_id="0"} 1
	`)
}

func TestWhatIsToldOfAReplay(t *testing.T) {
	holds(t, full(t), `
		replayd_replay_info{archive="a",replay="r",topic="replay.x"} 1
		replayd_replay_events{outcome="produced",replay="r"} 5
		replayd_replay_events{outcome="duplicate",replay="r"} 4
		replayd_replay_events{outcome="filtered",replay="r"} 3
		replayd_replay_events{outcome="outside",replay="r"} 2
		replayd_replay_events{outcome="quarantined",replay="r"} 1
		replayd_replay_object_bytes{replay="r"} 6
		replayd_replay_fetched_bytes{replay="r"} 7
		replayd_replay_events_per_second{replay="r"} 100
		replayd_replay_bytes_per_second{replay="r"} 1000
		replayd_replay_progress_ratio{replay="r"} 0.25
		replayd_replay_event_timestamp_seconds{replay="r"} 1.7935344e+09
		replayd_replay_eta_seconds{replay="r"} 60
		replayd_replay_pace_lost_seconds{replay="r"} 3
		replayd_replay_held_by{holder="broker",replay="r"} 1
		replayd_replay_held_by{holder="nothing",replay="r"} 0
		replayd_replay_phase{phase="running",replay="r"} 1
		replayd_replay_phase{phase="waiting",replay="r"} 0
		replayd_replay_paused{replay="r"} 0
		replayd_replay_archive_retrying{replay="r"} 1
		replayd_replay_spilled_bytes{replay="r"} 9
	`)
}

func TestOfAReplayOnlyWhatIsKnownIsTold(t *testing.T) {
	m := watched(t, func() manager.Standing {
		return manager.Standing{Sessions: []manager.Working{{Progress: replay.Progress{ID: "r", State: replay.Paused}}}}
	})
	holds(t, m, `
		replayd_replay_paused{replay="r"} 1
		replayd_replay_held_by{holder="nothing",replay="r"} 1
	`)
	for _, name := range []string{"event_timestamp_seconds", "eta_seconds", "last_commit_timestamp_seconds"} {
		if f := families(t, m)["replayd_replay_"+name]; f != nil {
			t.Errorf("told is %s", f)
		}
	}
}

// bounds are the labels that metrics may have, and why they have no more values than are good.
var bounds = map[string]string{
	"replay":    "a replay that a session of this daemon works on: at most 64, and the label goes with the session",
	"archive":   "one for each replay",
	"topic":     "one for each replay",
	"outcome":   "named in the code",
	"owner":     "named in the code",
	"state":     "named in the code",
	"phase":     "named in the code",
	"holder":    "named in the code",
	"operation": "those of the API's document, and none",
	"status":    "1xx to 5xx, and none",
	"node_id":   "the brokers of the cluster",
	"version":   "one for each process",
	"goversion": "one for each process",
}

func TestLabelsAreBounded(t *testing.T) {
	for name, f := range families(t, full(t)) {
		if !strings.HasPrefix(name, namespace) {
			continue
		}
		for _, one := range f.GetMetric() {
			for _, l := range one.GetLabel() {
				if bounds[l.GetName()] == "" {
					t.Errorf("%s has the label %s: say here why its values are bounded", name, l.GetName())
				}
				if slices.Contains([]string{"archive", "topic"}, l.GetName()) && name != "replayd_replay_info" {
					t.Errorf("%s has the label %s, which replay_info tells", name, l.GetName())
				}
			}
		}
	}
}

func TestNoMoreReplaysAreToldThanMayRun(t *testing.T) {
	var s manager.Standing
	for i := range 200 {
		s.Sessions = append(s.Sessions, manager.Working{Progress: replay.Progress{ID: fmt.Sprintf("%03d", i)}})
	}
	m := watched(t, func() manager.Standing { return s })
	if n := len(families(t, m)["replayd_replay_info"].GetMetric()); n != mostReplays {
		t.Errorf("%d replays are told", n)
	}
	s = manager.Standing{}
	if f := families(t, m)["replayd_replay_info"]; f != nil {
		t.Errorf("replays that are over are told: %s", f)
	}
}

func TestEventsAreCountedWhenTheyAreCommitted(t *testing.T) {
	m := watched(t, func() manager.Standing { return manager.Standing{} })
	holds(t, m, `replayd_events_total{outcome="produced"} 0`) // so that the first is an increase
	next := &null{base: replay.Counters{Read: 100, Produced: 90, Duplicates: 10, Bytes: 50}}
	s := m.Sink("r", next)
	if _, err := s.Open(t.Context(), &replay.Spec{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), chunk(replay.Counters{Read: 104, Produced: 91, Duplicates: 13, Bytes: 50}, "ab")); err != nil {
		t.Fatal(err)
	}
	next.err = errors.New("gave up")
	if err := s.Commit(t.Context(), chunk(replay.Counters{Read: 200, Produced: 187, Duplicates: 13}, "lost")); err == nil {
		t.Fatal("no error")
	}
	next.err = nil
	if err := s.Commit(t.Context(), chunk(replay.Counters{Read: 105, Produced: 91, Duplicates: 13, Quarantined: 1, Bytes: 80}, "c")); err != nil {
		t.Fatal(err)
	}
	holds(t, m, `
		replayd_events_total{outcome="produced"} 1
		replayd_events_total{outcome="duplicate"} 3
		replayd_events_total{outcome="quarantined"} 1
		replayd_events_total{outcome="filtered"} 0
		replayd_object_bytes_total 30
		replayd_produced_bytes_total 3
		replayd_commit_duration_seconds_count 2
		replayd_commit_failures_total 1
	`)
	if s.Close(); !next.closed || s.Watch(t.Context(), noon, noon) != "watched" {
		t.Error("the sink behind it is not asked")
	}
}

func TestWhatCutsACommitOffIsNoFailure(t *testing.T) {
	m := watched(t, func() manager.Standing { return manager.Standing{} })
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for err, ctx := range map[error]context.Context{
		fmt.Errorf("commit: %w", &replay.TakenOver{Host: "h", PID: 1}): t.Context(), context.Canceled: ended,
	} {
		if got := m.Sink("r", &null{err: err}).Commit(ctx, chunk(replay.Counters{})); !errors.Is(got, err) {
			t.Errorf("got %v", got)
		}
	}
	holds(t, m, "replayd_commit_failures_total 0")
}

func TestWhenASessionCommittedLastIsToldWhileThereIsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := watched(t, someStanding)
		last := func() float64 {
			f := families(t, m)["replayd_replay_last_commit_timestamp_seconds"]
			if f == nil {
				return 0
			}
			return f.GetMetric()[0].GetGauge().GetValue()
		}
		began := seconds(time.Now())
		s := m.Sink("r", &null{})
		if at := last(); at != 0 {
			t.Errorf("before it is opened: %g", at)
		}
		if _, err := s.Open(t.Context(), &replay.Spec{}); err != nil || last() != began {
			t.Errorf("opened: %g, %v", last(), err)
		}
		time.Sleep(time.Minute)
		on := chunk(replay.Counters{})
		on.Checkpoint.Position.Offset = 7
		for _, what := range []string{"what it has got on", "as it was, to tell that it is alive"} {
			if err := s.Commit(t.Context(), on); err != nil || last() != began+60 {
				t.Errorf("committed %s: %g, %v", what, last()-began, err)
			}
			time.Sleep(3 * time.Minute)
		}
		if s.Close(); last() != 0 {
			t.Errorf("closed: %g", last())
		}
		if n := len(m.commits.last); n != 0 {
			t.Errorf("%d sessions are kept", n)
		}
	})
}

func TestRequestsAreCountedByOperationAndClass(t *testing.T) {
	m := watched(t, func() manager.Standing { return manager.Standing{} })
	for _, status := range []int{200, 204, 404, 503, 0} {
		m.Request(api.Observed{Operation: "getReplay", Status: status, Took: 30 * time.Millisecond})
	}
	holds(t, m, `
		replayd_http_request_duration_seconds_bucket{operation="getReplay",status="2xx",le="0.025"} 0
		replayd_http_request_duration_seconds_bucket{operation="getReplay",status="2xx",le="0.1"} 2
		replayd_http_request_duration_seconds_count{operation="getReplay",status="4xx"} 1
		replayd_http_request_duration_seconds_count{operation="getReplay",status="5xx"} 1
		replayd_http_request_duration_seconds_count{operation="getReplay",status="none"} 1
	`)
}
