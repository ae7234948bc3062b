package format

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"replayd/archive"
)

// grammarSeeds hold an object at their beginning, or what is almost one.
func grammarSeeds() []string {
	values := []string{
		`0`, `-0`, `01`, `-`, `-x`, `1.`, `1.5`, `.5`, `1e`, `1e+`, `1e5`, `1E-05`, `1.5e+30`, `+1`, `0x1`, `1_0`, `NaN`, `Infinity`, `00`, `-01`, `1.e1`, `1ee1`,
		`true`, `false`, `null`, `tru`, `trueish`, `True`, `nul`, `nulll`, `undefined`,
		`""`, `"a`, `"\u00e9"`, `"\u00E"`, `"\u12G4"`, `"\x"`, `"\`, `"\ud800"`, `"\"\\\/\b\f\n\r\t"`, "\"\x1f\"", "\"\x7f\"", "\"\xff\xfe\"", "\"\u2028\"", "\"\n\"", `'a'`,
		`[]`, `[ ]`, `[1]`, `[1,]`, `[,1]`, `[1 2]`, `[1,2]`, `[[],{}]`, `[}`, `[`, `]`, `[1`, `["a":1]`,
		`{}`, `{ }`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{a:1}`, `{"a":1 "b":2}`, `{"a":1,"b":2}`, `{"a":1]`, `{1:2}`, `{"a"::1}`, `{"a":1}}`, `{"":{"":{}}}`,
		``, `,`, `:`, "\x00", "/**/1", "\ufeff1", "\u00a01", "\v1", "1\f",
	}
	var list []string
	for _, v := range values {
		list = append(list, `{"k":`+v+`}`, `{"k":`+v, `{"k" : [`+v+` ] } tail`, `{`+v+`}`, `{"k":1`+v+`}`)
	}
	return list
}

func TestNestingIsLimitedAsInEncodingJSON(t *testing.T) {
	for _, text := range []string{
		deep(maxDepth - 1), deep(maxDepth-1) + strings.Repeat("}", maxDepth), deep(maxDepth), strings.Repeat(`{"a":[`, maxDepth/2),
		strings.Repeat(`{"a":[`, maxDepth/2) + "1]}", strings.Repeat(`{"a":[`, maxDepth/2) + "{", strings.Repeat(`{"a":[`, maxDepth/2) + "[",
	} {
		checkGrammar(t, []byte(text))
	}
}

// standingOf is what encoding/json says of the object that b begins with: where it ends, where it breaks, or unfinished.
func standingOf(b []byte) (int, standing) {
	var raw json.RawMessage
	d := json.NewDecoder(strings.NewReader(string(b)))
	err := d.Decode(&raw)
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return len(raw), whole
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return len(b), unfinished
	case errors.As(err, &syntax):
		return int(syntax.Offset) - 1, broken
	}
	panic(err)
}

func checkGrammar(t *testing.T, b []byte) {
	if len(b) == 0 || b[0] != '{' {
		return
	}
	wantN, want := standingOf(b)
	w := newWalker(newPaths(archive.Fields{ID: "/k,/a/0", Time: "/k/a"}))
	if n, v := w.object(b); n != wantN || v != want {
		t.Errorf("the walker says %d, %d of %.100q, encoding/json %d, %d", n, v, b, wantN, want)
	}
	var g grammar
	g.begin()
	if n, v := g.feed(b); n != wantN || v != want {
		t.Errorf("the grammar says %d, %d of %.100q, encoding/json %d, %d", n, v, b, wantN, want)
	}
	if want == broken && w.why != g.why {
		t.Errorf("of %.100q the walker says %s, the grammar %s", b, w.why, g.why)
	}
	checkPrefixes(t, &w, b[:wantN])
}

// checkPrefixes holds the walker to seeing the same however little of an object it is shown.
func checkPrefixes(t *testing.T, w *walker, b []byte) {
	for n := 1; n < len(b); n += 1 + len(b)/100 {
		if i, v := w.object(b[:n]); i != n || v != unfinished {
			t.Errorf("of %d bytes of %.100q: %d, %d", n, b, i, v)
		}
	}
}

func FuzzGrammar(f *testing.F) {
	for _, s := range grammarSeeds() {
		f.Add([]byte(s))
	}
	f.Fuzz(checkGrammar)
}

// checkStream compares the entries of concatenated JSON with what encoding/json reads. When all is well, that is all.
func checkStream(t *testing.T, data []byte) {
	var want []string
	d := json.NewDecoder(strings.NewReader(string(data)))
	for {
		var raw json.RawMessage
		err := d.Decode(&raw)
		if err == io.EOF {
			break
		}
		if err != nil || raw[0] != '{' {
			return
		}
		want = append(want, string(raw))
	}
	entries := scan(t, JSON{}, strings.NewReader(string(data)), archive.Fields{}, 1<<20)
	for i, e := range entries {
		if i == len(want) || string(e.Value) != want[i] || string(data[e.Offset:e.Offset+e.Length]) != want[i] {
			t.Fatalf("entry %d is %+v, want %q", i, e, want)
		}
	}
	if len(entries) != len(want) {
		t.Fatalf("%d entries, want %q", len(entries), want)
	}
}

func FuzzStream(f *testing.F) {
	for _, s := range grammarSeeds() {
		f.Add([]byte(s + s))
		f.Add([]byte(`{"a":1} {}` + s + "\n"))
	}
	f.Fuzz(checkStream)
}
