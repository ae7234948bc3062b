package format

import (
	"strings"
	"testing"
)

func TestEventsOfAnArrayAreFound(t *testing.T) {
	one, two := `{"id":1,"t":1}`, `{"id":2,"t":2}`
	large := `{"x":"` + strings.Repeat("y", 300) + `"}`
	runScanCases(t, Array{}, []scanCase{
		{"empty", "[]", []string{}},
		{"one", "[" + one + "]", []string{one}},
		{"white space about", "\ufeff [ " + one + "\r\n, " + two + " ] \n", []string{one, two}},
		{"not closed", "[" + one + "," + two, []string{one, two, "json 30-30"}},
		{"cut behind the comma", "[" + one + ",", []string{one, "json 16-16"}},
		{"cut behind the bracket", "[", []string{"json 1-1"}},
		{"cut in an element", "[" + one + `,{"id":2`, []string{one, "json 16-23"}},
		{"broken element", "[" + one + `,{"id":2 "t":1},` + two + "]", []string{one, "json 16-46"}},
		{"comma before the end", "[" + one + ",]", []string{one, "json 16-17"}},
		{"no comma", "[" + one + two + "," + two + "]", []string{"json 1-45"}},
		{"something else", "[" + one + ",1," + two + "]", []string{one, "json 16-33"}},
		{"no array", one + two, []string{"json 0-28"}},
		{"something behind", "[" + one + "]\n[" + two + "]", []string{one, "json 17-33"}},
		{"bad time", `[{"id":1},` + two + "]", []string{"time 1-9", two}},
		{"oversized", "[" + large + "," + two + "]", []string{"oversized 1-309", two}},
		{"oversized and last", "[" + two + "," + large + "]", []string{two, "oversized 16-324"}},
		{"oversized and not closed", "[" + large, []string{"oversized 1-309", "json 309-309"}},
		{"oversized and broken", "[" + large[:307] + "x" + two + "]", []string{"json 1-324"}},
		{"oversized and cut", "[" + large[:200], []string{"json 1-201"}},
		{"oversized and followed by something else", "[" + large + "}" + two + "]", []string{"json 1-325"}},
	})
}
