package merge

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"replayd/archive"
	"replayd/replay/shelf"
)

// TestEverySizeOfPartsAndVolumesGivesTheSame spills all, in parts that hold one entry, a few, and all of them, into volumes that
// hold one part, a few, and all of them. What nobody needs any more gives its bytes back while the merge goes on.
func TestEverySizeOfPartsAndVolumesGivesTheSame(t *testing.T) {
	rules := Rules{To: seconds("1000"), Lateness: seconds("20")}
	for seed := range uint64(10) {
		script := random(rand.New(rand.NewPCG(seed, 7)), 20)
		cfg, _ := setup(t, script, rules, nil)
		want, err := merged(t, cfg, 64)
		if err != nil {
			t.Fatal(err)
		}
		for i, each := range []int64{1, 3_000, 64 << 20} {
			part := []int64{1, 300, 0}[(i+int(seed))%3]
			cfg, _ := setup(t, script, rules, func(c *Config) { c.Memory, c.Step, c.Part, c.Shelf.Volume = 0, 600, part, each })
			m := New(t.Context(), cfg)
			got, most, err := drain(m)
			if err != nil || got != want {
				t.Errorf("seed %d, parts of %d, volumes of %d: %v\n got %s\nwant %s", seed, part, each, err, got, want)
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
		if row := r.entries.rows[0]; cap(row) != len(row) {
			t.Errorf("%s has room for %d entries and holds %d", r.of.Key, cap(row), len(row))
		}
	}
}

// TestPartsComeBackFromTheDiskAsTheyWere packs entries into blocks that hold one, some and all of them.
func TestPartsComeBackFromTheDiskAsTheyWere(t *testing.T) {
	data := pages{[]byte(strings.Repeat("0123456789", 500))}
	entries := []entry{
		{
			time: 1, eventTime: -2, delay: 3, offset: 4, length: 5, idHash: archive.Hash{Hi: 7, Lo: 8}, sum: archive.Hash{Hi: 9, Lo: 10}, body: 11,
			value: ref{at: 100, n: 3000}, text: ref{at: 50, n: 30}, key: 10, id: 20, index: 12, flags: Late | NoID, slackShort: true, filter: Unjudged,
		},
		{time: 2, offset: 4, index: 13, key: 0, id: -1, value: ref{at: 7, n: 1}},
		{time: 2, offset: 5, kind: Bad, key: -1, id: -1, value: ref{at: 1, n: 4}, text: ref{at: 5, n: 6}},
		{time: 2, offset: 6, kind: End, outside: 6, index: archive.EndIndex, key: -1, id: -1},
	}
	for _, size := range []int{1, 300, 1 << 20} {
		s := newSpill(shelf.New(shelf.Options{Folder: t.TempDir(), Limit: 1 << 20}))
		s.block = size
		for range 2 { // a press is used again
			if err := s.write(newPress(1<<20), tableOf(entries), data); err != nil {
				t.Fatal(err)
			}
		}
		o := &Object{}
		run, err := s.run(o, newDesk(0))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2 * len(entries) {
			var got, want Item
			if err := run.item(&got); err != nil {
				t.Fatal(err)
			}
			entries[i/2].item(&want, o, data)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("blocks of %d: entry %d\n got %+v\nwant %+v", size, i/2, got, want)
			}
			if err := run.next(); err != nil {
				t.Fatal(err)
			}
		}
		if run.head() != nil {
			t.Errorf("blocks of %d: there are more entries", size)
		}
	}
}

func tableOf(entries []entry) (t table) {
	for i := range entries {
		t.add(&entries[i])
	}
	return t
}

func TestWhatIsSpilledIsCompressed(t *testing.T) {
	value := []byte(`{"event_id":"0193","type":"card.authorised","data":{"account_id":1234,"amount":"12.00","currency":"BRL"}}`)
	var entries []entry
	for i := range 1000 {
		entries = append(entries, entry{time: int64(i), offset: int64(i), value: ref{n: int32(len(value))}, key: -1, id: -1})
	}
	s := newSpill(shelf.New(shelf.Options{Folder: t.TempDir(), Limit: 1 << 20, Buffers: 1 << 20}))
	if err := s.write(newPress(1<<20), tableOf(entries), pages{value}); err != nil {
		t.Fatal(err)
	}
	raw := int64(len(entries) * (headSize + len(value)))
	if stored := s.parts[0].Size(); stored > raw/4 {
		t.Errorf("%d bytes take %d on disk", raw, stored)
	}
}

// TestALargeRunIsPackedInSmallParts spills a run of 64 parts, and then one with an entry that is longer than many.
func TestALargeRunIsPackedInSmallParts(t *testing.T) {
	const part, length = 64 << 10, 4 << 10
	noise := make([]byte, 4<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	var run table
	for at := 0; at < len(noise); at += length {
		run.add(&entry{time: int64(len(noise) - at), offset: int64(at), value: ref{at: uint32(at), n: length}, key: -1, id: -1})
	}
	s := newSpill(shelf.New(shelf.Options{Folder: t.TempDir(), Limit: 1 << 30, Buffers: 1 << 20}))
	w := newPress(part)
	if err := s.write(w, run, pages{noise}); err != nil {
		t.Fatal(err)
	}
	if n := len(s.parts); n < len(noise)/part*2/3 || n > len(noise)/part {
		t.Errorf("4 MiB are %d parts", n)
	}
	if held := int64(cap(w.packed) + cap(w.block)); held > PressSize(part) {
		t.Errorf("the press holds %d bytes and may hold %d", held, PressSize(part))
	}
	run = tableOf([]entry{{value: ref{n: int32(len(noise))}, key: -1, id: -1}})
	if err := s.write(w, run, pages{noise}); err != nil {
		t.Fatal(err)
	}
	if held := int64(cap(w.packed) + cap(w.block)); held > PressSize(part) {
		t.Errorf("behind a long entry the press holds %d bytes", held)
	}
}

// TestPartsThatOverlapHaveSmallerBlocks spills an object without any order: all of its parts are read at the same time.
func TestPartsThatOverlapHaveSmallerBlocks(t *testing.T) {
	s := newSpill(shelf.New(shelf.Options{Folder: t.TempDir(), Limit: 1 << 20, Buffers: 1 << 20}))
	total := 0
	for range 1000 {
		total += s.blockOf(0)
		s.lasts = append(s.lasts, 1)
	}
	if total > 2<<20 {
		t.Errorf("1,000 parts of one run have blocks of %d bytes together", total)
	}
	if n := s.blockOf(2); n != s.block {
		t.Errorf("a part behind all of them has blocks of %d bytes", n)
	}
}
