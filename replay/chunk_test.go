package replay

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// addresses is a sink that looks at where the records of chunks stand.
type addresses struct {
	*memory
	shared bool
	seen   map[*Record]bool
	again  int // chunks that stand where one before stood
}

func (a *addresses) Commit(ctx context.Context, c *Chunk) error {
	if len(c.Records) > 0 {
		if a.seen[&c.Records[0]] {
			a.again++
		}
		a.seen[&c.Records[0]] = true
	}
	c.Shared = a.shared
	return a.memory.Commit(ctx, c)
}

// TestTheMemoryOfAChunkServesAgainUnlessItIsShared replays 100 events ten at a time.
func TestTheMemoryOfAChunkServesAgainUnlessItIsShared(t *testing.T) {
	var text strings.Builder
	for i := range 100 {
		text.WriteString(event(fmt.Sprint(i), time.Duration(i)*time.Second))
	}
	for _, shared := range []bool{false, true} {
		h := newHourly(day("12/a", text.String()))
		a := &addresses{memory: &memory{}, shared: shared, seen: map[*Record]bool{}}
		r := h.runner(t, a.memory)
		r.Sink, r.Options.chunkRecords = a, 10
		if _, err := r.Run(t.Context(), h.spec); err != nil || len(a.records) != 100 {
			t.Fatalf("%d records, %v", len(a.records), err)
		}
		if shared == (a.again > 0) {
			t.Errorf("shared %v: of %d chunks %d stand where one before stood", shared, a.commits, a.again)
		}
	}
}
