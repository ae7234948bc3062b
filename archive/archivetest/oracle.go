package archivetest

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"replayd/archive"
)

// Oracle says what a replay of an archive must produce. It is immutable.
type Oracle struct {
	Receipt Receipt

	plan      *Plan
	objects   []*Object
	sightings []sighting // the entries of the window in merge order
}

// Receipt holds the counters of a replay's receipt that follow from archive and spec alone, under the receipt's names.
type Receipt struct {
	WindowOn string    `json:"window_on"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`

	Objects int   `json:"objects"` // listed
	Bytes   int64 `json:"bytes"`   // stored, of the listed objects

	Read        int64 `json:"read"` // = Produced + Duplicates + Filtered + Outside + Quarantined
	Produced    int64 `json:"produced"`
	Duplicates  int64 `json:"duplicates"`
	Filtered    int64 `json:"filtered"`
	Outside     int64 `json:"outside"`
	Quarantined int64 `json:"quarantined"`

	Late      int64 `json:"late"` // of the produced and quarantined, as the next two
	Conflicts int64 `json:"conflicts"`
	NoID      int64 `json:"no_id"`

	FilteredBy       map[string]int64 `json:"filtered_by"`
	QuarantinedBy    map[string]int64 `json:"quarantined_by"`
	QuarantinedBytes int64            `json:"quarantined_bytes"`
	SlackSeconds     [2]int64         `json:"slack_seconds"`
	SlackShort       int64            `json:"slack_short"`
	MaxArrivalDelay  int64            `json:"max_arrival_delay_seconds"`
	Gaps             []string         `json:"gaps"`
	Digest           string           `json:"digest"`
}

// Fate is what became of an entry of the window.
type Fate uint8

// The fates of entries. What lies outside the window has none.
const (
	FateProduced Fate = iota
	FateDuplicate
	FateQuarantined
	FateFiltered
)

func (f Fate) String() string {
	return [...]string{"produced", "duplicate", "quarantined", "filtered"}[f]
}

// Verdict is what the oracle says of one entry of the window.
type Verdict struct {
	Position archive.Position
	Fate     Fate
	Bad      string // why it is quarantined or filtered
	Length   int64  // of the entry
	Seq      int64  // of a produced event, from 1
	Flags    string // of a produced event, as the header replay-flags writes them

	entry func() Entry
}

// Event is the event itself, for any fate but quarantined. It is rendered at each call.
func (v Verdict) Event() Entry { return v.entry() }

// Verdicts are given in merge order.
func (o *Oracle) Verdicts() iter.Seq[Verdict] {
	return func(yield func(Verdict) bool) {
		seq := int64(0)
		for i := range o.sightings {
			v := o.verdict(&o.sightings[i])
			if v.Fate == FateProduced {
				seq++
				v.Seq = seq
			}
			if !yield(v) {
				return
			}
		}
	}
}

// Produced are the verdicts on the produced events, in order.
func (o *Oracle) Produced() iter.Seq[Verdict] {
	return func(yield func(Verdict) bool) {
		for v := range o.Verdicts() {
			if v.Fate == FateProduced && !yield(v) {
				return
			}
		}
	}
}

func (o *Oracle) verdict(s *sighting) Verdict {
	return Verdict{
		Position: archive.Position{Time: s.merge, Object: o.objects[s.object].Key, Offset: s.offset},
		Fate:     s.fate, Bad: s.bad, Length: s.length, Flags: s.flags.String(),
		entry: func() Entry {
			e := newPage(o.plan).event(s.part)
			e.Offset = s.offset
			return e
		},
	}
}

// Write stores oracle.jsonl, one line for each event to be produced, in order, and oracle.json, the receipt.
//
//	{"seq":1,"id":"…","time_ms":1761955200123,"key":"acc-1","value_base64":"…","flags":"late,conflict"}
//
// id and key are null when there is none; time_ms is the event's own time, as replay-event-time carries it.
func (o *Oracle) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write oracle: %w", err)
	}
	receipt, err := json.MarshalIndent(o.Receipt, "", " ")
	if err != nil {
		return fmt.Errorf("write oracle: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "oracle.json"), append(receipt, '\n'), 0o644); err != nil {
		return fmt.Errorf("write oracle: %w", err)
	}
	f, err := os.Create(filepath.Join(dir, "oracle.jsonl"))
	if err != nil {
		return fmt.Errorf("write oracle: %w", err)
	}
	if err := o.writeEvents(f); err != nil {
		_ = f.Close()
		return fmt.Errorf("write oracle: %w", err)
	}
	return f.Close()
}

func (o *Oracle) writeEvents(w io.Writer) error {
	buffered := bufio.NewWriterSize(w, 1<<20)
	pg := newPage(o.plan)
	var line []byte
	seq := int64(0)
	for i := range o.sightings {
		s := &o.sightings[i]
		if s.fate != FateProduced {
			continue
		}
		seq++
		line = appendLine(line[:0], seq, pg.event(s.part), s.flags.String())
		if _, err := buffered.Write(line); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

func appendLine(b []byte, seq int64, e Entry, flags string) []byte {
	b = strconv.AppendInt(append(b, `{"seq":`...), seq, 10)
	b = appendText(append(b, `,"id":`...), e.ID)
	b = strconv.AppendInt(append(b, `,"time_ms":`...), e.Time/int64(time.Millisecond), 10)
	b = appendText(append(b, `,"key":`...), e.Key)
	b = base64.StdEncoding.AppendEncode(append(b, `,"value_base64":"`...), e.Value)
	b = append(append(b, `","flags":"`...), flags...)
	return append(b, "\"}\n"...)
}

func appendText(b, text []byte) []byte {
	if text == nil {
		return append(b, "null"...)
	}
	quoted, err := json.Marshal(string(text))
	must(err)
	return append(b, quoted...)
}

// flags are those of a produced event.
type flags uint8

const (
	flagNoID flags = 1 << iota
	flagTimeClamped
	flagLate
	flagConflict
)

// String lists them in the order of the header replay-flags.
func (f flags) String() string {
	var list []string
	for i, name := range []string{"no-id", "time-clamped", "late", "conflict"} {
		if f&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return strings.Join(list, ",")
}

// one is 1 when f holds flag.
func (f flags) one(flag flags) int64 {
	if f&flag != 0 {
		return 1
	}
	return 0
}

// Differences holds a receipt, in its JSON form, against the oracle's, and names every counter that is not what it should
// be.
func (r Receipt) Differences(receipt []byte) []string {
	want := counters(encodeJSON(r))
	got := counters(receipt)
	var list []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if name == "from" || name == "to" { // times have several spellings
			continue
		}
		if got[name] != want[name] {
			list = append(list, fmt.Sprintf("%s: %s, want %s", name, got[name], want[name]))
		}
	}
	return list
}

// counters are the fields of a JSON object, each in one spelling.
func counters(object []byte) map[string]string {
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(object))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil {
		return nil
	}
	m := map[string]string{}
	for name, value := range fields {
		m[name] = string(encodeJSON(value)) // maps come out sorted
	}
	return m
}

func encodeJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain data
	}
	return b
}
