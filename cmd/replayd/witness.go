package main

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"replayd/archive"
	"replayd/replay"
)

// shownFirst is how many quarantined entries are named at the end of a session; all of them stand in the quarantine topic.
const shownFirst = 5

// witness is a sink that remembers the first quarantined entries of its session, and how far that has come.
type witness struct {
	replay.Sink
	first  []replay.Quarantined
	frozen func() bool // the id alone continues the replay
	opened atomic.Bool // the replay is taken over
}

// Open implements replay.Sink.
func (w *witness) Open(ctx context.Context, s *replay.Spec) (replay.Durable, error) {
	d, err := w.Sink.Open(ctx, s)
	w.opened.Store(err == nil)
	return d, err
}

// Commit implements replay.Sink.
func (w *witness) Commit(ctx context.Context, c *replay.Chunk) error {
	fresh := c.Quarantined[:min(len(c.Quarantined), shownFirst-len(w.first))]
	if err := w.Sink.Commit(ctx, c); err != nil {
		return err
	}
	w.first = append(w.first, fresh...)
	return nil
}

// told names the entries, one a line: where they stand, and what is wrong with them.
func (w *witness) told(all int64) string {
	var b strings.Builder
	for _, q := range w.first {
		fmt.Fprintf(&b, "  %s\n", whereAndWhy(&q))
	}
	if more := all - int64(len(w.first)); more > 0 && len(w.first) > 0 {
		fmt.Fprintf(&b, "  and %s more\n", count(more))
	}
	return b.String()
}

// whereAndWhy names an entry on one line. A detail begins with its own place, which often is where the entry begins.
func whereAndWhy(q *replay.Quarantined) string {
	text := fmt.Sprintf("%s at byte %d: %s", archive.Printable(q.Object), q.Range[0], q.Reason)
	if detail := strings.TrimPrefix(q.Detail, fmt.Sprintf("byte %d: ", q.Range[0])); detail != "" {
		text += ", " + archive.Printable(detail)
	}
	return text
}
