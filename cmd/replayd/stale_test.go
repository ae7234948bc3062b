package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

// TestWhatIsOldIsToldAsThat by list, show and watch: a daemon that Kafka does not answer knows of others what they did before.
func TestWhatIsOldIsToldAsThat(t *testing.T) {
	t.Parallel()
	const running, why = "running, as of 2026-11-02 03:00:05Z", "reads nothing from Kafka since then"
	old := func(r *api.Replay) { r.Stale = time.Date(2026, 11, 2, 3, 0, 5, 0, time.UTC) }
	c := newClient(t)
	c.start("--id", "p1")
	told := func(line string) string { return c.replayd(strings.Fields(line)...).want(exitOK).out.String() }
	if text := told("show p1 -o text") + told("list"); strings.Contains(text, "as of") || strings.Contains(text, why) {
		t.Errorf("what is as it stands now is told as\n%s", text)
	}
	c.Change("p1", old)
	if text := told("list"); !strings.Contains(text, running) {
		t.Errorf("list tells\n%s", text)
	}
	if text := told("show p1 -o text"); !strings.Contains(text, running) || !strings.Contains(text, why) {
		t.Errorf("show tells\n%s", text)
	}
	if text := told("show p1 -o json"); !strings.Contains(text, `"stale_since":"2026-11-02T03:00:05Z"`) {
		t.Errorf("show tells\n%s", text)
	}
	synctest.Test(t, func(t *testing.T) {
		d := &telling{apitest.NewFake(), api.Replay{}, []api.Replay{stand(replay.Running, replay.Running, 0, old), stand(replay.Completed, replay.Running, 0)}}
		d.types(t, "watch", "p1", "-o", "text").want(exitOK, running+" · ", why)
	})
}
