package merge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"replayd/archive"
	"replayd/archive/archivetest"
	"replayd/replay/shelf"
)

// words is a format for tests: an object's events are words, their times in seconds; "5/7" arrived at 7; "x" is bad.
type words struct{}

func (words) Name() string { return "words" }

func (words) Scan(r io.Reader, _ archive.Fields, _ archive.Limits, slabs archive.Slabs) archive.Scanner {
	text, err := io.ReadAll(r)
	return &wordScanner{text: string(text), err: err, slabs: slabs}
}

type wordScanner struct {
	text  string
	at    int
	err   error
	slabs archive.Slabs
	slab  []byte
	used  int
}

// keep puts the value of e into a slab, as scanners that read into slabs do.
func (s *wordScanner) keep(e *archive.Entry) error {
	if len(s.slab)-s.used < len(e.Value) {
		slab, err := s.slabs.Slab(len(e.Value))
		if err != nil {
			return err
		}
		s.slab, s.used = slab, 0
	}
	e.InSlab, e.At = true, s.used
	s.used += copy(s.slab[s.used:], e.Value)
	e.Value = s.slab[e.At:s.used]
	return nil
}

func (s *wordScanner) Next(e *archive.Entry) error {
	for s.at < len(s.text) && s.text[s.at] == ' ' {
		s.at++
	}
	if s.at == len(s.text) {
		if s.err != nil {
			return s.err
		}
		return io.EOF
	}
	word, _, _ := strings.Cut(s.text[s.at:], " ")
	*e = archive.Entry{Offset: int64(s.at), Length: int64(len(word)), Value: []byte(word), ID: []byte(word)}
	s.at += len(word)
	event, arrival, _ := strings.Cut(word, "/")
	if event == "x" {
		e.Bad, e.Value, e.ID = archive.BadJSON, nil, nil
		return nil
	}
	e.Time = seconds(event)
	if arrival != "" {
		e.Arrival = seconds(arrival)
	}
	return s.keep(e)
}

func (s *wordScanner) Size() int64 { return int64(len(s.text)) }

func seconds(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic(err)
	}
	return n * int64(time.Second)
}

type plain struct{}

func (plain) Decode(r io.Reader) (io.Reader, error) { return r, nil }
func (plain) Close()                                {}

// feed gives objects in two hours: all but the last, then the last.
type feed struct{ hours [][]*Object }

func (f *feed) Bound() (int64, bool) {
	if len(f.hours) == 0 {
		return 0, false
	}
	bound := int64(1 << 62)
	for _, hour := range f.hours {
		for _, o := range hour {
			bound = min(bound, o.Bound)
		}
	}
	return bound, true
}

func (f *feed) Next(context.Context) ([]*Object, error) {
	hour := f.hours[0]
	f.hours = f.hours[1:]
	return hour, nil
}

// setup is a merge of the objects of a script: lines "name bound: words".
func setup(t *testing.T, script string, rules Rules, change func(*Config)) (Config, *archivetest.Faulty) {
	t.Helper()
	store := archivetest.NewFaulty(nil)
	f := &feed{}
	for line := range strings.SplitSeq(strings.TrimSpace(script), "\n") {
		head, text, _ := strings.Cut(strings.TrimSpace(line), ":")
		name, bound, _ := strings.Cut(head, " ")
		store.Put(name, []byte(text))
		o := &Object{Object: store.Object(name), BadInWindow: true}
		if bound != "" {
			o.Bound = seconds(bound)
		}
		f.hours = append(f.hours, []*Object{o})
	}
	slices.SortStableFunc(f.hours, func(a, b []*Object) int { return cmp.Compare(a[0].Bound, b[0].Bound) })
	cfg := Config{
		Rules: rules, Feed: f, Memory: 1 << 30, Shelf: shelf.New(shelf.Options{Folder: t.TempDir(), Limit: 1 << 30}), Workers: 2,
		Source:  archive.Source{Store: store, Format: words{}, Decoder: func() archive.Decoder { return plain{} }},
		Fetcher: &archive.Fetcher{Store: store, Stall: time.Second, GiveUp: time.Second},
	}
	if change != nil {
		change(&cfg)
	}
	return cfg, store
}

// merged plays a merge and writes its items as "time@object+flags", bad ones as "x time@object", ends as "|object". It looks
// at what they hold as late as it may: when their object ends, which gives its memory to the next.
func merged(t *testing.T, cfg Config, batch int) (string, error) {
	t.Helper()
	m := New(t.Context(), cfg)
	defer m.Close()
	items := make([]Item, batch)
	var out []string
	held := map[*Object][]Item{}
	for {
		n, err := m.Next(t.Context(), items)
		if errors.Is(err, io.EOF) {
			return strings.Join(out, " "), nil
		}
		if err != nil {
			return strings.Join(out, " "), err
		}
		for i := range items[:n] {
			it := &items[i]
			out = append(out, show(it))
			if it.Kind == Event {
				held[it.Object] = append(held[it.Object], *it)
			}
			if it.Kind == End {
				checkHeld(t, held[it.Object])
				it.Object.Release(true)
			}
		}
	}
}

