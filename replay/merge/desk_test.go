package merge

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// longWords is a script of objects that all overlap, in no order, most of whose events are short, and some of a size.
func longWords(rng *rand.Rand, objects, size int) string {
	var lines []string
	for o := range objects {
		var text []string
		for range 12 {
			word := fmt.Sprint(1 + rng.IntN(900))
			if rng.IntN(3) == 0 {
				word += "/" + strings.Repeat("0", size-len(word)-1)
			}
			text = append(text, word)
		}
		lines = append(lines, fmt.Sprintf("o%03d 0:%s", o, strings.Join(text, " ")))
	}
	return strings.Join(lines, "\n")
}

// kept is what the open parts of a merge keep of their blocks: within the budget, and beside it. They are few that keep more
// than a head beside it.
func kept(t *testing.T, m *Merger) (within, beside int) {
	t.Helper()
	for _, l := range m.heap {
		for _, p := range l.run.(*spilled).open {
			if p.kept > 0 {
				within += cap(p.window)
				continue
			}
			beside++
			if cap(p.window) > leastWindow {
				t.Fatalf("%s keeps %d bytes that nobody granted", l.run.object().Key, cap(p.window))
			}
		}
	}
	return within, beside
}

// TestOpenPartsKeepNoMoreThanTheyMay has parts of long events open, all at once, of which their budget holds a few.
func TestOpenPartsKeepNoMoreThanTheyMay(t *testing.T) {
	const spilled = 100_000
	for seed := range uint64(5) {
		script := longWords(rand.New(rand.NewPCG(seed, 5)), 60, 20_000)
		cfg, _ := setup(t, script, Rules{To: seconds("1000"), Lateness: seconds("1000")}, func(c *Config) { c.Memory, c.Step, c.Spilled = 0, 600, spilled })
		m := New(t.Context(), cfg)
		items, most := make([]Item, 3), 0
		for {
			_, err := m.Next(t.Context(), items)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			within, beside := kept(t, m)
			most = max(most, beside)
			if granted := cfg.Spilled - m.desk.blocks.left.Load(); int64(within) > granted || granted > spilled {
				t.Fatalf("seed %d: open parts keep %d bytes, %d of %d are granted", seed, within, granted, spilled)
			}
		}
		if most < 60 {
			t.Errorf("seed %d: at most %d parts were open for which there was no room", seed, most)
		}
		if left := m.desk.blocks.left.Load(); left != spilled {
			t.Errorf("seed %d: %d bytes are left of %d", seed, left, spilled)
		}
		m.Close()
	}
}

// TestWhatIsKeptOfBlocksMakesNoDifference reads short and long events of which all, some, or nothing is kept.
func TestWhatIsKeptOfBlocksMakesNoDifference(t *testing.T) {
	rules := Rules{To: seconds("1000"), Lateness: seconds("20")}
	for seed := range uint64(5) {
		script := longWords(rand.New(rand.NewPCG(seed, 6)), 30, 12_000)
		cfg, _ := setup(t, script, rules, nil)
		want, err := merged(t, cfg, 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, spilled := range []int64{0, 2_000, 50_000, 1 << 30} {
			for _, buffers := range []int64{0, 1 << 20} {
				cfg, _ := setup(t, script, rules, func(c *Config) {
					c.Memory, c.Step, c.Spilled, c.Shelf.Buffers = 0, 600, spilled, buffers
				})
				if got, err := merged(t, cfg, 7); err != nil || got != want {
					t.Errorf("seed %d, %d bytes, blocks by %d: %v\n got %s\nwant %s", seed, spilled, buffers, err, got, want)
				}
			}
		}
	}
}

// TestAMergeThatIsClosedGivesBackItsBlocks leaves parts open in the middle.
func TestAMergeThatIsClosedGivesBackItsBlocks(t *testing.T) {
	cfg, _ := setup(t, longWords(rand.New(rand.NewPCG(1, 7)), 10, 5_000), Rules{To: seconds("1000"), Lateness: seconds("1000")},
		func(c *Config) { c.Memory, c.Step, c.Spilled = 0, 600, 50_000 })
	m := New(t.Context(), cfg)
	if _, err := m.Next(t.Context(), make([]Item, 3)); err != nil {
		t.Fatal(err)
	}
	if m.desk.blocks.left.Load() == cfg.Spilled {
		t.Error("no block is kept")
	}
	m.Close()
	if left := m.desk.blocks.left.Load(); left != cfg.Spilled {
		t.Errorf("%d bytes are left of %d", left, cfg.Spilled)
	}
}

// TestAnEventThatCannotBeReadFromTheDiskEndsTheMerge loses what the spilled parts hold after their heads have been read: what
// was read before is handed out, and the event that cannot be is not.
func TestAnEventThatCannotBeReadFromTheDiskEndsTheMerge(t *testing.T) {
	long := strings.Repeat("0", 5_000)
	cfg, _ := setup(t, "a 0:"+long+"1 "+long+"3\nb 0:"+long+"2 "+long+"4", Rules{To: seconds("1000")},
		func(c *Config) { c.Memory, c.Step = 0, 600 })
	m := New(t.Context(), cfg)
	defer m.Close()
	items := make([]Item, 1)
	if _, err := m.Next(t.Context(), items); err != nil || show(&items[0]) != "1@a" {
		t.Fatalf("%s, %v", show(&items[0]), err)
	}
	for _, l := range m.heap {
		if l.run.object().Key != "b" {
			continue
		}
		for _, p := range l.run.(*spilled).open {
			if _, err := p.WriteAt(make([]byte, p.Size()), 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	n, err := m.Next(t.Context(), items)
	if n != 0 || err == nil || errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "read spilled object b") {
		t.Errorf("%d items, %v", n, err)
	}
}
