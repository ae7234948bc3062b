package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"replayd/archive"
	"replayd/archive/format"
)

// hazard is a line of the tables in docs/reliability.md: an input, what happens to it, the exit code of replayd run, and
// where the receipt counts it. TestTheTablesOfBadInputAreThoseOfTheTests finds every row in the source of the tests.
type hazard struct {
	input, happens string
	exit           int
	counted        string // a counter of the receipt, or why there is none
}

// nested is an event of the second after noon with objects and arrays so deep, itself included.
func nested(depth int) string {
	return `{"id":"deep","t":"2026-11-01T12:00:01Z","d":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}`
}

// sized is an event of a second after noon that makes a record of so many bytes.
func sized(second, record int) string {
	e := event("s", second)
	pad := record - archive.HeaderReserve - len(`s`) - len(e) - len(`,"p":""`)
	return strings.TrimSuffix(e, "}") + `,"p":"` + strings.Repeat("p", pad) + `"}`
}

// bomb is an object of some kilobytes that holds an event, and behind it more than is believed of it.
func bomb(good string) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(append([]byte(good), bytes.Repeat([]byte("x"), format.FreeExpansion)...), nil)
}

func TestOddEventsAreReplayedAsTheyAre(t *testing.T) {
	t.Parallel()
	at := func(seconds int64) string { return strconv.FormatInt(1793534400+seconds, 10) } // noon
	timed := func(id, time string) string { return fmt.Sprintf(`{"id":"%s","t":%s}`, id, time) }
	times := []string{
		timed("s", at(1)), timed("s.", at(2)+".5"), timed("ms", at(3)+"250"), timed("us", at(4)+"000001"),
		timed("ns", at(5)+"000000001"), timed("text", `"`+at(6)+`"`), timed("RFC", `"2026-11-01T12:00:07Z"`), timed("zone", `"2026-11-01T14:00:08+02:00"`),
	}
	shuffled := slices.Clone(times)
	slices.Reverse(shuffled)
	for _, c := range []struct {
		hazard
		values []string // as they stand in the object, all of which come out
		order  []string // if it is another
		ids    []string
	}{
		{
			hazard{"JSON nested 10,000 deep", "produced, byte for byte", 0, "produced"},
			[]string{nested(10_000)},
			nil,
			[]string{"deep"},
		},
		{
			hazard{"one name twice in a JSON object", "produced, byte for byte; id, time and key are the last ones", 0, "produced"},
			[]string{`{"id":"first","id":"last","t":"2026-11-01T23:00:00Z","t":"2026-11-01T12:00:01Z"}`, event("b", 2)},
			nil,
			[]string{"last", "b"},
		},
		{
			hazard{"bytes in a string that are no UTF-8", "produced, byte for byte; in an id, so stands the id in its header", 0, "produced"},
			[]string{"{\"id\":\"a\",\"t\":\"2026-11-01T12:00:01Z\",\"v\":\"caf\xe9\xff\"}", event("b\xe9", 2), event("b\xe8", 3)},
			nil,
			[]string{"a", "b\xe9", "b\xe8"},
		},
		{
			hazard{"times in s, ms, µs, ns and as text in one object", "produced in the order of the instants", 0, "produced"},
			shuffled, times,
			[]string{"s", "s.", "ms", "us", "ns", "text", "RFC", "zone"},
		},
		{
			hazard{"an event of exactly the limit", "produced", 0, "produced"},
			[]string{sized(1, 32<<10)},
			nil,
			[]string{"s"},
		},
		{
			hazard{"an object of one event", "produced", 0, "produced"},
			[]string{event("a", 1)},
			nil,
			[]string{"a"},
		},
	} {
		t.Run(c.input, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.put("o", []byte(strings.Join(c.values, "")))
			config := b.config("limits: {event_size: 32KiB}\n")
			r := b.run(b.what("--config", config, "--topic", "x", "--create-topic", "--partitions", "1")...).want(c.exit)
			b.counted(r, c.hazard, len(c.values))
			want := c.values
			if c.order != nil {
				want = c.order
			}
			if got := b.values("x"); !slices.Equal(got, want) {
				t.Errorf("the topic holds %.300q", got)
			}
			ids := []string{}
			for _, r := range b.consume("x") {
				ids = append(ids, tag(r, "replay-event-id"))
			}
			if !slices.Equal(ids, c.ids) {
				t.Errorf("the ids are %q, want %q", ids, c.ids)
			}
		})
	}
}

