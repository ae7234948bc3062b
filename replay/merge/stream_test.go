package merge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"replayd/archive"
	"replayd/archive/archivetest"
	"replayd/archive/format"
)

// counting is a script of n objects in order, of so many words each, whose times lie between one another's.
func counting(n, words int) string {
	var lines []string
	for o := range n {
		var text []string
		for i := range words {
			text = append(text, strconv.Itoa(i*n+o))
		}
		lines = append(lines, fmt.Sprintf("o%02d 0:%s", o, strings.Join(text, " ")))
	}
	return strings.Join(lines, "\n")
}

// streaming lets nothing be kept in memory and as many objects be read a second time as are to be.
func streaming(streams int) func(*Config) {
	return func(c *Config) { c.Memory, c.Step, c.Streams = 0, 600, Room{streams, 1 << 30} }
}

// requests are those for all objects of counting or random.
func requests(store *archivetest.Faulty, n int) int {
	all := 0
	for i := range n {
		all += store.Requests(fmt.Sprintf("o%02d", i))
	}
	return all
}

func TestObjectsInOrderAreReadASecondTimeAndNotSpilled(t *testing.T) {
	for streams, again := range map[int]int{0: 0, 3: 3, 8: 8, 100: 8} {
		script := counting(8, 300)
		cfg, _ := setup(t, script, Rules{To: seconds("10000")}, nil)
		want, err := merged(t, cfg, 64)
		if err != nil {
			t.Fatal(err)
		}
		cfg, store := setup(t, script, Rules{To: seconds("10000")}, streaming(streams))
		m := New(t.Context(), cfg)
		got, files, err := drain(m)
		if err != nil || got != want {
			t.Errorf("%d streams: %v\n got %s\nwant %s", streams, err, got, want)
		}
		if n := requests(store, 8); n != 8+again {
			t.Errorf("%d streams: 8 objects were opened %d times", streams, n)
		}
		if spilled := files > 0; spilled != (again < 8) {
			t.Errorf("%d streams: %d files were open", streams, files)
		}
		m.Close()
		if places, bytes := m.streams.places.left.Load(), m.streams.bytes.left.Load(); places != int64(streams) || bytes != cfg.Streams.Bytes {
			t.Errorf("of %d streams with %d bytes together %d and %d came back", streams, cfg.Streams.Bytes, places, bytes)
		}
		if store.Unclosed() > 0 {
			t.Errorf("%d bodies are open", store.Unclosed())
		}
	}
}

func TestStreamsTakeNoMoreMemoryThanTheyMay(t *testing.T) {
	cfg, store := setup(t, counting(8, 300), Rules{To: seconds("10000")}, func(c *Config) {
		streaming(100)(c)
		c.Streams.Bytes = 3*StreamSize - 1
	})
	if _, err := merged(t, cfg, 64); err != nil {
		t.Fatal(err)
	}
	if n := requests(store, 8); n != 8+2 {
		t.Errorf("8 objects were opened %d times", n)
	}
}

// holding is a decoder that says how much it holds.
type holding struct {
	plain
	holds  int64
	open   *atomic.Int64
	frugal *atomic.Int64
}

func (h holding) Frugal()      { h.frugal.Add(1) }
func (h holding) Holds() int64 { return h.holds }
func (h holding) Close()       { h.open.Add(-1) }

func TestObjectsWhoseDecodersHoldTooMuchAreSpilled(t *testing.T) {
	for holds, again := range map[int64]int{1000: 1, 1001: 0} {
		var open, frugal atomic.Int64
		cfg, store := setup(t, counting(1, 300), Rules{To: seconds("10000")}, func(c *Config) {
			streaming(1)(c)
			c.Streams.Bytes = StreamSize + 1000
			c.Source.Decoder = func() archive.Decoder {
				open.Add(1)
				return holding{holds: holds, open: &open, frugal: &frugal}
			}
		})
		if _, err := merged(t, cfg, 64); err != nil {
			t.Fatal(err)
		}
		if n := requests(store, 1); n != 1+again {
			t.Errorf("decoders that hold %d: opened %d times", holds, n)
		}
		if n := open.Load(); n != 0 {
			t.Errorf("%d decoders are open", n)
		}
		if n := frugal.Load(); n != int64(again) {
			t.Errorf("%d of %d decoders of streams are frugal", n, again)
		}
	}
}

