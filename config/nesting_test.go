package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestNestingWithoutEndIsRefusedBeforeItIsParsed has texts that the parser would need gigabytes or minutes for.
func TestNestingWithoutEndIsRefusedBeforeItIsParsed(t *testing.T) {
	for _, unit := range []string{"[", "{a: ", "- ", "? ", "&a ", "!t ", "a: ", "[\n", "[&a ", "- [", "{? "} {
		text := "# a comment\nlimits:\n " + strings.Repeat(unit, 200_000/len(unit))
		_, err := parse("deep.yaml", []byte(text), nil)
		var problems Problems
		if !errors.As(err, &problems) || problems[0].Line < 3 || !strings.Contains(problems[0].Message, "more than 100 deep") {
			t.Errorf("%q: %.300v", unit, err)
		} else if len(err.Error()) > 4096 {
			t.Errorf("%q: the error has %d bytes", unit, len(err.Error()))
		}
	}
}

func TestWhatIsLongButNotDeepIsRead(t *testing.T) {
	var archives strings.Builder
	for i := range 500 {
		fmt.Fprintf(&archives, "  a%d: {url: [/a], event_id: /id, event_time: /t}\n", i)
	}
	for _, text := range []string{
		"kafka: {brokers: [" + strings.Repeat(`"a:9092", `, 500) + `"b:9092"]}`,
		"kafka:\n  brokers:\n" + strings.Repeat("  - a:9092\n", 500),
		"archives:\n" + archives.String(),
		"archives: {" + strings.ReplaceAll(strings.TrimSuffix(archives.String(), "\n"), "\n", ",") + "}",
	} {
		if _, err := parse("long.yaml", []byte(text), nil); err != nil {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}
