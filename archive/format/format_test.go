package format

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"replayd/archive"
	"replayd/archive/archivetest/suite"
)

func TestJSONIsAFormat(t *testing.T) {
	for name, separator := range map[string]string{"without delimiter": "", "with spaces": " \t", "with lines": "\r\n"} {
		t.Run(name, func(t *testing.T) {
			suite.TestFormat(t, JSON{}, func(events [][]byte) []byte { return bytes.Join(events, []byte(separator)) })
		})
	}
}

func TestLinesAreAFormat(t *testing.T) {
	for name, ends := range map[string][2]string{"LF": {"\n", "\n"}, "CRLF": {"\r\n", "\r\n"}, "no last newline": {"\n\n \n", ""}} {
		t.Run(name, func(t *testing.T) {
			suite.TestFormat(t, Lines{}, func(events [][]byte) []byte {
				return append(bytes.Join(events, []byte(ends[0])), ends[1]...)
			})
		})
	}
}

func TestArrayIsAFormat(t *testing.T) {
	for name, marks := range map[string][3]string{"compact": {"[", ",", "]"}, "in lines": {"\ufeff[\n  ", " ,\n  ", "\n]\n"}} {
		t.Run(name, func(t *testing.T) {
			suite.TestFormat(t, Array{}, func(events [][]byte) []byte {
				return []byte(marks[0] + string(bytes.Join(events, []byte(marks[1]))) + marks[2])
			})
		})
	}
}

func TestFormatsAreFoundByName(t *testing.T) {
	for _, name := range []string{"json", "jsonl", "json-array"} {
		if f, err := Named(name); err != nil || f.Name() != name {
			t.Errorf("Named(%q) = %v, %v", name, f, err)
		}
	}
	if _, err := Named("xml"); err == nil || err.Error() != `format "xml" is not known: json, jsonl, json-array` {
		t.Errorf("of an unknown name is said: %v", err)
	}
}

func TestRecognise(t *testing.T) {
	tests := []struct{ head, name string }{
		{`{"a":1}{"a":2}`, "json"},
		{`{"a":1}`, "json"},
		{`{"a":1} {"a":2}` + "\n", "json"},
		{`{"a":` + strings.Repeat(" ", HeadSize), "json"},
		{"{\n \"a\":1\n}\n", "json"},
		{`{"a"` + "\n", "json"},
		{"{\"a\":1}\n{", "jsonl"},
		{"{\"a\":1} \t\r\n", "jsonl"},
		{"\ufeff\n\n{\"a\":\"}\\n\"}\n", "jsonl"},
		{`[{"a":1}]`, "json-array"},
		{"\ufeff \r\n[", "json-array"},
		{"", ""},
		{" \n", ""},
		{"\ufeff", ""},
		{"PAR1", ""},
		{"time\ttag\t{}", ""},
	}
	for _, test := range tests {
		if name, ok := Recognise([]byte(test.head)); name != test.name || ok != (name != "") {
			t.Errorf("%.20q is recognised as %q, %v; want %q", test.head, name, ok, test.name)
		}
	}
}

// scan collects the entries of data, with their slices copied.
func scan(t testing.TB, f archive.Format, r io.Reader, fields archive.Fields, limit int) []archive.Entry {
	t.Helper()
	list, err := scanAll(f.Scan(r, fields, archive.Limits{Event: limit}, nil))
	if err != io.EOF {
		t.Fatalf("the scan ends in %v", err)
	}
	return list
}

func scanAll(s archive.Scanner) ([]archive.Entry, error) {
	var list []archive.Entry
	for {
		var e archive.Entry
		if err := s.Next(&e); err != nil {
			return list, err
		}
		e.Value, e.Key, e.ID = bytes.Clone(e.Value), bytes.Clone(e.Key), bytes.Clone(e.ID)
		list = append(list, e)
	}
}
