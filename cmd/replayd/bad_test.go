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

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"replayd/archive"
	"replayd/replay"
)

// event is an event of the second after noon.
func event(id string, second int) string {
	return fmt.Sprintf(`{"id":"%s","t":"2026-11-01T12:00:%02dZ"}`, id, second)
}

func gzipped(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.Bytes()
}

func zstded(text string) []byte {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderCRC(true))
	if err != nil {
		panic(err)
	}
	return w.EncodeAll([]byte(text), nil)
}

// flipped is data with the byte at i changed; from the end when i is below zero.
func flipped(data []byte, i int) []byte {
	data = slices.Clone(data)
	data[(i+len(data))%len(data)] ^= 0x55
	return data
}

// spot is where something bad stands, and why.
type spot struct {
	object string
	from   int64
	reason string
}

// badBytes are objects that hold something bad, with what comes out of them all the same. Their names and reasons stand in
// docs/reliability.md.
func badBytes() []badObject {
	a, b, c := event("a", 1), event("b", 2), event("c", 3)
	inner := `{"id":"inner","t":"2026-11-01T12:00:09Z"}`
	at := func(s ...string) int64 { return int64(len(strings.Join(s, ""))) }
	long := event(strings.Repeat("x", 40_000), 4)
	return []badObject{
		{"gzip cut off", "json", slices.Concat(gzipped(a+b), gzipped(c)[:20]), []string{a, b}, []spot{{"o", at(a, b), archive.BadCodec}}},
		{"gzip cut off inside its header", "json", slices.Concat(gzipped(a+b), gzipped(c)[:6]), []string{a, b}, []spot{{"o", at(a, b), archive.BadCodec}}},
		{"gzip with a wrong checksum", "json", flipped(gzipped(a+b), -6), []string{a, b}, []spot{{"o", at(a, b), archive.BadCodec}}},
		{"gzip with rubbish behind it", "json", append(gzipped(a+b), "rubbish"...), []string{a, b}, []spot{{"o", at(a, b), archive.BadCodec}}},
		{"gzip that is none but its magic", "json", []byte("\x1f\x8bno"), nil, []spot{{"o", 0, archive.BadCodec}}},
		{"zstd cut off", "json", slices.Concat(zstded(a+b), zstded(c)[:12]), []string{a, b}, []spot{{"o", at(a, b), archive.BadCodec}}},
		{"zstd with a wrong checksum", "json", flipped(zstded(a+b), -1), []string{a, b}, []spot{{"o", at(a, b), archive.BadCodec}}},

		{"rubbish between JSON objects", "json", []byte(a + "rubbish" + b), []string{a, b}, []spot{{"o", at(a), archive.BadJSON}}},
		{"rubbish between lines", "jsonl", []byte(a + "\nrubbish\n" + b + "\n"), []string{a, b}, []spot{{"o", at(a) + 1, archive.BadJSON}}},
		{"a broken JSON object that holds a whole one", "json", []byte(a + `{"id":"o","t":"2026-11-01T12:00:01Z","in":` + inner + b + c), []string{a, b, c}, []spot{{"o", at(a), archive.BadJSON}}},
		{"a broken line that holds a whole JSON object", "jsonl", []byte(a + "\n" + `{"id":"o","in":` + inner + "\n" + b + "\n"), []string{a, b}, []spot{{"o", at(a) + 1, archive.BadJSON}}},
		{"a value that is no JSON object", "jsonl", []byte(a + "\n42\n" + b), []string{a, b}, []spot{{"o", at(a) + 1, archive.BadJSON}}},
		{"the last JSON object cut off", "json", []byte(a + b[:20]), []string{a}, []spot{{"o", at(a), archive.BadJSON}}},

		{"no time", "json", []byte(a + `{"id":"x"}` + b), []string{a, b}, []spot{{"o", at(a), archive.BadTime}}},
		{"a time that is null", "json", []byte(a + `{"id":"x","t":null}` + b), []string{a, b}, []spot{{"o", at(a), archive.BadTime}}},
		{"a time that is none", "json", []byte(a + `{"id":"x","t":"noon"}` + b), []string{a, b}, []spot{{"o", at(a), archive.BadTime}}},
		{"a time below zero", "json", []byte(a + `{"id":"x","t":-5}` + b), []string{a, b}, []spot{{"o", at(a), archive.BadTime}}},
		{"a time in the year 9999", "json", []byte(a + `{"id":"x","t":"9999-12-31T23:59:59Z"}` + b), []string{a, b}, []spot{{"o", at(a), archive.BadTime}}},
		{"a time in 1969", "json", []byte(a + `{"id":"x","t":"1969-12-31T23:59:59Z"}` + b), []string{a, b}, []spot{{"o", at(a), archive.BadTime}}},

		{"JSON nested 10,001 deep", "json", []byte(a + nested(10_001) + b), []string{a, b}, []spot{{"o", at(a), archive.BadJSON}}},
		{"an event one byte over the limit", "json", []byte(a + sized(1, 32<<10+1) + b), []string{a, b}, []spot{{"o", at(a), archive.BadOversized}}},
		{"an event over the limit", "json", []byte(a + long + b), []string{a, b}, []spot{{"o", at(a), archive.BadOversized}}},
		{"a line over the limit", "jsonl", []byte(a + "\n" + long + "\n" + b), []string{a, b}, []spot{{"o", at(a) + 1, archive.BadOversized}}},

		{"a decompression bomb", "json", bomb(a), []string{a}, []spot{{"o", at(a), archive.BadCodec}}},
	}
}

