package merge

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"replayd/replay/shelf"
)

// TestEveryVolumeSizeGivesTheSame spills all, into volumes that hold one part, a few, and all of them. What nobody
// needs any more gives its bytes back while the merge goes on.
func TestEveryVolumeSizeGivesTheSame(t *testing.T) {
	rules := Rules{To: seconds("1000"), Lateness: seconds("20")}
	for seed := range uint64(10) {
		script := random(rand.New(rand.NewPCG(seed, 7)), 20)
		cfg, _ := setup(t, script, rules, nil)
		want, err := merged(t, cfg, 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, each := range []int64{1, 3_000, 64 << 20} {
			cfg, _ := setup(t, script, rules, func(c *Config) { c.Memory, c.Step, c.Shelf.Volume = 0, 600, each })
			m := New(t.Context(), cfg)
			got, most, err := drain(m)
			if err != nil || got != want {
				t.Errorf("seed %d, volumes of %d: %v\n got %s\nwant %s", seed, each, err, got, want)
			}
			if u := cfg.Shelf.Use(); u != (shelf.Use{}) {
				t.Errorf("seed %d, volumes of %d: in use before Close: %+v", seed, each, u)
			}
			if each == 64<<20 && most > 1 {
				t.Errorf("seed %d: %d files were open", seed, most)
			}
			m.Close()
		}
	}
}

// drain takes all of a merge and returns the most volumes that were open at a time.
func drain(m *Merger) (text string, most int, err error) {
	items := make([]Item, 5)
	var out []string
	for {
		n, err := m.Next(context.Background(), items)
		for i := range items[:n] {
			out = append(out, show(&items[i]))
		}
		most = max(most, m.cfg.Shelf.Use().Files)
		if err == io.EOF {
			return strings.Join(out, " "), most, nil
		}
		if err != nil {
			return strings.Join(out, " "), most, err
		}
	}
}

// TestManySpilledRunsShareFewFiles merges 5,000 objects that all overlap and do not fit.
func TestManySpilledRunsShareFewFiles(t *testing.T) {
	var lines []string
	for i := range 5_000 {
		lines = append(lines, fmt.Sprintf("o%04d 0:%d 9000", i, i))
	}
	cfg, _ := setup(t, strings.Join(lines, "\n"), Rules{To: seconds("10000")}, func(c *Config) { c.Memory, c.Step = 0, 600 })
	m := New(t.Context(), cfg)
	defer m.Close()
	text, most, err := drain(m)
	if err != nil || strings.Count(text, "@") != 10_000 {
		t.Errorf("%d events, %v", strings.Count(text, "@"), err)
	}
	if most != 1 {
		t.Errorf("%d files were open", most)
	}
}

func TestSmallRunsHoldWhatTheyNeed(t *testing.T) {
	cfg, _ := setup(t, "a 0:1 2 3\nb 0:1 2 3", Rules{To: seconds("1000")}, nil)
	m := New(t.Context(), cfg)
	defer m.Close()
	if _, err := m.Next(t.Context(), make([]Item, 1)); err != nil {
		t.Fatal(err)
	}
	for _, c := range m.heap {
		r := c.run.(*resident)
		if cap(r.entries) != len(r.entries) {
			t.Errorf("%s has room for %d entries and holds %d", r.of.Key, cap(r.entries), len(r.entries))
		}
	}
}
