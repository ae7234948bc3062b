package dedupe

import (
	"testing"
	"time"
)

// counted is what an index holds, counted without its account.
func counted(x *Index) int64 {
	held := int64(len(x.memory.free)) * rowsSize
	for i := range x.shards {
		s := &x.shards[i]
		held += int64(cap(s.filter.blocks)) * blockSize
		for lane := range s.cells {
			c := &s.cells[lane]
			held += int64(cap(c.table.slots))*slotSize + int64(len(c.table.rows))*rowsSize
			for _, s := range c.segments {
				held += int64(cap(s.index)) * bucketSize
			}
		}
	}
	return held
}

// TestMemoryHeldIsBounded runs through several horizons.
func TestMemoryHeldIsBounded(t *testing.T) {
	for _, limit := range []int64{3 << 19, 2 << 20, 3 << 20} {
		x := small(t, Options{Horizon: 60_000, Memory: limit})
		for i := range uint64(200_000) {
			sighted(t, x, idOf(i), 0, int64(i))
			if i%500 != 0 {
				continue
			}
			held := counted(x)
			if account := x.Stats().Memory; held != account {
				t.Fatalf("limit %d, event %d: %d bytes are held, the account says %d", limit, i, held, account)
			}
			if held > limit {
				t.Fatalf("limit %d, event %d: %d bytes are held", limit, i, held)
			}
		}
		s := x.Stats()
		if s.Frozen == 0 || s.Rows < 60_000 {
			t.Errorf("limit %d: %+v", limit, s)
		}
		filters := int64(0)
		for i := range x.shards {
			filters += x.shards[i].filter.size()
		}
		if filters > limit/2 {
			t.Errorf("limit %d: filters take %d", limit, filters)
		}
		x.Close()
		if held := counted(x); x.Stats().Memory != held {
			t.Errorf("closed: %d bytes are held, the account says %d", held, x.Stats().Memory)
		}
	}
}

func TestIndexesOfSegmentsTakeAQuarter(t *testing.T) {
	for _, c := range []struct {
		limit, frozen int64
		want          int
	}{
		{0, 1e9, pageRows},
		{512 << 20, 133e6, pageRows},
		{16 << 20, 1e6, pageRows},
		{16 << 20, 20e6, 128},
		{16 << 20, 133e6, 1024},
	} {
		f := freezer{frozen: c.frozen - 1000}
		if got := f.rowsInBucket(1000, &memory{limit: c.limit}); got != c.want {
			t.Errorf("%d rows in %d bytes: %d in a bucket, want %d", c.frozen, c.limit, got, c.want)
		}
	}
}

func TestACellHasFewSegments(t *testing.T) {
	x := small(t, Options{Horizon: time.Hour, Memory: 1})
	for i := range uint64(5000) {
		sighted(t, x, idOf(i%700), i%3, int64(i))
		for s := range x.shards {
			if n := len(x.shards[s].cells[0].segments); n > few {
				t.Fatalf("event %d: a cell has %d segments", i, n)
			}
		}
	}
	if s := x.Stats(); s.Rows > 700*few*4 {
		t.Errorf("rows of the same key and body are not folded: %+v", s)
	}
}

func TestAGenerationBeginsWithRoomForAsManyRowsAsTheOneBefore(t *testing.T) {
	x := small(t, Options{Horizon: 300})
	for i := range uint64(100_000) {
		sighted(t, x, idOf(i), 0, 0)
	}
	sighted(t, x, idOf(0), 1, 100) // rows of three keys
	with := 0
	for i := range x.shards {
		c := &x.shards[i].cells
		if n := len(c[1].table.slots); n > 0 && n == len(c[0].table.slots) {
			with++
		}
	}
	if with == 0 || with > 3 {
		t.Errorf("%d tables of the second generation have the room of the first", with)
	}
}
