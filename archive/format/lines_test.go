package format

import (
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	one, two := `{"id":1,"t":1}`, `{"id":2,"t":2}`
	long := `{"id":3,"t":3,"x":"` + strings.Repeat("y", 5000) + `"}`
	runScanCases(t, Lines{}, []scanCase{
		{"LF", one + "\n" + two + "\n", []string{one, two}},
		{"CRLF", one + "\r\n" + two + "\r\n", []string{one, two}},
		{"no last newline", one + "\n" + two, []string{one, two}},
		{"blank lines and byte order mark", "\ufeff\n \r\n" + one + "\n\n\t\n" + two + "\n\n", []string{one, two}},
		{"white space in the line", "  " + one + " \t\n", []string{one}},
		{"two objects on a line", one + two + "\n" + two, []string{"json 0-28", two}},
		{"something behind the object", one + " x\r\n" + two, []string{"json 0-16", two}},
		{"an object in two lines", "{\"id\":1,\n\"t\":1}\n" + two, []string{"json 0-8", "json 9-15", two}},
		{"a cut line", `{"id":1,"x":"{` + "\n" + two, []string{"json 0-14", two}},
		{"a cut last line", one + "\n" + `{"id":2,`, []string{one, "json 15-23"}},
		{"no object", "null\n[1]\n" + two, []string{"json 0-4", "json 5-8", two}},
		{"bad time", `{"id":1}` + "\n" + two, []string{"time 0-8", two}},
		{"over the limit", two + "\n" + strings.Replace(one, "1", strings.Repeat("1", 100), 1) + "\n" + two, []string{two, "oversized 15-128", two}},
		{"far over the limit", long + " \r\n" + two, []string{"oversized 0-5021", two}},
		{"white space up to far over the limit", one + strings.Repeat(" ", 5000) + "\n" + two, []string{"oversized 0-14", two}},
		{"far over the limit, last", long + "\r", []string{"oversized 0-5021"}},
		{"far over the limit, two", long + two + "\r\n" + two, []string{"json 0-5035", two}},
		{"far over the limit, broken", long[:5000] + "\r\n" + two, []string{"json 0-5000", two}},
		{"far over the limit, no object", strings.Repeat("x", 5000) + "\n" + two, []string{"json 0-5000", two}},
		{"far over the limit, cut off", two + "\n" + long[:5000], []string{two, "json 15-5015"}},
	})
}
