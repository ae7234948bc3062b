package kafka

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"replayd/archive"
	"replayd/replay"
)

func open(t *testing.T, c *Cluster, spec *replay.Spec) (*Sink, replay.Durable) {
	t.Helper()
	s := c.Sink(Settings{})
	t.Cleanup(s.Close)
	d, err := s.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return s, d
}

// opens is how a session with settings begins. It ends with the test, whether it has begun or not.
func opens(t *testing.T, c *Cluster, settings Settings, spec *replay.Spec) error {
	t.Helper()
	s := c.Sink(settings)
	t.Cleanup(s.Close)
	_, err := s.Open(t.Context(), spec)
	return err
}

func commit(t *testing.T, s *Sink, c *replay.Chunk) {
	t.Helper()
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func TestASessionContinuesWhereTheOneBeforeStood(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	first, d := open(t, c, testSpec("r"))
	if d.Checkpoint.Begun || d.Checkpoint.State != replay.Running {
		t.Fatalf("a new replay begins at %+v", d.Checkpoint)
	}
	commit(t, first, chunk(10, 1, replay.Running))
	commit(t, first, chunk(5, 11, replay.Running))
	first.Close()

	second, d := open(t, c, testSpec("r"))
	if d.Checkpoint.Seq != 15 || d.Checkpoint.Commit != 2 {
		t.Fatalf("continues at %+v", d.Checkpoint)
	}
	last := chunk(5, 16, replay.Completed)
	commit(t, second, last)
	if r := last.Checkpoint.Receipt; r == nil || r.Sessions != 2 || r.Produced != 20 {
		t.Fatalf("receipt %+v", r)
	}
	seqs(t, consumed(t, f, "replay"), 20)
	records := int64(0)
	for _, p := range last.Checkpoint.Partitions {
		records += p.Records
	}
	if records != 20 {
		t.Errorf("partitions account for %d records: %+v", records, last.Checkpoint.Partitions)
	}
	if n := len(consumed(t, f, "replayd.status")); n != 1 {
		t.Errorf("%d status records", n)
	}
}

// TestAnHourRecordIsNotLargerThanItsNamesMakeIt commits names that JSON made for HTML would write with six times the bytes.
func TestAnHourRecordIsNotLargerThanItsNamesMakeIt(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	s, _ := open(t, c, testSpec("r"))
	hour := replay.HourRecord{Version: 1, Hour: "2026-11-01T12Z"}
	for i := range 256 {
		hour.Open = append(hour.Open, fmt.Sprint(i, strings.Repeat("&<>", 300)))
	}
	next := chunk(1, 1, replay.Running)
	next.Hours = []replay.HourRecord{hour}
	commit(t, s, next)
	if _, d := open(t, c, testSpec("r")); !slices.Equal(d.Hours[hour.Hour].Open, hour.Open) {
		t.Errorf("it comes back as %.200v", d.Hours)
	}
}

func TestTheLaterSessionTakesOverAndTheEarlierSaysByWhom(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	early, _ := open(t, c, testSpec("r"))
	commit(t, early, chunk(10, 1, replay.Running))
	late, d := open(t, c, testSpec("r"))
	if d.Checkpoint.Seq != 10 {
		t.Fatalf("took over at %+v", d.Checkpoint)
	}
	err := early.Commit(t.Context(), chunk(10, 11, replay.Running))
	var taken *replay.TakenOver
	if !errors.As(err, &taken) || taken.Host != host() {
		t.Fatalf("the earlier session got %v", err)
	}
	commit(t, late, chunk(10, 11, replay.Completed))
	seqs(t, consumed(t, f, "replay"), 20)
}

func TestAnIDBelongsToOneSpec(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	open(t, c, testSpec("r"))
	other := testSpec("r")
	other.Lateness++
	other.Fields.Key = "/k"
	_, err := c.Sink(Settings{}).Open(t.Context(), other)
	var differs *SpecDiffers
	if !errors.As(err, &differs) || len(differs.Differences) != 2 || !strings.Contains(err.Error(), "/k") {
		t.Fatalf("got %v", err)
	}
}

func TestALostControlTopicIsNeverAStartAtZero(t *testing.T) {
	t.Parallel()
	for _, topic := range []string{"replayd.checkpoints", "replay"} {
		t.Run(topic, func(t *testing.T) {
			f := fake(t)
			c := connect(t, f)
			s, _ := open(t, c, testSpec("r"))
			commit(t, s, chunk(10, 1, replay.Running))
			s.Close()
			if _, err := c.admin.DeleteTopic(t.Context(), topic); err != nil {
				t.Fatal(err)
			}
			compact := map[string]*string{"cleanup.policy": kadm.StringPtr("compact")}
			if topic == "replay" {
				compact = nil
			}
			if _, err := c.admin.CreateTopic(t.Context(), 16, 1, compact, topic); err != nil {
				t.Fatal(err)
			}
			err := opens(t, connect(t, f), Settings{}, testSpec("r"))
			var refusal *replay.Refusal
			if !errors.As(err, &refusal) || refusal.Item != ItemRestart {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestWhatIsAllowedIsAudited(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	spec := testSpec("r")
	s := c.Sink(Settings{Allow: replay.Allowed{ItemOverlap}})
	defer s.Close()
	if _, err := s.Open(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	var phases []string
	for _, r := range consumed(t, f, "replayd.audit") {
		var a replay.Audited
		if err := json.Unmarshal(r.Value, &a); err != nil {
			t.Fatal(err)
		}
		if a.ID != "r" || a.Act != "allow" || len(a.Items) != 1 || a.Items[0] != ItemOverlap || a.User == "" || a.Archive != "a" || a.Topic != "replay" || a.Window == nil {
			t.Errorf("audited: %s", r.Value)
		}
		phases = append(phases, a.Phase+" "+a.Result)
	}
	if !slices.Equal(phases, []string{"intent ", "outcome done"}) {
		t.Errorf("audited: %q", phases)
	}
}

// TestWhatADaemonHasAuditedIsNotAuditedByEachOfItsSessions begins several: the audit would grow with each try.
func TestWhatADaemonHasAuditedIsNotAuditedByEachOfItsSessions(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	for range 3 {
		s := c.Sink(Settings{Allow: replay.Allowed{ItemOverlap}, Audited: true})
		if _, err := s.Open(t.Context(), testSpec("r")); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	if n := len(consumed(t, f, "replayd.audit")); n != 0 {
		t.Errorf("audited %d times", n)
	}
}

func TestQuarantineStandsWithTheCheckpointInOneTransaction(t *testing.T) {
	t.Parallel()
	f := fake(t)
	s, _ := open(t, connect(t, f), testSpec("r"))
	last := chunk(1, 1, replay.CompletedWithQuarantine)
	last.Quarantined = []replay.Quarantined{{
		Position: archive.Position{Time: 5, Object: "o", Offset: 7}, Object: "o", Range: [2]int64{7, 9}, Reason: archive.BadJSON, Detail: "x",
	}}
	commit(t, s, last)
	records := consumed(t, f, "replayd.quarantine")
	if len(records) != 1 || string(records[0].Key) != "r/5:7:0:o" {
		t.Fatalf("quarantine: %v", records)
	}
	var q struct {
		Version int
		ID      string
		Object  string
		Range   [2]int64
		Reason  string
	}
	if err := json.Unmarshal(records[0].Value, &q); err != nil || q.Version != 1 || q.ID != "r" || q.Object != "o" || q.Range != [2]int64{7, 9} || q.Reason != "json" {
		t.Errorf("%s: %v", records[0].Value, err)
	}
}

// TestAChunkThatIsRefusedForItsContentFails offers a record that the topic does not take.
func TestAChunkThatIsRefusedForItsContentFails(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	s, _ := open(t, c, testSpec("r"))
	bad := chunk(3, 1, replay.Running)
	bad.Records[1].Value = make([]byte, 2<<20)
	err := s.Commit(t.Context(), bad)
	if !errors.Is(err, kerr.MessageTooLarge) || !strings.Contains(err.Error(), "gave up") {
		t.Fatalf("got %v", err)
	}
	good, d := open(t, c, testSpec("r"))
	if d.Checkpoint.Seq != 0 {
		t.Fatalf("the refused chunk counts: %+v", d.Checkpoint)
	}
	commit(t, good, chunk(3, 1, replay.Completed))
	seqs(t, consumed(t, f, "replay"), 3)
}
