package main

import (
	"slices"
	"testing"

	"replayd/replay"
	"replayd/replay/api"
)

// TestAReplayThatIsPausedBeforeItBeginsStands: it stays planned, so there is nothing to wait for.
func TestAReplayThatIsPausedBeforeItBeginsStands(t *testing.T) {
	pause := acts[slices.IndexFunc(acts, func(a act) bool { return a.use == "pause" })]
	for _, c := range []struct {
		state, wanted replay.State
		stands        bool
		words         string
	}{
		{replay.Planned, replay.Paused, true, "planned, paused"},
		{replay.Planned, replay.Running, false, "planned"},
		{replay.Running, replay.Paused, false, "running, to be paused"},
		{replay.Paused, replay.Paused, true, "paused"},
	} {
		r := api.Replay{State: c.state, Wanted: c.wanted}
		if pause.done(&r) != c.stands || stateInWords(&r) != c.words {
			t.Errorf("%s, wished %s: stands %v, in words %q", c.state, c.wanted, pause.done(&r), stateInWords(&r))
		}
	}
}
