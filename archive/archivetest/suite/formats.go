package suite

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"replayd/archive"
)

// TestFormat proves that a Format keeps its contract. wrap lays events, JSON objects without line breaks, out as an
// object of the format.
func TestFormat(t *testing.T, f archive.Format, wrap func(events [][]byte) []byte) {
	t.Helper()
	for name, test := range map[string]func(*formatTest){
		"finds every event where it stands":                (*formatTest).events,
		"finds the same however it is read":                (*formatTest).reads,
		"hands the source's errors on":                     (*formatTest).faults,
		"takes nothing but whole events from a cut object": (*formatTest).cuts,
		"passes over what is larger than the limit":        (*formatTest).limits,
		"finds nothing in nothing":                         (*formatTest).nothing,
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(10) {
				test(&formatTest{T: t, format: f, wrap: wrap, seed: seed, rng: rand.New(rand.NewPCG(seed, 0))})
			}
		})
	}
}

type formatTest struct {
	*testing.T
	format archive.Format
	wrap   func([][]byte) []byte
	seed   uint64
	rng    *rand.Rand
}

func formatFields() archive.Fields {
	return archive.Fields{ID: "/event_id", Time: "/timestamp", Key: "/data/account", Volatile: []archive.Pointer{"/arrival"}}
}

var formatLimits = archive.Limits{Event: 1 << 20}

// formatEvent is an event and what is to be found of it.
type formatEvent struct {
	value, id, key string
	time           time.Time
}

func (t *formatTest) event(n int) formatEvent {
	e := formatEvent{
		id:   fmt.Sprintf("event-%d-%d", t.seed, n),
		key:  fmt.Sprint(t.rng.IntN(1000)),
		time: time.Unix(1_700_000_000+t.rng.Int64N(1e6), t.rng.Int64N(1e9)).UTC(),
	}
	inner := `{"event_id":"inner","timestamp":"2020-01-01T00:00:00Z"}`
	members := []string{
		fmt.Sprintf(`"event_id": "%s"`, e.id),
		fmt.Sprintf(`"timestamp":"%s"`, e.time.Format(time.RFC3339Nano)),
		fmt.Sprintf(`"data":{"before":%s,"account":%s, "list":[%[1]s,%[1]s,[]]}`, inner, e.key),
		`"arrival":` + fmt.Sprint(t.rng.Int64()),
		`"text":"` + strings.Repeat(`}{ \"event_id\":\u007b\\ `, t.rng.IntN(20)) + "\xff\"",
		`"amount":-12345678901234567890.5e+3`,
		`"padding":"` + strings.Repeat("x", t.rng.IntN(300)) + `"`,
	}
	t.rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	e.value = "{" + strings.Join(members, ",") + "}"
	return e
}

// object is some events and how the format lays them out.
func (t *formatTest) object() ([]formatEvent, []byte) {
	events := make([]formatEvent, 1+t.rng.IntN(8))
	for i := range events {
		events[i] = t.event(i)
	}
	return events, t.lay(events)
}

func (t *formatTest) lay(events []formatEvent) []byte {
	values := make([][]byte, len(events))
	for i, e := range events {
		values[i] = []byte(e.value)
	}
	return t.wrap(values)
}

func (t *formatTest) events() {
	events, data := t.object()
	entries, size := t.whole(bytes.NewReader(data), formatLimits)
	if size != int64(len(data)) {
		t.Errorf("seed %d: size %d of %d bytes", t.seed, size, len(data))
	}
	if len(entries) != len(events) {
		t.Fatalf("seed %d: %d entries of %d events in %q", t.seed, len(entries), len(events), data)
	}
	for i, want := range events {
		e := entries[i]
		if e.Bad != "" || string(e.Value) != want.value || string(e.ID) != want.id || string(e.Key) != want.key || e.Time != want.time.UnixNano() {
			t.Errorf("seed %d: entry %+v, want %+v", t.seed, e, want)
		}
		if at := data[e.Offset : e.Offset+e.Length]; string(at) != want.value {
			t.Errorf("seed %d: at offset %d stands %q, want %q", t.seed, e.Offset, at, want.value)
		}
	}
}

// readings are ways in which a reader may return the same bytes.
func (t *formatTest) readings(data []byte) map[string]io.Reader {
	return map[string]io.Reader{
		"byte by byte":         iotest.OneByteReader(bytes.NewReader(data)),
		"in halves":            iotest.HalfReader(bytes.NewReader(data)),
		"with its end at once": iotest.DataErrReader(bytes.NewReader(data)),
		"in random pieces":     &pieces{data: data, rng: t.rng},
	}
}

// pieces returns some of the bytes that are asked for, now and then none.
type pieces struct {
	data []byte
	rng  *rand.Rand
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.rng.IntN(40))], p.data)
	p.data = p.data[n:]
	return n, nil
}

func (t *formatTest) reads() {
	_, data := t.object()
	for range 5 {
		t.sameHoweverRead(data)
		damage(data, t.rng)
	}
}