// thrifty is a store that counts the bodies that are to keep little on their way.
type thrifty struct {
	*archivetest.Faulty
	frugally atomic.Int64
}

func (s *thrifty) OpenFrugally(ctx context.Context, o archive.Object, offset int64) (io.ReadCloser, error) {
	s.frugally.Add(1)
	return s.Open(ctx, o, offset)
}

func TestWhatIsReadASecondTimeKeepsLittleOnItsWay(t *testing.T) {
	store := &thrifty{}
	cfg, faulty := setup(t, counting(8, 300), Rules{To: seconds("10000")}, func(c *Config) {
		streaming(3)(c)
		c.Streams.Bytes = 3 * StreamSize
	})
	store.Faulty = faulty
	cfg.Fetcher.Store = store
	if _, err := merged(t, cfg, 64); err != nil {
		t.Fatal(err)
	}
	if again := int64(requests(faulty, 8) - 8); again == 0 || store.frugally.Load() != again {
		t.Errorf("of %d bodies that were opened again %d keep little", again, store.frugally.Load())
	}
}

// TestObjectsWithLongEventsTakeMoreMemoryOrAreSpilled has a long event at the end, when most of the object has been let go.
func TestObjectsWithLongEventsTakeMoreMemoryOrAreSpilled(t *testing.T) {
	const long = 50_000
	script := counting(1, 300) + " " + strings.Repeat("0", long-4) + "9000"
	for _, more := range []int64{-1, 0} {
		cfg, store := setup(t, script, Rules{To: seconds("10000")}, func(c *Config) {
			streaming(1)(c)
			c.Streams.Bytes = streamSize(0, long) + more
		})
		m := New(t.Context(), cfg)
		_, files, err := drain(m)
		m.Close()
		if err != nil || requests(store, 1) != 2 || (files > 0) != (more < 0) {
			t.Errorf("%d bytes more: opened %d times, %d files, %v", more, requests(store, 1), files, err)
		}
		if left := m.streams.bytes.left.Load(); left != cfg.Streams.Bytes {
			t.Errorf("%d bytes are left of %d", left, cfg.Streams.Bytes)
		}
	}
}

// TestAnObjectThatProvesToBeOutOfOrderIsReadAgainAndSpilled has its one step back behind all that fits.
func TestAnObjectThatProvesToBeOutOfOrderIsReadAgainAndSpilled(t *testing.T) {
	script := counting(1, 300) + " 7"
	cfg, _ := setup(t, script, Rules{To: seconds("10000"), Lateness: seconds("1000")}, nil)
	want, err := merged(t, cfg, 64)
	if err != nil {
		t.Fatal(err)
	}
	cfg, store := setup(t, script, Rules{To: seconds("10000"), Lateness: seconds("1000")}, streaming(1))
	m := New(t.Context(), cfg)
	defer m.Close()
	got, files, err := drain(m)
	if err != nil || got != want {
		t.Errorf("%v\n got %s\nwant %s", err, got, want)
	}
	if n := requests(store, 1); n != 2 || files == 0 {
		t.Errorf("opened %d times, %d files", n, files)
	}
	if left := m.streams.places.left.Load(); left != 1 {
		t.Errorf("%d streams may be begun", left)
	}
}

func TestErrorsOfTheSecondReadingNameTheObject(t *testing.T) {
	for _, cause := range []error{fs.ErrNotExist, archive.ErrChanged} {
		cfg, store := setup(t, counting(2, 300), Rules{To: seconds("10000")}, streaming(2))
		store.Script(func(r archivetest.Request) archivetest.Fault {
			if r.Key == "o01" && r.Number == 2 {
				return archivetest.Fault{Err: cause}
			}
			return archivetest.Fault{}
		})
		if _, err := merged(t, cfg, 10); !errors.Is(err, cause) || !strings.Contains(err.Error(), "read object o01") {
			t.Errorf("got %v", err)
		}
		if store.Unclosed() != 0 {
			t.Errorf("%d bodies are open", store.Unclosed())
		}
	}
}

