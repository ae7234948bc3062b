package archivetest

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"replayd/archive"
)

// Only encoding/json reads here: the generator must have written what it says.
func TestEventsHoldWhatTheirEntriesSay(t *testing.T) {
	eachSmall(t, func(t *testing.T, a *Archive) {
		for _, o := range a.Objects {
			for _, e := range a.Entries(o) {
				if e.Bad == "" {
					checkEvent(t, a, e)
				}
			}
		}
	})
}

type parsed struct {
	ID      json.RawMessage `json:"event_id"`
	Time    json.RawMessage `json:"timestamp"`
	Arrival json.RawMessage `json:"arrival_epoch"`
	Data    json.RawMessage `json:"data"`
}

func checkEvent(t *testing.T, a *Archive, e Entry) {
	t.Helper()
	var p parsed
	if err := json.Unmarshal(e.Value, &p); err != nil {
		t.Fatalf("event does not parse: %v\n%s", err, e.Value)
	}
	var data struct {
		Key json.RawMessage `json:"account_id"`
	}
	if p.Data != nil {
		if err := json.Unmarshal(p.Data, &data); err != nil {
			t.Fatalf("data does not parse: %v\n%s", err, e.Value)
		}
	}
	if key := scalar(t, data.Key); string(key) != string(e.Key) || (key == nil) != (e.Key == nil) {
		t.Errorf("key is %q, entry says %q\n%s", key, e.Key, e.Value)
	}
	id := scalar(t, p.ID)
	if len(id) == 0 {
		id = nil
	}
	if string(id) != string(e.ID) || (id == nil) != (e.ID == nil) {
		t.Errorf("id is %q, entry says %q\n%s", id, e.ID, e.Value)
	}
	if got := instant(t, p.Time); got != e.Time {
		t.Errorf("time is %d, entry says %d\n%s", got, e.Time, e.Value)
	}
	if a.Plan.byArrival() {
		if got := instant(t, p.Arrival); got != e.Arrival {
			t.Errorf("arrival is %d, entry says %d\n%s", got, e.Arrival, e.Value)
		}
	}
	if size := len(e.Key) + len(e.Value) + len(e.ID) + 1024; size > a.Plan.EventLimit {
		t.Errorf("event of %d bytes, limit %d", size, a.Plan.EventLimit)
	}
}

// scalar is a string's or number's text, nil for anything else.
func scalar(t *testing.T, raw json.RawMessage) []byte {
	t.Helper()
	switch {
	case len(raw) == 0, strings.ContainsRune("ntf{[", rune(raw[0])):
		return nil
	case raw[0] != '"':
		return raw
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	return []byte(s)
}

// instant reads RFC 3339, or milliseconds as number or text.
func instant(t *testing.T, raw json.RawMessage) int64 {
	t.Helper()
	text := string(scalar(t, raw))
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return ms * int64(time.Millisecond)
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixNano()
}

func TestWhatStandsBetweenEntriesIsNoData(t *testing.T) {
	eachSmall(t, func(t *testing.T, a *Archive) {
		for _, o := range a.Objects {
			text, entries := a.Text(o), a.Entries(o)
			end := int64(0)
			for _, e := range entries {
				if e.Offset < end {
					t.Fatalf("object %s: entry at %d begins inside the one before", o.Key, e.Offset)
				}
				checkBetween(t, text[end:e.Offset])
				end = e.Offset + e.Length
			}
			checkBetween(t, text[end:])
		}
	})
}

func checkBetween(t *testing.T, b []byte) {
	t.Helper()
	if rest := strings.Trim(strings.TrimPrefix(string(b), "\ufeff"), " \t\r\n,[]"); rest != "" {
		t.Errorf("between entries stands %q", rest)
	}
}

// Each broken range of concatenated JSON must hold no place at which an object begins that a reader could take for an
// event, and the event behind it must be such a place.
func TestBrokenRangesHaveOneRightEnd(t *testing.T) {
	ranges := 0
	eachSmall(t, func(t *testing.T, a *Archive) {
		if a.Plan.Format != FormatJSON {
			return
		}
		for _, o := range a.Objects {
			text := a.Text(o)
			for _, e := range a.Entries(o) {
				if e.Bad != archive.BadJSON {
					continue
				}
				ranges++
				end := e.Offset + e.Length
				for at := e.Offset; at < end; at++ {
					if resumable(text[at:]) {
						t.Errorf("object %s: a reader may resume at %d, inside the range at %d\n%s", o.Key, at, e.Offset, text[e.Offset:end])
					}
				}
				if end < int64(len(text)) && !resumable(text[end:]) {
					t.Errorf("object %s: no reader may resume at %d, behind the range at %d", o.Key, end, e.Offset)
				}
			}
		}
	})
	if ranges < 50 {
		t.Errorf("only %d broken ranges", ranges)
	}
}

// resumable reports whether text begins with an object that has an id and a time and is followed by another or the end.
func resumable(text []byte) bool {
	if text[0] != '{' {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	var p parsed
	if err := d.Decode(&p); err != nil || len(p.ID) == 0 || len(p.Time) == 0 {
		return false
	}
	rest := bytes.TrimLeft(text[d.InputOffset():], " \t\r\n")
	return len(rest) == 0 || rest[0] == '{'
}

func TestBrokenLinesAndEndsAreNoObjects(t *testing.T) {
	broken := map[string]int{}
	eachSmall(t, func(t *testing.T, a *Archive) {
		for _, o := range a.Objects {
			text := a.Text(o)
			for _, e := range a.Entries(o) {
				if e.Bad != archive.BadJSON || a.Plan.Format == FormatJSON {
					continue
				}
				broken[a.Plan.Format]++
				line := text[e.Offset : e.Offset+e.Length]
				if line[0] == '{' && json.Valid(line) {
					t.Errorf("object %s: broken entry is an object: %s", o.Key, line)
				}
				if bytes.ContainsRune(line, '\n') {
					t.Errorf("object %s: broken line with a line end: %q", o.Key, line)
				}
			}
		}
	})
	if broken[FormatLines] < 50 || broken[FormatArray] < 5 {
		t.Errorf("too few broken entries: %v", broken)
	}
}
