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

func TestALimitOfALargeArchiveIsItsShare(t *testing.T) {
	t.Parallel()
	const terabyte = 1_000_000_000_000
	for _, c := range []struct{ bytes, events, limit, wantBytes, wantEvents int64 }{
		{30 * terabyte, 40_000_000_000, 5_000_000, 3_750_000_000, 5_000_000},
		{30 * terabyte, 40_000_000_000, 0, 30 * terabyte, 40_000_000_000},
		{1000, 10, 10, 1000, 10},
		{1000, 10, 11, 1000, 10},
		{1000, 10, 1, 100, 1},
	} {
		e := estimate{Bytes: c.bytes, Events: c.events}
		e.limit(c.limit)
		if off := e.Bytes - c.wantBytes; off < -1 || off > 1 || e.Events != c.wantEvents { // the share is a float64
			t.Errorf("limit %d of %d events with %d bytes: %d events with %d bytes", c.limit, c.events, c.bytes, e.Events, e.Bytes)
		}
	}
}
