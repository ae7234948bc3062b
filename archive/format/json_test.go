package format

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"replayd/archive"
)

// shown are entries as the tests write them: an event by its bytes, a bad entry by reason and range.
func shown(entries []archive.Entry) []string {
	list := []string{}
	for _, e := range entries {
		if e.Bad != "" {
			list = append(list, fmt.Sprintf("%s %d-%d", e.Bad, e.Offset, e.Offset+e.Length))
		} else {
			list = append(list, string(e.Value))
		}
	}
	return list
}

// scanCase is what a text holds, under damageFields and a limit on values of 100 bytes.
type scanCase struct {
	name, text string
	want       []string
}

const testLimit = archive.HeaderReserve + 100

func runScanCases(t *testing.T, f archive.Format, tests []scanCase) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			entries := scan(t, f, strings.NewReader(test.text), damageFields, testLimit)
			if got := shown(entries); !slices.Equal(got, test.want) {
				t.Errorf("of %q\ncame %q\nwant %q\n%+v", test.text, got, test.want, entries)
			}
		})
	}
}

func TestJSONFraming(t *testing.T) {
	one, two := `{"id":1,"t":1}`, `{"id":2,"t":2}`
	runScanCases(t, JSON{}, []scanCase{
		{"no delimiter", one + two, []string{one, two}},
		{"white space about", " \n" + one + "\r\n\t" + two + "\n", []string{one, two}},
		{"byte order mark", "\ufeff" + one, []string{one}},
		{"byte order mark in the middle", one + "\ufeff" + two, []string{one, "json 14-17", two}},
		{"the end is cut off", one + `{"id":2,"t":`, []string{one, "json 14-26"}},
		{"only a brace", `{`, []string{"json 0-1"}},
		{"no object at all", `null`, []string{"json 0-4"}},
		{"an array of events", `[` + one + `,` + two + `]`, []string{"json 0-31"}},
		{"garbage between", one + "xx" + two, []string{one, "json 14-16", two}},
		{"zeros at the end", one + "\x00\x00", []string{one, "json 14-16"}},
		{"an empty object has no time", `{}` + one, []string{"time 0-2", one}},
		{"white space beyond what is looked through", one + strings.Repeat(" ", 2*maxGap) + "}", []string{one, "json 8206-8207"}},
	})
}