// badObject is an object with something bad in it.
type badObject struct {
	name   string
	format string
	object []byte
	want   []string
	bad    []spot
}

func TestBadBytesAreQuarantinedWithTheirAddressAndNothingElseIsLost(t *testing.T) {
	t.Parallel()
	for _, x := range badBytes() {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			bench := newBench(t)
			bench.put("o", x.object)
			config := bench.config("limits: {event_size: 32KiB}\n")
			r := bench.run(bench.what("--config", config, "--id", "bad", "--topic", "x", "--create-topic", "--format", x.format)...)
			r.want(exitQuarantined, "--quarantine-ok")
			if list := bench.told(r.after("address and reason: ")).want(exitOK).lines("quarantined"); len(list) != len(x.bad) {
				t.Errorf("the command that was printed lists %d entries, want %d", len(list), len(x.bad))
			}
			if got := bench.values("x"); !slices.Equal(got, append([]string{}, x.want...)) {
				t.Errorf("the topic holds %q, want %q", got, x.want)
			}
			bench.wantBad(r, x.bad)
		})
	}
}

// config writes a configuration file.
func (b *bench) config(text string) string {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), "replayd.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}

// wantBad checks that the bad spots stand in the quarantine, in the receipt and on stderr, and no others.
func (b *bench) wantBad(r *result, want []spot) {
	b.t.Helper()
	by := map[string]int64{}
	got := []spot{}
	for _, q := range b.quarantine() {
		got = append(got, spot{q.Object, q.Range[0], q.Reason})
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("quarantined are %v, want %v", got, want)
	}
	for _, s := range want {
		by[s.reason]++
		if line := s.object + " at byte " + strconv.FormatInt(s.from, 10) + ": " + s.reason; !strings.Contains(r.err.String(), line) {
			b.t.Errorf("stderr does not say %q:\n%s", line, r.err.String())
		}
	}
	receipt := r.receipt()
	if receipt.Quarantined != int64(len(want)) || fmt.Sprint(receipt.QuarantinedBy) != fmt.Sprint(by) {
		b.t.Errorf("the receipt counts %v", receipt.QuarantinedBy)
	}
}