// counted checks that the receipt counts n where the row says.
func (b *bench) counted(r *result, w hazard, n int) {
	b.t.Helper()
	list := r.lines("receipt")
	r.receipt() // balances
	var at any = list[0]
	for name := range strings.SplitSeq(w.counted, ".") {
		m, _ := at.(map[string]any)
		at = m[name]
	}
	if at != float64(n) {
		b.t.Errorf("%s: the receipt's %s is %v, want %d", w.input, w.counted, at, n)
	}
}

// TestNamesOfObjectsCannotSpeakToTheTerminal has a bad entry in an object whose name is a message of its own.
func TestNamesOfObjectsCannotSpeakToTheTerminal(t *testing.T) {
	t.Parallel()
	w := hazard{"line feeds and escape sequences in the name of an object", "read like others; its name is quoted wherever it is printed", 3, "quarantined_by.json"}
	b := newBench(t)
	const name = "a\x1b[2J\nreplayd: all is well"
	b.put(name, []byte(event("a", 1)+"rubbish"))
	r := b.run(b.what("--topic", "x", "--create-topic")...).want(w.exit, `"a\x1b[2J\nreplayd: all is well" at byte 37: json`)
	b.counted(r, w, 1)
	if text := r.err.String(); strings.Contains(text, "\x1b") || strings.Contains(text, "\nreplayd: all is well") {
		t.Errorf("the terminal obeys it:\n%q", text)
	}
	if q := b.quarantine(); len(q) != 1 || q[0].Object != name {
		t.Errorf("the quarantine holds %+v", q)
	}
	b.put(name, []byte("BZh91AY&SY..."))
	r = b.run(b.what("--topic", "y", "--create-topic")...).want(exitFailed, `\x1b[2J`)
	if strings.Contains(r.err.String(), "\x1b") {
		t.Errorf("the terminal obeys it:\n%q", r.err.String())
	}
}

// TestNothingOutsideTheFolderIsRead links out of it, to a folder and to a file.
func TestNothingOutsideTheFolderIsRead(t *testing.T) {
	t.Parallel()
	w := hazard{"a link that leads out of the archive's folder", "the replay fails and names the link; what is outside is not read", 1, "nothing is produced"}
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "o"), []byte(event("outside", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{outside, filepath.Join(outside, "o"), "../../../../../../../../../../" + outside + "/o"} {
		b := newBench(t)
		b.put("a", []byte(event("a", 1)))
		link := filepath.Join(b.folder, "b")
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		r := b.run(b.what("--topic", "x", "--create-topic", "--id", "linked")...).want(w.exit, link, "leads out of the archive's folder", "Continue with: replayd run --id linked")
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
		b.told(r.next()).want(exitOK)
		if got := b.values("x"); !slices.Equal(got, []string{event("a", 1)}) {
			t.Errorf("the topic holds %q", got)
		}
	}
}

// TestAClockThatIsSetBetweenSessionsChangesNothing continues a replay a year before, and a year after, it was begun.
func TestAClockThatIsSetBetweenSessionsChangesNothing(t *testing.T) {
	t.Parallel()
	w := hazard{"a clock that is set back or forward between two sessions", "continued as if it had not been: what hours were complete is frozen", 0, "produced"}
	for _, years := range []int{-1, 1} {
		b := newBench(t)
		b.mostlyGood("o", 1200)
		r := b.run(b.what("--format", "jsonl", "--topic", "x", "--create-topic", "--id", "clock", "--pace", "unlimited")...).want(exitFailed)
		b.now = b.now.AddDate(years, 0, 0)
		receipt := b.told(r.next() + " --max-bad 20% --quarantine-ok").want(w.exit).receipt()
		if receipt.Produced != 1200 || receipt.Sessions != 2 || receipt.ElapsedSeconds < 0 || len(receipt.OpenHours) > 0 {
			t.Errorf("produced %d in %d sessions of %g s, open hours %v", receipt.Produced, receipt.Sessions, receipt.ElapsedSeconds, receipt.OpenHours)
		}
	}
}
