package main

import (
	"math"
	"testing"
	"time"

	"replayd/replay"
)

func TestAContinuedReplayReadsTheHorizonAgainAndNoMoreThanAll(t *testing.T) {
	begin := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		window time.Duration
		want   float64
	}{
		{0, 1}, // no window: a folder of which all is read
		{time.Hour, 1},
		{65 * time.Minute, 1},
		{98 * time.Hour, 185. / 60 / 100}, // horizon and slack, of window and slack
	} {
		s := &replay.Spec{Before: replay.Duration(time.Hour), After: replay.Duration(time.Hour), Horizon: replay.Duration(65 * time.Minute)}
		if c.window > 0 {
			s.Window = replay.Window{From: begin, To: begin.Add(c.window)}
		}
		if got := rereadShare(s); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("of a window of %s it reads the share %g again, want %g", c.window, got, c.want)
		}
	}
}
