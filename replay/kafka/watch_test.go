package kafka

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"replayd/replay"
)

func TestABeginningThatFadesIsToldInTime(t *testing.T) {
	t.Parallel()
	const day, week = 24 * time.Hour, "604800000"
	began := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name      string
		retention string
		age, left time.Duration // of the replay; left 0: not known
		change    func(*replay.Spec, map[string]string)
		says      string
	}{
		{"kept for ever", "-1", 100 * day, 100 * day, nil, ""},
		{"early, and soon at its end", week, time.Hour, day, nil, ""},
		{"early, and no end in sight", week, time.Hour, 0, nil, ""},
		{"early, and it will last too long", week, time.Hour, 8 * day, nil, "from 2026-12-08T00:00:00Z on, before its end, which is expected at 2026-12-09T01:00:00Z"},
		{"a day before", week, 6*day + time.Minute, 0, nil, "may be deleted from 2026-12-08T00:00:00Z on"},
		{"more than a day before", week, 6*day - time.Minute, 0, nil, ""},
		{"continued after a pause that was too long", week, 8 * day, 0, nil, "may have been deleted since 2026-12-08T00:00:00Z"},
		{"an hour is half over", "3600000", 31 * time.Minute, 0, nil, "keeps records for 1h0m0s, and the beginning of this replay may be deleted from 2026-12-01T01:00:00Z"},
		{"an hour is not half over", "3600000", 29 * time.Minute, 0, nil, ""},
		{
			"original times, which are older", week, time.Hour, 0,
			func(s *replay.Spec, _ map[string]string) { s.RecordTime = replay.RecordTimeOriginal }, "may have been deleted since 2026-11-08T12:00:00Z",
		},
		{
			"original times that the topic replaces", week, time.Hour, 0,
			func(s *replay.Spec, settings map[string]string) {
				s.RecordTime, settings["message.timestamp.type"] = replay.RecordTimeOriginal, "LogAppendTime"
			}, "",
		},
	} {
		spec, settings, now, end := testSpec("r"), map[string]string{"retention.ms": c.retention}, began.Add(c.age), time.Time{}
		if c.left > 0 {
			end = now.Add(c.left)
		}
		if c.change != nil {
			c.change(spec, settings)
		}
		if got := fading(spec, settings, began, now, end); !strings.Contains(got, c.says) || (got == "") != (c.says == "") {
			t.Errorf("%s: %q, want %q", c.name, got, c.says)
		}
	}
}

// TestASessionIsWatchedByTheSettingsOfNow continues a replay days later; what the warning names as the next step ends it.
func TestASessionIsWatchedByTheSettingsOfNow(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	first, _ := open(t, c, testSpec("r"))
	commit(t, first, chunk(10, 1, replay.Running))
	first.Close()
	second, _ := open(t, c, testSpec("r"))
	later := time.Now().Add(8 * 24 * time.Hour)
	if got := second.Watch(t.Context(), time.Now(), time.Time{}); got != "" {
		t.Errorf("at once: %q", got)
	}
	if got := second.Watch(t.Context(), later, time.Time{}); !strings.Contains(got, "may have been deleted") || !strings.Contains(got, "--entity-name replay --add-config retention.ms=-1") {
		t.Errorf("a week later: %q", got)
	}
	change := []kadm.AlterConfig{{Name: "retention.ms", Value: kadm.StringPtr("-1")}}
	if _, err := c.admin.AlterTopicConfigs(t.Context(), change, "replay"); err != nil {
		t.Fatal(err)
	}
	if got := second.Watch(t.Context(), later, time.Time{}); got != "" {
		t.Errorf("after the next step: %q", got)
	}
}