func TestIdsOfEveryKind(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	huge := strings.Repeat("h", 50_000)
	values := []string{
		`{"t":"2026-11-01T12:00:01Z","n":1}`, `{"t":"2026-11-01T12:00:01Z","n":1}`, // without an id no two are copies
		`{"id":"","t":"2026-11-01T12:00:02Z"}`, `{"id":null,"t":"2026-11-01T12:00:03Z"}`, `{"id":{"a":1},"t":"2026-11-01T12:00:04Z"}`,
		`{"id":7,"t":"2026-11-01T12:00:05Z"}`, `{"id":7,"t":"2026-11-01T12:00:05Z"}`, // copies
		`{"id":123456789012345678901234567890,"t":"2026-11-01T12:00:06Z"}`,
		event(huge, 7), event(huge, 7), // copies
	}
	b.put("o", []byte(strings.Join(values, "\n")))
	none := hazard{"an id that is missing, empty, null or a JSON object", "produced with flag `no-id`; no two are copies", 0, "no_id"}
	long := hazard{"ids of 50,000 bytes, and numbers beyond 64 bits", "produced, with the whole id; copies are found", 0, "duplicates"}
	r := b.run(b.what("--topic", "x", "--create-topic")...).want(none.exit).want(long.exit)
	b.counted(r, none, 5)
	b.counted(r, long, 2)
	if receipt := r.receipt(); receipt.Produced != 8 {
		t.Errorf("produced %d", receipt.Produced)
	}
	ids := map[string]int{}
	for _, r := range b.consume("x") {
		id := tag(r, "replay-event-id")
		ids[id]++
		if (id == "") != (tag(r, "replay-flags") == "no-id") {
			t.Errorf("id %q has flags %q", id, tag(r, "replay-flags"))
		}
	}
	want := map[string]int{"": 5, "7": 1, "123456789012345678901234567890": 1, huge: 1}
	if fmt.Sprint(ids) != fmt.Sprint(want) {
		t.Errorf("ids are not as expected: %d kinds", len(ids))
	}
}

func TestEmptyObjectsAndMarksOfOtherToolsAreNoEvents(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("a/o", []byte(event("a", 1)))
	b.put("a/empty", nil)
	b.put("a/blank", []byte(" \n\n"))
	b.put("a/empty.gz", gzipped(""))
	b.put("a/_SUCCESS", []byte("rubbish"))
	b.put("a/_temporary/o", []byte(event("t", 1)))
	b.put("a/.o.crc", []byte("rubbish"))
	empty := hazard{"empty objects, plain and compressed", "nothing to produce", 0, "objects"}
	marks := hazard{"`_SUCCESS`, `_temporary/`, `.crc` and folder markers", "not read", 0, "not counted"}
	r := b.run(b.what("--topic", "x", "--create-topic")...).want(empty.exit).want(marks.exit)
	b.counted(r, empty, 4)
	receipt := r.receipt()
	if receipt.Objects != 4 || receipt.Read != 1 || receipt.Produced != 1 {
		t.Errorf("objects %d, read %d, produced %d", receipt.Objects, receipt.Read, receipt.Produced)
	}
	if got := b.values("x"); !slices.Equal(got, []string{event("a", 1)}) {
		t.Errorf("the topic holds %q", got)
	}
}

func TestACodecThatIsNotSupportedFailsAndNamesTheObject(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("a", []byte(event("a", 1)))
	b.put("b", []byte("BZh91AY&SY..."))
	w := hazard{"a codec or file format that is not supported", "the replay fails and names the object: it is not bad, and may not be missing", 1, "nowhere before it is read"}
	r := b.run(b.what("--topic", "x", "--create-topic", "--id", "codec")...)
	r.want(w.exit, "object b", "bzip2", "gzip or zstd", "Continue with: replayd run --id codec")
}