// checkHeld finds items whose bytes are not what their object has there.
func checkHeld(t *testing.T, items []Item) {
	t.Helper()
	for i := range items {
		it := &items[i]
		if word, _, _ := strings.Cut(string(it.Value), "/"); word != strconv.FormatInt(it.EventTime/int64(time.Second), 10) || string(it.ID) != string(it.Value) {
			t.Fatalf("%s at %d, of time %d, holds %q and %q", it.Object.Key, it.Offset, it.EventTime, it.Value, it.ID)
		}
	}
}

func show(it *Item) string {
	at := fmt.Sprintf("%d@%s", it.Time/int64(time.Second), it.Object.Key)
	switch {
	case it.Kind == End && it.Outside > 0:
		return fmt.Sprintf("|%s-%d", it.Object.Key, it.Outside)
	case it.Kind == End:
		return "|" + it.Object.Key
	case it.Kind == Bad:
		return "x" + at
	case it.Flags != 0:
		return at + "+" + it.Flags.String()
	}
	return at
}

func TestMerge(t *testing.T) {
	lateness := Rules{To: seconds("1000"), Lateness: seconds("10")}
	for _, c := range []struct {
		name, in, want string
		rules          Rules
	}{
		{"ties go by object", "a: 1 3 5\nb: 1 4", "1@a 1@b 3@a 4@b |b 5@a |a", lateness},
		{"objects are put in order inside", "a: 5 1 3", "1@a 3@a 5@a |a", lateness},
		{"an empty object has an end", "a 7:\nb: 8", "|a 8@b |b", lateness},
		{"outside of the window is counted at the end", "a: 1 2000 2 1000", "1@a 2@a |a-2", lateness},
		{"an object of nothing but outside ends at its bound", "a 5: 2000\nb: 1 9", "1@b |a-1 9@b |b", lateness},
		{"late is what lies below the opening bound", "a 20: 5 25 30", "20@a+late 25@a 30@a |a", lateness},
		{"one wrong clock moves no bound", "a: 500 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 2", "1@a 2@a 2@a 3@a 4@a 5@a 6@a 7@a 8@a 9@a 10@a 11@a 12@a 13@a 14@a 15@a 16@a 500@a |a", lateness},
		{
			"the sixteenth largest, less the lateness, does", "a: 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 3 20 19",
			"20@a+late 20@a 20@a+late 30@a 31@a 32@a 33@a 34@a 35@a 36@a 37@a 38@a 39@a 40@a 41@a 42@a 43@a 44@a 45@a |a",
			Rules{To: seconds("1000"), Lateness: seconds("10")},
		},
		{"bad entries stand at the bound of their first byte", "a 4: x 9 x", "x4@a x4@a 9@a |a", lateness},
		{"the window may go by arrival", "a: 1/100 2/5 300/101", "1@a 111@a+time-clamped |a-1", Rules{From: seconds("100"), To: seconds("1000"), Arrival: true, Lateness: seconds("10")}},
		{
			"clocks beyond the window's end move no bound, however many", "a:" + strings.Repeat(" 1000/50", quorum) + " 5/50",
			"5@a" + strings.Repeat(" 60@a+time-clamped", quorum) + " |a",
			Rules{From: seconds("10"), To: seconds("100"), Arrival: true, Lateness: seconds("10")},
		},
		{"without times objects stand one after another", "b: 3 1 2\na: 9 8", "0@a+time-missing 0@a+time-missing |a 0@b+time-missing 0@b+time-missing 0@b+time-missing |b", Rules{NoTime: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, batch := range []int{1, 3, 100} {
				cfg, _ := setup(t, c.in, c.rules, nil)
				got, err := merged(t, cfg, batch)
				if err != nil {
					t.Fatal(err)
				}
				if got != c.want {
					t.Errorf("batches of %d\n got %s\nwant %s", batch, got, c.want)
				}
			}
		})
	}
}

// random is a script of n overlapping objects, of which every second is in order.
func random(rng *rand.Rand, n int) string {
	var lines []string
	for i := range n {
		bound := rng.IntN(300)
		times := make([]int, rng.IntN(60))
		for j := range times {
			times[j] = bound + rng.IntN(100)
		}
		if i%2 == 1 {
			slices.Sort(times)
		}
		var text []string
		for _, at := range times {
			text = append(text, strconv.Itoa(at))
		}
		lines = append(lines, fmt.Sprintf("o%02d %d:%s", i, bound, strings.Join(text, " ")))
	}
	return strings.Join(lines, "\n")
}