// jsonLines makes a merge of one object of n lines, a second apart, of 1,000 bytes each.
func jsonLines(t *testing.T, n int) (Config, *archivetest.Faulty) {
	t.Helper()
	cfg, store := setup(t, "a 0:", Rules{To: seconds("1000000")}, streaming(1))
	var text strings.Builder
	for i := range n {
		line := fmt.Sprintf(`{"id":"%d","t":%d,"p":"`, i, i)
		text.WriteString(line + strings.Repeat("p", 1000-len(line)-3) + "\"}\n")
	}
	store.Put("a", []byte(text.String()))
	cfg.Feed = &feed{hours: [][]*Object{{{Object: store.Object("a"), BadInWindow: true}}}}
	cfg.Source.Format, cfg.Source.Decoder = format.Lines{}, func() archive.Decoder { return &format.Decoder{} }
	cfg.Fields, cfg.Limits = archive.Fields{ID: "/id", Time: "/t"}, archive.Limits{Event: 1 << 20}
	return cfg, store
}

// TestWhatWasReadIsHandedOutWhileAStreamStalls lets the second reading come to a halt in the middle.
func TestWhatWasReadIsHandedOutWhileAStreamStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, store := jsonLines(t, 200)
		store.Script(func(r archivetest.Request) archivetest.Fault {
			if r.Number == 2 {
				return archivetest.Fault{After: 100_000, Stall: true}
			}
			return archivetest.Fault{}
		})
		m := New(t.Context(), cfg)
		defer m.Close()
		items, began, at := make([]Item, 300), time.Now(), 0
		for {
			n, err := m.Next(t.Context(), items)
			for i := range items[:n] {
				if it := &items[i]; it.Kind == Event && string(it.ID) != strconv.Itoa(at+i) {
					t.Fatalf("item %d is event %s", at+i, it.ID)
				}
			}
			if waited := time.Since(began); n > 0 && at < 60 && waited > 0 {
				t.Errorf("item %d came only after %s", at, waited)
			}
			if at += n; errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // until all is read that comes
		}
		if at != 201 {
			t.Errorf("%d items", at)
		}
		if time.Since(began) == 0 {
			t.Error("nothing stalled")
		}
	})
}

func TestAMergeThatIsClosedEndsItsStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, store := jsonLines(t, 200)
		m := New(t.Context(), cfg)
		if _, err := m.Next(t.Context(), make([]Item, 1)); err != nil {
			t.Fatal(err)
		}
		if store.Unclosed() != 1 {
			t.Errorf("%d bodies are open in the middle", store.Unclosed())
		}
		m.Close() // the bubble would not end with a goroutine left
		if store.Unclosed() != 0 || m.streams.places.left.Load() != 1 {
			t.Errorf("%d bodies are open, %d streams may be begun", store.Unclosed(), m.streams.places.left.Load())
		}
	})
}

// TestTheFewEventsOfTheWindowAreMovedOutOfTheirSlabs has one of a hundred events in the window: beside what is outside of it
// they fit, and the object is read once.
func TestTheFewEventsOfTheWindowAreMovedOutOfTheirSlabs(t *testing.T) {
	cfg, store := jsonLines(t, 3000)
	var text strings.Builder
	for i := range 3000 {
		line := fmt.Sprintf(`{"id":"%d","t":%d,"p":"`, i, i)
		if i%100 > 0 {
			line = fmt.Sprintf(`{"id":"%d","t":5000000,"p":"`, i)
		}
		text.WriteString(line + strings.Repeat("p", 1000-len(line)-3) + "\"}\n")
	}
	store.Put("a", []byte(text.String()))
	cfg.Feed = &feed{hours: [][]*Object{{{Object: store.Object("a")}}}}
	cfg.Memory, cfg.Step = 64_000, 16_000
	m := New(t.Context(), cfg)
	defer m.Close()
	items, at := make([]Item, 7), 0
	var kept []Item
	for {
		n, err := m.Next(t.Context(), items)
		for _, it := range items[:n] {
			if it.Kind == Event {
				kept = append(kept, it)
			}
		}
		if at += n; errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range kept {
		if it := &kept[i]; string(it.ID) != strconv.Itoa(100*i) || len(it.Value) != 999 || !strings.HasPrefix(string(it.Value), fmt.Sprintf(`{"id":"%d",`, 100*i)) {
			t.Errorf("event %d is %s: %.30s", i, it.ID, it.Value)
		}
	}
	if len(kept) != 30 || store.Requests("a") != 1 || cfg.Shelf.Use().Bytes > 0 {
		t.Errorf("%d events; the object was opened %d times, %d bytes were spilled", len(kept), store.Requests("a"), cfg.Shelf.Use().Bytes)
	}
}
