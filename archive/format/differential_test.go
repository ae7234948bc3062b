package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"replayd/archive"
)

// The scanners against encoding/json: what they take and refuse, where events begin and end, and what stands in them at a
// pointer. Where they differ on purpose stands in differences, and in docs/semantics.md.

// value is what encoding/json finds in text at a pointer, as it is written there; nil where nothing stands. Of a member that
// stands twice it takes the last.
func value(text json.RawMessage, p archive.Pointer) json.RawMessage {
	for _, token := range p.Tokens() {
		var members map[string]json.RawMessage
		var elements []json.RawMessage
		switch {
		case json.Unmarshal(text, &members) == nil && members != nil:
			inner, ok := members[token]
			if !ok {
				return nil
			}
			text = inner
		case json.Unmarshal(text, &elements) == nil:
			i, err := strconv.Atoi(token)
			if err != nil || strconv.Itoa(i) != token || i < 0 || i >= len(elements) {
				return nil
			}
			text = elements[i]
		default:
			return nil
		}
	}
	return text
}

// textIn is the text of a JSON string, as encoding/json decodes it; false for anything else.
func textIn(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		panic(fmt.Sprintf("%q was decoded before: %v", raw, err))
	}
	return s, true
}

// decoded is what encoding/json makes of bytes that are no UTF-8, which we leave as they are.
func decoded(text []byte) string { return string([]rune(string(text))) }

// checkFields holds the fields of one event against encoding/json's.
func checkFields(t *testing.T, e *archive.Entry, f archive.Fields) {
	t.Helper()
	id := value(e.Event, f.ID.Pointers()[0])
	want, isText := textIn(id)
	if !isText && len(id) > 0 && (id[0] == '-' || isDigit(id[0])) {
		want = string(id)
	}
	if got := decoded(e.ID); got != want || (e.ID == nil) != (want == "") {
		t.Errorf("the id %s of %q is %q, and %q for encoding/json", f.ID, e.Event, e.ID, want)
	}
	key := value(e.Event, f.Key)
	want, isText = textIn(key)
	if !isText && string(key) != "null" {
		want = string(key)
	}
	if got := decoded(e.Key); got != want || (e.Key == nil) != (key == nil || string(key) == "null") {
		if isText || got != decoded(key) { // a container keeps its bytes, whatever they are
			t.Errorf("the key %s of %q is %q, and %q for encoding/json", f.Key, e.Event, e.Key, want)
		}
	}
	if at, err := timeIn(value(e.Event, f.Time)); err != nil || at != e.Time {
		t.Errorf("the time %s of %q is %d, and %d, %v by what encoding/json finds", f.Time, e.Event, e.Time, at, err)
	}
}

// timeIn reads what encoding/json decoded.
func timeIn(raw json.RawMessage) (int64, error) {
	if text, ok := textIn(raw); ok {
		quoted, err := json.Marshal(text)
		if err != nil {
			return 0, err
		}
		raw = quoted
	}
	return archive.ParseTime(raw, nil)
}