func (t *formatTest) sameHoweverRead(data []byte) {
	want, _ := t.whole(bytes.NewReader(data), formatLimits)
	for how, r := range t.readings(data) {
		got, size := t.whole(r, formatLimits)
		if size != int64(len(data)) || !slices.EqualFunc(got, want, equalEntries) {
			t.Fatalf("seed %d: read %s, %d bytes: %+v\nat once, %d bytes: %+v\n%q", t.seed, how, size, got, len(data), want, data)
		}
	}
}

func damage(data []byte, rng *rand.Rand) {
	data[rng.IntN(len(data))] = `{}[]",:\ x0`[rng.IntN(11)]
}

func equalEntries(a, b archive.Entry) bool { return reflect.DeepEqual(a, b) }

var errFormatSource = errors.New("the store is down")

func (t *formatTest) faults() {
	_, data := t.object()
	want, _ := t.whole(bytes.NewReader(data), formatLimits)
	for range 20 {
		n := t.rng.IntN(len(data) + 1)
		s := t.format.Scan(io.MultiReader(bytes.NewReader(data[:n]), iotest.ErrReader(errFormatSource)), formatFields(), formatLimits, nil)
		got, err := drain(s)
		if err != errFormatSource {
			t.Fatalf("seed %d: a source that fails behind byte %d ends in %v", t.seed, n, err)
		}
		if len(got) > len(want) || !slices.EqualFunc(got, want[:len(got)], equalEntries) {
			t.Fatalf("seed %d: before the fault behind byte %d: %+v, want the first of %+v", t.seed, n, got, want)
		}
		if err := s.Next(&archive.Entry{}); err != errFormatSource {
			t.Fatalf("seed %d: the fault is forgotten: %v", t.seed, err)
		}
	}
}

func (t *formatTest) cuts() {
	events, data := t.object()
	for range 40 {
		n := t.rng.IntN(len(data) + 1)
		entries, size := t.whole(bytes.NewReader(data[:n]), formatLimits)
		if size != int64(n) {
			t.Errorf("seed %d: size %d of %d bytes", t.seed, size, n)
		}
		for i, e := range entries {
			if e.Bad == "" && (i >= len(events) || string(e.Value) != events[i].value) {
				t.Fatalf("seed %d: cut at byte %d, entry %d is %q", t.seed, n, i, e.Value)
			}
		}
	}
}

func (t *formatTest) limits() {
	events, _ := t.object()
	big := t.event(99)
	limit := archive.HeaderReserve + len(big.id) + len(big.key) + len(big.value) + 700
	big.value = strings.Replace(big.value, "{", `{"much":"`+strings.Repeat("y", 700+t.rng.IntN(3000))+`",`, 1)
	at := t.rng.IntN(len(events) + 1)
	events = slices.Insert(events, at, big)
	data := t.lay(events)
	for _, r := range t.readings(data) {
		entries, _ := t.whole(r, archive.Limits{Event: limit})
		for i, e := range entries {
			if i == at && (e.Bad != archive.BadOversized || e.Length != int64(len(big.value)) || e.Value != nil) {
				t.Fatalf("seed %d: of a limit of %d and a value of %d came %+v", t.seed, limit, len(big.value), e)
			}
			if i != at && len(events[i].value)+2000 < limit && e.Bad != "" {
				t.Fatalf("seed %d: beside an oversized event stands %+v", t.seed, e)
			}
		}
		if len(entries) != len(events) {
			t.Fatalf("seed %d: %d entries of %d events", t.seed, len(entries), len(events))
		}
	}
}

func (t *formatTest) nothing() {
	for _, text := range []string{"", " ", "\n", "\r\n \t\n", "\ufeff", "\ufeff\n", strings.Repeat(" \n", 100_000)} {
		if entries, size := t.whole(strings.NewReader(text), formatLimits); len(entries) > 0 || size != int64(len(text)) {
			t.Errorf("of %.10q came %v and a size of %d", text, entries, size)
		}
	}
}

// whole scans all of r and checks what is true of any scan.
func (t *formatTest) whole(r io.Reader, l archive.Limits) ([]archive.Entry, int64) {
	t.Helper()
	s := t.format.Scan(r, formatFields(), l, nil)
	entries, err := drain(s)
	if err != io.EOF {
		t.Fatalf("seed %d: a scan ends in %v", t.seed, err)
	}
	if err := s.Next(&archive.Entry{}); err != io.EOF {
		t.Fatalf("seed %d: behind the end comes %v", t.seed, err)
	}
	end := int64(0)
	for _, e := range entries {
		if e.Offset < end || e.Length < 0 || (e.Bad == "") != (e.Value != nil) {
			t.Fatalf("seed %d: entry %+v behind byte %d", t.seed, e, end)
		}
		end = e.Offset + e.Length
	}
	if end > s.Size() {
		t.Fatalf("seed %d: an entry ends at %d of %d bytes", t.seed, end, s.Size())
	}
	return entries, s.Size()
}

// drain collects what a scanner finds, and how it ends.
func drain(s archive.Scanner) ([]archive.Entry, error) {
	var list []archive.Entry
	for {
		e := archive.Entry{Index: 1, Bad: "left over", Value: []byte("left over")}
		if err := s.Next(&e); err != nil {
			return list, err
		}
		e.Value, e.Key, e.ID = bytes.Clone(e.Value), bytes.Clone(e.Key), bytes.Clone(e.ID)
		list = append(list, e)
	}
}
