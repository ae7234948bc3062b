package filter

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestTheDocumentNamesWhatTimesHave(t *testing.T) {
	text, err := os.ReadFile("../../docs/semantics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "| of times | is |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	has := reflect.TypeFor[instant]()
	for i := range has.NumMethod() {
		if name := has.Method(i).Name; !ok || !strings.Contains(table, "`time."+name+"(") && !strings.Contains(table, "`"+name+"(") {
			t.Errorf("times have %s(), which docs/semantics.md does not say", name)
		}
	}
	for _, layout := range dateLayouts {
		if !strings.Contains(table, "`"+layout+"`") {
			t.Errorf("date reads the form %s, which docs/semantics.md does not say", layout)
		}
	}
}
