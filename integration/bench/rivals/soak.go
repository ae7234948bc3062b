package main

import (
	"context"
	"encoding/json"
	"os"
	"runtime"
	"time"

	"replayd/replay"
)

// soak is the engine, which tells of its memory at the commits at which it has passed hours of the archive.
func soak(w *work, _ *meter) (done, error) {
	to := &hourglass{from: w.from, lines: json.NewEncoder(os.Stdout), collect: w.collect}
	return w.replayTo(to, &to.did)
}

// hourglass is a sink that keeps nothing and looks at its process.
type hourglass struct {
	nowhere
	from    time.Time
	hour    int
	collect bool
	lines   *json.Encoder
	peak    int64
}

// hourLine is what it tells.
type hourLine struct {
	Hour     int    `json:"hour"`     // so many have passed
	Resident int64  `json:"resident"` // bytes, the most at a commit since the line before
	Heap     uint64 `json:"heap"`     // bytes that are live; 0 unless a collection was asked for
}

// Commit is part of replay.Sink.
func (g *hourglass) Commit(_ context.Context, c *replay.Chunk) error {
	g.nowhere.count(c)
	g.peak = max(g.peak, resident())
	hour := int(time.Unix(0, c.Checkpoint.Watermark).Sub(g.from) / time.Hour)
	if hour <= g.hour {
		return nil
	}
	line := hourLine{Hour: hour, Resident: g.peak}
	if g.collect {
		idle()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		line.Heap = m.HeapAlloc
	}
	g.hour, g.peak = hour, 0
	return g.lines.Encode(line)
}

// idle waits until the process does nothing: while a commit is under way, the stages before it go on until they are full.
// What is live then is the same at each commit.
func idle() {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	before, _ := usage()
	for range tick.C {
		now, _ := usage()
		if now-before < 0.001 {
			return
		}
		before = now
	}
}
