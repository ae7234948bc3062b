package main

import (
	"context"
	"fmt"
	"strings"

	"replayd/archive"
	"replayd/replay"
)

// shownBad is how many bad entries are named at the end of a session; all of them stand in the quarantine topic.
const shownBad = 5

// witness is a sink that remembers the first bad entries of its session.
type witness struct {
	replay.Sink
	bad []replay.Quarantined
}

// Commit implements replay.Sink.
func (w *witness) Commit(ctx context.Context, c *replay.Chunk) error {
	fresh := c.Quarantined[:min(len(c.Quarantined), shownBad-len(w.bad))]
	if err := w.Sink.Commit(ctx, c); err != nil {
		return err
	}
	w.bad = append(w.bad, fresh...)
	return nil
}

// told names the entries, one a line: where they stand, and what is wrong with them.
func (w *witness) told(all int64) string {
	var b strings.Builder
	for _, q := range w.bad {
		fmt.Fprintf(&b, "  %s\n", whereAndWhy(&q))
	}
	if more := all - int64(len(w.bad)); more > 0 && len(w.bad) > 0 {
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
