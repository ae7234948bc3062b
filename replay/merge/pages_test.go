package merge

import (
	"io"
	"testing"
)

// released takes all of a merge, releases the object of each End, and returns how many pages its pool keeps then.
func released(t *testing.T, cfg Config, again bool) int {
	t.Helper()
	m := New(t.Context(), cfg)
	defer m.Close()
	items := make([]Item, 7)
	for {
		n, err := m.Next(t.Context(), items)
		for i := range items[:n] {
			if items[i].Kind == End {
				items[i].Object.Release(again)
				items[i].Object.Release(again) // is nothing
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if left := m.budget.left.Load(); left != cfg.Memory {
		t.Errorf("of a budget of %d bytes %d came back", cfg.Memory, left)
	}
	return len(m.pool.free)
}

// TestWhatRunsHeldComesBack has runs that are all resident, all spilled, and of both kinds.
func TestWhatRunsHeldComesBack(t *testing.T) {
	for _, memory := range []int64{0, 100_000, 1 << 30} {
		cfg, _ := jsonLines(t, 500)
		cfg.Memory, cfg.Step, cfg.Streams = memory, 16_000, Room{}
		if kept := released(t, cfg, true); kept == 0 {
			t.Errorf("of runs that may hold %d bytes no page is used again", memory)
		}
		cfg, _ = jsonLines(t, 500)
		cfg.Memory, cfg.Step = 1<<30, 16_000
		if kept := released(t, cfg, false); kept != 0 {
			t.Errorf("%d pages are used again that somebody may still read", kept)
		}
	}
}

func TestAPoolKeepsPagesOfItsSizeAndNotTooMany(t *testing.T) {
	p := newPool(pooled / 4)
	page := make([]byte, pooled/4)
	p.put(pages{page, make([]byte, 10)})
	if got := p.get(); len(got) != len(page) || &got[0] != &page[0] {
		t.Errorf("got a page of %d bytes", len(got))
	}
	if p.get() != nil {
		t.Error("it keeps a page of another size")
	}
	for range 10 {
		p.put(pages{page})
	}
	if n := len(p.free); n != 4 {
		t.Errorf("it keeps %d pages", n)
	}
}