// events are the objects that encoding/json reads from data in one of the formats, and whether that was all of it. What it
// reads that is no object ends them.
func events(format string, data []byte) (list []json.RawMessage, all bool) {
	if format == (Lines{}).Name() {
		return lineEvents(data)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	array := format == (Array{}).Name()
	if array {
		switch token, err := d.Token(); {
		case err == io.EOF:
			return nil, true
		case err != nil || token != json.Delim('['):
			return nil, false
		}
	}
	for !array || d.More() {
		var raw json.RawMessage
		err := d.Decode(&raw)
		if err == io.EOF && !array {
			return list, true
		}
		if err != nil || raw[0] != '{' {
			return list, false
		}
		list = append(list, raw)
	}
	if token, err := d.Token(); err != nil || token != json.Delim(']') {
		return list, false
	}
	_, err := d.Token()
	return list, err == io.EOF
}

// lineEvents are the lines that are objects; all says that there is no other. It does not end at the first that is none.
func lineEvents(data []byte) (list []json.RawMessage, all bool) {
	all = true
	for line := range bytes.Lines(data) {
		line = bytes.Trim(line, " \t\r\n")
		switch {
		case len(line) == 0:
		case line[0] == '{' && json.Valid(line):
			list = append(list, line)
		default:
			all = false
		}
	}
	return list, all
}

// differentialFields are where the events of the fuzz targets have their fields; /t is a time in most seeds.
var differentialFields = []archive.Fields{
	{ID: "/id", Time: "/t", Key: "/k"},
	{ID: "/a/id", Time: "/a/t", Key: "/a"},
	{ID: "/a/1", Time: "/t", Key: "/a/0/k"},
	{ID: "/", Time: "/t", Key: "/a~1b"},
}

// checkDifferential holds the scanner of f against encoding/json on data.
func checkDifferential(t *testing.T, f archive.Format, data []byte, fields archive.Fields) {
	if bytes.HasPrefix(data, byteOrderMark) {
		return // differences
	}
	want, all := events(f.Name(), data)
	s := f.Scan(bytes.NewReader(data), fields, archive.Limits{Event: 1 << 20}, nil)
	n, bad := 0, 0
	for {
		var e archive.Entry
		err := s.Next(&e)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text := data[e.Offset : e.Offset+e.Length]
		switch {
		case e.Bad == archive.BadJSON:
			bad++
		case e.Bad == archive.BadTime:
			if _, err := timeIn(value(text, fields.Time)); err == nil {
				t.Errorf("%s: the time %s of %q is usable, and refused: %s", f.Name(), fields.Time, text, e.Detail)
			}
		case e.Bad != "":
			t.Fatalf("%s: %+v", f.Name(), e)
		default:
			checkFields(t, &e, fields)
		}
		if f.Name() != (Lines{}).Name() && bad > 0 {
			break // behind a break encoding/json reads nothing
		}
		if e.Bad == archive.BadJSON {
			continue
		}
		if n == len(want) || !bytes.Equal(text, want[n]) {
			t.Fatalf("%s: event %d of %q is %q; encoding/json reads %q", f.Name(), n, data, text, want)
		}
		n++
	}
	if all != (bad == 0) {
		t.Fatalf("%s: of %q encoding/json reads all: %v, and we call %d places bad", f.Name(), data, all, bad)
	}
	if n < len(want) && !looksInner(f, data, want[n:]) {
		t.Fatalf("%s: %d events of %q; encoding/json reads %q", f.Name(), n, data, want)
	}
}

// looksInner reports whether the one event that is lacking was left out on purpose: it is the last before a break, and what
// follows it stands behind inner objects, or behind no element of an array. See differences.
func looksInner(f archive.Format, data []byte, lacking []json.RawMessage) bool {
	if len(lacking) != 1 {
		return false
	}
	for {
		_, rest, found := bytes.Cut(data, lacking[0])
		if !found {
			return false
		}
		if next := bytes.TrimLeft(rest, " \t\r\n"); len(next) > 0 {
			closes := next[0] == ',' || next[0] == ']'
			switch f.(type) {
			case JSON:
				if closes || next[0] == '}' {
					return true
				}
			case Array:
				if !closes {
					return true
				}
			}
		}
		data = data[bytes.Index(data, lacking[0])+1:]
	}
}

func FuzzDifferential(f *testing.F) {
	one := `{"id":"a","t":"2026-11-01T12:00:00Z","k":1,"a":[{"k":null},"b"]}`
	two := `{"a":{"id":-0.5,"t":1793534400123,"id":7,"k":[]},"t":"\u0032026-11-01","":"x","a/b":"\ud83d\ude00\ud800"}`
	for i, s := range grammarSeeds() {
		f.Add([]byte(one+s+"\n"+two), uint8(i))
		f.Add([]byte("["+one+", "+s+"]"), uint8(i))
	}
	for i, s := range []string{
		one + two, one + "\r\n" + two + "\n\n", "[" + one + "\n,\t" + two + "]", "[" + one + "," + two, one + "," + two, one + "null" + two, "[]", "[" + one + "]]",
		`{"id":"` + "\xff" + `","t":1,"k":"` + "\xed\xa0\x80" + `"}`, `{"a":{"id":1,"t":2},"a":3,"t":4}`, `{"a":[1,2],"a":{"1":"x","t":1},"t":1}`,
		`{"ID":1,"Id":2,"t":3,"T":4}`, `{"\u0069d":"x","t":1}`, "\ufeff" + one, one + "\ufeff", deep(maxDepth-1) + "}" + strings.Repeat("}", maxDepth-1) + one, "[1]" + one,
	} {
		for k := range differentialFields {
			f.Add([]byte(s), uint8(i+k))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		for _, format := range formats {
			checkDifferential(t, format, data, differentialFields[int(which)%len(differentialFields)])
		}
	})
}

// differences are all that the scanners and encoding/json's Decoder do not have in common, on purpose. The table in
// docs/semantics.md has them by the same names, with the reasons.
var differences = []struct {
	name   string
	format archive.Format
	text   string
	theirs []string // what encoding/json reads
	all    bool     // and that was all
	ours   []string // as the tests of scanners write it
}{
	{"a byte order mark", JSON{}, "\ufeff" + `{"id":1,"t":1}`, nil, false, []string{`{"id":1,"t":1}`}},
	{"values that are no objects", JSON{}, `7 {"id":1,"t":1}`, nil, false, []string{"json 0-2", `{"id":1,"t":1}`}},
	{
		"an object before a comma or a bracket that closes",
		JSON{},
		`{"id":1,"t":1},{"id":2,"t":2}`,
		[]string{`{"id":1,"t":1}`},
		false,
		[]string{"json 0-15", `{"id":2,"t":2}`},
	},
	{
		"an element without a comma behind it",
		Array{},
		`[{"id":1,"t":1}{"id":2,"t":2}]`,
		[]string{`{"id":1,"t":1}`},
		false,
		[]string{"json 1-30"},
	},
	{
		"what stands behind a break",
		JSON{},
		`{"id":1,"t":1}x{"id":2,"t":2}`,
		[]string{`{"id":1,"t":1}`},
		false,
		[]string{`{"id":1,"t":1}`, "json 14-15", `{"id":2,"t":2}`},
	},
	{"events over the record limit", JSON{}, `{"x":"` + pad(200) + `"}`, []string{`{"x":"` + pad(200) + `"}`}, true, []string{"oversized 0-208"}},
}

func TestDifferencesFromEncodingJSON(t *testing.T) {
	for _, d := range differences {
		t.Run(d.name, func(t *testing.T) {
			read, all := events(d.format.Name(), []byte(d.text))
			var theirs []string
			for _, raw := range read {
				theirs = append(theirs, string(raw))
			}
			if !slices.Equal(theirs, d.theirs) || all != d.all {
				t.Errorf("encoding/json reads %.200q, all: %v", theirs, all)
			}
			if ours := shown(scan(t, d.format, strings.NewReader(d.text), damageFields, testLimit)); !slices.Equal(ours, d.ours) {
				t.Errorf("we read %.200q", ours)
			}
		})
	}
}

// fieldDifferences are those between what stands at a pointer, here /id and behind it /a/id, and what encoding/json puts into
// a struct of these fields. With maps, only the first is one.
var fieldDifferences = []struct{ name, text, theirs, ours string }{
	{"bytes that are no UTF-8", `{"id":"` + "\xff" + `"}`, `"�" ""`, `"\xff" ""`},
	{"names in another case", `{"ID":"x","A":{"Id":"y"}}`, `"x" "y"`, `"" ""`},
	{"a member that stands twice, the last time as null", `{"id":"x","id":null}`, `"x" ""`, `"" ""`},
	{"an object that stands twice", `{"a":{"id":"x"},"a":{}}`, `"" "x"`, `"" ""`},
}

func TestDifferencesFromEncodingJSONInFields(t *testing.T) {
	for _, d := range fieldDifferences {
		t.Run(d.name, func(t *testing.T) {
			var e struct {
				ID string `json:"id"`
				A  struct {
					ID string `json:"id"`
				} `json:"a"`
			}
			if err := json.Unmarshal([]byte(d.text), &e); err != nil {
				t.Fatal(err)
			}
			if theirs := fmt.Sprintf("%q %q", e.ID, e.A.ID); theirs != d.theirs {
				t.Errorf("encoding/json finds %s", theirs)
			}
			ours := fmt.Sprintf("%q %q", only(t, d.text, archive.Fields{ID: "/id", Time: archive.None}).ID, only(t, d.text, archive.Fields{ID: "/a/id", Time: archive.None}).ID)
			if ours != d.ours {
				t.Errorf("we find %s", ours)
			}
		})
	}
}

func TestDifferencesFromEncodingJSONAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/semantics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "### Beside encoding/json")
	table, _, _ = strings.Cut(table, "\n#")
	var names []string
	for _, d := range differences {
		names = append(names, d.name)
	}
	for _, d := range fieldDifferences {
		names = append(names, d.name)
	}
	for _, name := range names {
		if !strings.Contains(table, "| "+name+" |") {
			t.Errorf("docs/semantics.md does not name %q", name)
		}
	}
	if rows := strings.Count(table, "\n| ") - 1; rows != len(names) {
		t.Errorf("docs/semantics.md has %d rows, and there are %d differences", rows, len(names))
	}
}