func TestJSONFindsTheNextEvent(t *testing.T) {
	one, two, three := `{"id":1,"t":1}`, `{"id":2,"t":2}`, `{"id":3,"t":3}`
	runScanCases(t, JSON{}, []scanCase{
		{"behind an event cut in a literal", `{"id":0,"x":tru` + one + two, []string{"json 0-15", one, two}},
		{"behind an event cut in a number", `{"id":0,"x":-` + one + two, []string{"json 0-13", one, two}},
		{"behind an event cut in a string", `{"id":0,"x":"a {text} ` + one + two, []string{"json 0-22", one, two}},
		{"behind an event cut in an escape", `{"id":0,"x":"\` + one + two, []string{"json 0-14", one, two}},
		{"behind an event cut in a string, at the end", `{"id":0,"x":"abc` + one, []string{"json 0-16", one}},
		{"behind an event cut at a comma", `{"id":0,` + one + two, []string{"json 0-8", one, two}},
		{"one later when a value was wanted", `{"id":0,"x":` + one + two, []string{"json 0-26", two}},
		{"one later when an element was wanted", `{"id":0,"x":[1,` + one + two + three, []string{"json 0-29", two, three}},
		{"behind white space", `{"id":0,"x":tru ` + "\n " + one, []string{"json 0-18", one}},
		{"not where another follows with a comma", `x` + one + `,` + two, []string{"json 0-16", two}},
		{"not at one without time", `x{"id":1}` + two + three, []string{"json 0-9", two, three}},
		{"not at one without id", `x{"t":1}` + two + three, []string{"json 0-8", two, three}},
		{"at one whose id is null and time is wrong", `x{"id":null,"t":-1}` + two, []string{"json 0-1", "time 1-19", two}},
		{"not at one larger than the limit", `x{"id":1,"t":1,"x":"` + strings.Repeat("y", 100) + `"}` + two, []string{"json 0-122", two}},
	})
}

// In each of these a brace begins a whole object with id and time that another brace or the end follows: but it is, or
// may be, a part of an event that was damaged in one place.
func TestJSONTakesNoPartForAnEvent(t *testing.T) {
	inner, two, three := `{"id":9,"t":9}`, `{"id":2,"t":2}`, `{"id":3,"t":3}`
	runScanCases(t, JSON{}, []scanCase{
		{"the end is cut off behind an inner object", `{"id":1,"t":1,"x":` + inner, []string{"json 0-32"}},
		{"the same, and events follow", `{"id":1,"t":1,"x":` + inner + two + three, []string{"json 0-32", two, three}},
		{"a comma is lost between inner objects", `{"id":1,"t":1,"x":[` + inner + inner + `]}` + two, []string{"json 0-49", two}},
		{"the head is cut off before an inner object", inner + `,"id":1}` + two, []string{"json 0-22", two}},
		{"the head is cut off before the last inner object", two + inner + "}}" + three, []string{two, "json 14-30", three}},
		{"the head is cut off before inner elements", inner + "\n ]}" + three, []string{"json 0-18", three}},
		{"a string that ends in a brace has lost what follows", `{"a":1,"s":"{"id":9,"t":1}` + two, []string{"json 0-26", two}},
		{"a brace closes too early", `{"id":1,"t":1},"x":2}` + two, []string{"json 0-21", two}},
		{"a large head is cut off", `{"id":9,"t":9,"x":"` + strings.Repeat("y", 200) + `"} ]}` + two, []string{"json 0-224", two}},
	})
}

func TestJSONOversized(t *testing.T) {
	one := `{"id":1,"t":1}`
	pad := func(n int) string { return `{"id":2,"t":2,"x":"` + strings.Repeat("y", n-21) + `"}` }
	runScanCases(t, JSON{}, []scanCase{
		{"at the limit with its id", pad(99) + one, []string{pad(99), one}},
		{"over the limit with its id", pad(100) + one, []string{"oversized 0-100", one}},
		{"over the limit by itself", pad(101) + one, []string{"oversized 0-101", one}},
		{"far over the limit", one + pad(300_000) + "\n" + one, []string{one, "oversized 14-300014", one}},
		{"last", pad(200), []string{"oversized 0-200"}},
		{"without time", `{"x":"` + strings.Repeat("y", 100) + `"}` + one, []string{"oversized 0-108", one}},
		{"cut off", pad(200)[:150], []string{"json 0-150"}},
		{"broken behind the limit", pad(200)[:199] + "x}" + one + one, []string{"json 0-201", one, one}},
		{"broken behind the limit at an event", pad(200)[:199] + one + one, []string{"json 0-199", one, one}},
	})
}

func TestJSONGivesUpBehindManyCandidates(t *testing.T) {
	text := "x" + strings.Repeat("{", maxCandidates-1) + `{"id":1,"t":1}`
	if got := shown(scan(t, JSON{}, strings.NewReader(text), damageFields, testLimit)); !slices.Equal(got, []string{"json 0-1000", `{"id":1,"t":1}`}) {
		t.Errorf("the last candidate is not taken: %q", got)
	}
	text = "x" + strings.Repeat("{", maxCandidates) + `{"id":1,"t":1}{"id":2,"t":2}`
	if got := shown(scan(t, JSON{}, strings.NewReader(text), damageFields, testLimit)); !slices.Equal(got, []string{"json 0-1029"}) {
		t.Errorf("one more than the last is taken: %q", got)
	}
}

// Without id and time nothing tells an event but its place and that it is not empty.
func TestJSONFindsTheNextEventWithoutFields(t *testing.T) {
	got := shown(scan(t, JSON{}, strings.NewReader(`x{}{"a":1}{}`), archive.Fields{Time: archive.None}, testLimit))
	if want := []string{"json 0-3", `{"a":1}`, `{}`}; !slices.Equal(got, want) {
		t.Errorf("came %q, want %q", got, want)
	}
}

func TestDetailsNameThePlaceAndNotTheBytes(t *testing.T) {
	for text, want := range map[string]string{
		`{"id":1,"t":secret}`:        "byte 12: a value should begin here",
		`{"id" "secret"}`:            "byte 6: a colon should stand here",
		` {secret}`:                  "byte 2: a name should begin here",
		`{"id":truth}`:               "byte 9: this is none of true, false and null",
		`{"secret":01}`:              "byte 11: a comma or the end of the object or array should stand here",
		`{"secret":-x}`:              "byte 11: a digit should stand here",
		`{"secret`:                   "the end comes inside an object",
		`{"id":"\secret"}`:           "byte 8: no escape in a string is written like this",
		"{\"id\":\"\x01\"}":          "byte 7: control characters stand in strings as escapes only",
		`{"id":1,"t":"secret"}`:      "event time /t: not a time: want RFC 3339, or a number of s, ms, µs or ns since 1970",
		`{"id":1}`:                   "event time /t: missing",
		`{"id":1,"t":99999999999}`:   "event time /t: not before the year 2200",
		`{"id":"` + pad(100) + `"}`:  "109 bytes, of 100 at most",
		`{"id":"` + pad(60) + `"}`:   "1153 bytes as a record, of 1124 at most",
		`secret`:                     "byte 0: an object should begin here",
		`{"id":1,"t":1},`:            "byte 14: behind an object stands what stands behind inner ones, so it may be a part of an event",
		deep(maxDepth) + "}secret{}": "byte 50000: objects and arrays are nested more than 10,000 deep",
	} {
		limit := testLimit
		if len(text) > 1000 {
			limit = 1 << 20
		}
		entries := scan(t, JSON{}, strings.NewReader(text), damageFields, limit)
		if len(entries) == 0 || entries[0].Detail != want {
			t.Errorf("of %.40q is said %+v, want %q", text, entries, want)
		}
	}
}

func pad(n int) string { return strings.Repeat("p", n) }

// deep is the beginning of n objects in one another, and of one more.
func deep(n int) string { return strings.Repeat(`{"a":`, n) + "{" }

// endless is a source of much of the same between a head and a tail.
type endless struct {
	head, body, tail string
	left             int
}

func (r *endless) Read(p []byte) (int, error) {
	if r.head != "" {
		n := copy(p, r.head)
		r.head = r.head[n:]
		return n, nil
	}
	if r.left > 0 {
		n := copy(p, r.body[:min(len(r.body), r.left)])
		r.left -= n
		return n, nil
	}
	if r.tail == "" {
		return 0, io.EOF
	}
	n := copy(p, r.tail)
	r.tail = r.tail[n:]
	return n, nil
}

func TestMemoryIsBoundedByTheLimit(t *testing.T) {
	const limit, size = 100_000, 8 << 20
	one := `{"id":1,"t":1}`
	for name, test := range map[string]struct {
		format           archive.Format
		head, body, tail string
		want             []string
	}{
		"event":        {JSON{}, `{"x":"`, "y", `"}` + one, []string{fmt.Sprint("oversized 0-", size+8), one}},
		"line":         {Lines{}, `{"x":"`, "y", "\"}\n" + one, []string{fmt.Sprint("oversized 0-", size+8), one}},
		"element":      {Array{}, `[{"x":"`, "y", `"},` + one + `]`, []string{fmt.Sprint("oversized 1-", size+9), one}},
		"white space":  {JSON{}, one, " ", one, []string{one, one}},
		"blank lines":  {Lines{}, one + "\n", "\n", one, []string{one, one}},
		"garbage":      {JSON{}, "x", "y", one, []string{fmt.Sprint("json 0-", size+1), one}},
		"bad line":     {Lines{}, "x", "y", "\n" + one, []string{fmt.Sprint("json 0-", size+1), one}},
		"deep nesting": {JSON{}, `{"a":`, "[", "", []string{fmt.Sprint("json 0-", size+5)}},
		"broken event": {JSON{}, `{"x":"`, "y", `"]` + one, []string{fmt.Sprint("json 0-", size+8), one}},
	} {
		t.Run(name, func(t *testing.T) {
			r := &endless{head: test.head, body: strings.Repeat(test.body, 32<<10), tail: test.tail, left: size}
			s := test.format.Scan(r, damageFields, archive.Limits{Event: limit}, nil)
			entries, err := scanAll(s)
			if err != io.EOF || !slices.Equal(shown(entries), test.want) {
				t.Errorf("came %q, %v; want %q", shown(entries), err, test.want)
			}
			if n := bufferOf(s); n > limit+maxGap+1+leastRead {
				t.Errorf("a buffer of %d bytes for a limit of %d", n, limit)
			}
		})
	}
}

func bufferOf(s archive.Scanner) int {
	switch s := s.(type) {
	case *jsonScanner:
		return len(s.buf.all)
	case *lineScanner:
		return len(s.buf.all)
	}
	return len(s.(*arrayScanner).buf.all)
}