func TestTooManyBadEntriesStopTheReplayWhichALargerMaxBadContinues(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mostlyGood("o", 1200)
	w := hazard{"more bad entries than `--max-bad` allows", "the replay fails at the entry that is too many, and is continued with a larger share", 1, "counted up to there"}
	r := b.run(b.what("--format", "jsonl", "--topic", "x", "--create-topic", "--id", "much")...)
	r.want(w.exit, "bad", "--max-bad", "at byte", "object o", "Continue with: replayd run --id much")
	receipt := b.told(r.next() + " --max-bad 20%").want(exitQuarantined).receipt()
	if receipt.Produced != 1200 || receipt.Quarantined != 120 {
		t.Errorf("produced %d, quarantined %d", receipt.Produced, receipt.Quarantined)
	}
	if n := len(b.values("x")); n != 1200 {
		t.Errorf("the topic holds %d events", n)
	}
}

// mostlyGood puts n events into object key, one a line, and a bad line before every tenth.
func (b *bench) mostlyGood(key string, n int) {
	b.t.Helper()
	var text strings.Builder
	for i := range n {
		if i%10 == 9 {
			text.WriteString("rubbish\n")
		}
		fmt.Fprintf(&text, `{"id":"%d","t":"2026-11-01T12:00:00.%04dZ"}`+"\n", i, i)
	}
	b.put(key, []byte(text.String()))
}

func TestAFilterThatFailsOnAllStopsTheReplay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mostlyGood("o", 1200)
	r := b.run(b.what("--format", "jsonl", "--topic", "x", "--create-topic", "--max-bad", "20%", "--filter", "event.nope > 5")...)
	r.want(exitFailed, "1000 of the first 1000 entries are bad", "filter-error: invalid operation", "mend --filter", "another --id")
}

func TestAReplayOfWhichHalfIsBadIsNotToldToLetAllOfItPass(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(strings.Repeat("rubbish\n"+event("a", 1)+"\n", 1200)))
	r := b.run(b.what("--format", "jsonl", "--topic", "x", "--create-topic", "--id", "half")...)
	r.want(exitFailed, "seldom the archive's fault", "--format", "--event-time", "another --id")
	if text := r.err.String(); strings.Contains(text, "100%") || strings.Contains(text, "Continue with") {
		t.Errorf("it is told to let all of it pass:\n%s", text)
	}
}

func TestAShareOfNoBadEntriesIsToldAsTyped(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mostlyGood("o", 1200)
	for _, share := range []string{"0%", "0"} {
		r := b.run(b.what("--format", "jsonl", "--topic", "x", "--create-topic", "--max-bad", share, "--allow", "overlap")...)
		r.want(exitFailed, "more than the 0 % of --max-bad")
		r = b.replayd(append([]string{"cat", "--max-bad", share}, b.what("--format", "jsonl")...)...).want(exitFailed, "more than the 0 % of --max-bad")
		if strings.Contains(strings.ToLower(r.err.String()), "continue") {
			t.Errorf("cat cannot continue:\n%s", r.err.String())
		}
	}
}

func TestThePlaceOfABadEntryIsToldOnce(t *testing.T) {
	t.Parallel()
	w := &witness{first: []replay.Quarantined{
		{Object: "a", Range: [2]int64{7, 9}, Reason: "json", Detail: "byte 7: no object"},
		{Object: "b", Range: [2]int64{7, 90}, Reason: "json", Detail: "byte 70: no colon"}, // inside the entry
		{Object: "c", Range: [2]int64{7, 9}, Reason: "codec"},
	}}
	const want = "  a at byte 7: json, no object\n  b at byte 7: json, byte 70: no colon\n  c at byte 7: codec\n"
	if got := w.told(3); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	b := newBench(t)
	b.put("o", []byte(event("a", 1)+"rubbish"))
	r := b.run(b.what("--topic", "x", "--create-topic")...).want(exitQuarantined, "o at byte 37: json, ")
	if strings.Count(r.err.String(), "byte 37") != 1 {
		t.Errorf("it is told otherwise:\n%s", r.err.String())
	}
}

func TestQuarantineOKExits0AndStillSaysWhatIsBad(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)+"rubbish"))
	b.run(b.what("--topic", "x", "--create-topic", "--quarantine-ok")...).want(exitOK, "1 entry quarantined, not produced: json 1", "o at byte")
}