// TestEveryMemoryGivesTheSame merges objects, half of which are in order, in memory, from the disk, and read a second time.
func TestEveryMemoryGivesTheSame(t *testing.T) {
	rules := Rules{To: seconds("1000"), Lateness: seconds("20")}
	again := 0
	for seed := range uint64(20) {
		script := random(rand.New(rand.NewPCG(seed, 3)), 12)
		cfg, _ := setup(t, script, rules, nil)
		want, err := merged(t, cfg, 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, memory := range []int64{0, 5_000, 50_000} {
			for _, streams := range []int{0, 1, 2, 100} {
				cfg, store := setup(t, script, rules, func(c *Config) {
					c.Memory, c.Step, c.Streams = memory, 600, Room{streams, 1 << 30}
				})
				got, err := merged(t, cfg, 7)
				if err != nil || got != want {
					t.Fatalf("seed %d, memory %d, %d streams: %v\n got %s\nwant %s", seed, memory, streams, err, got, want)
				}
				if left, _ := os.ReadDir(cfg.Shelf.Folder); len(left) > 0 {
					t.Errorf("spill files are left: %v", left)
				}
				for i := range 12 {
					again += store.Requests(fmt.Sprintf("o%02d", i)) - 1
				}
			}
		}
	}
	if again == 0 {
		t.Error("no object was read a second time")
	}
}

func TestObjectsAreOpenedWhenTheMergeReachesTheirBounds(t *testing.T) {
	var lines []string
	for i := range 100 {
		lines = append(lines, fmt.Sprintf("o%02d %d:%d", i, i*100, i*100))
	}
	cfg, store := setup(t, strings.Join(lines, "\n"), Rules{To: seconds("100000")}, nil)
	m := New(t.Context(), cfg)
	defer m.Close()
	if _, err := m.Next(t.Context(), make([]Item, 4)); err != nil {
		t.Fatal(err)
	}
	opened := 0
	for i := range 100 {
		opened += store.Requests(fmt.Sprintf("o%02d", i))
	}
	if most := 3 + cfg.Workers*(wantedPerWorker+1); opened > most {
		t.Errorf("%d objects were opened for the first two, at most %d should be", opened, most)
	}
}

func TestErrorsOfTheStoreEndTheMergeAndNameTheObject(t *testing.T) {
	cfg, store := setup(t, "a: 1\nb 50: 60\nc 100: 120", Rules{To: seconds("1000")}, nil)
	store.Remove("b")
	got, err := merged(t, cfg, 1)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "b") || got != "1@a |a" {
		t.Errorf("after %q: %v", got, err)
	}
	if store.Unclosed() != 0 {
		t.Errorf("%d bodies are open", store.Unclosed())
	}
}

func TestSpillingNamesTheObjectWhenTheFolderIsNone(t *testing.T) {
	cfg, _ := setup(t, random(rand.New(rand.NewPCG(1, 1)), 3), Rules{To: seconds("1000")}, func(c *Config) {
		c.Memory, c.Step = 0, 600
		c.Shelf.Folder += "/file"
		if err := os.WriteFile(c.Shelf.Folder, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := merged(t, cfg, 10); !errors.Is(err, syscall.ENOTDIR) || !strings.Contains(err.Error(), "spill object o") {
		t.Errorf("got %v", err)
	}
}

func TestSpillFilesTakeNoMoreThanTheyMay(t *testing.T) {
	script := random(rand.New(rand.NewPCG(1, 1)), 12)
	little := func(c *Config) { c.Memory, c.Step, c.Shelf.Limit = 0, 600, 2_000 }
	cfg, _ := setup(t, script, Rules{To: seconds("1000")}, little)
	if _, err := merged(t, cfg, 10); err == nil || !strings.Contains(err.Error(), "limits.spill_size") {
		t.Errorf("got %v", err)
	}
	cfg, _ = setup(t, script, Rules{To: seconds("1000")}, func(c *Config) { c.Memory, c.Step = 0, 600 })
	m := New(t.Context(), cfg)
	items := make([]Item, 100)
	for err := error(nil); err == nil; {
		_, err = m.Next(t.Context(), items)
	}
	m.Close()
	if u := cfg.Shelf.Use(); u != (shelf.Use{}) {
		t.Errorf("still in use: %+v", u)
	}
}

func TestManySmallRunsHoldNoMoreThanTheBudget(t *testing.T) {
	var lines []string
	for i := range 200 {
		lines = append(lines, fmt.Sprintf("o%03d 0:%d 500", i, i))
	}
	cfg, _ := setup(t, strings.Join(lines, "\n"), Rules{To: seconds("1000")}, func(c *Config) { c.Memory = 20_000 })
	m := New(t.Context(), cfg)
	defer m.Close()
	items := make([]Item, 150) // the last of them opens all objects
	for n := 0; n < len(items); {
		more, err := m.Next(t.Context(), items[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += more
	}
	held, runs := 0, 0
	for _, l := range m.heap {
		r, ok := l.run.(*resident)
		if !ok {
			continue
		}
		runs++
		held += r.entries.size * entrySize
		for _, page := range r.pages {
			held += cap(page)
		}
	}
	if runs == 0 || runs == len(m.heap) || held > 20_000 {
		t.Errorf("%d of %d runs are in memory and hold %d bytes", runs, len(m.heap), held)
	}
}
