package ledger

import (
	"os"
	"slices"
	"strings"
)

// Summary is the last line of a test run:
//
//	tested: unit, kafka (process), s3 (versitygw) · left out here: docker (no engine answers)
func Summary(entries []Entry) string {
	line := "tested: " + list(entries, true)
	if left := list(entries, false); left != nothing {
		line += " · left out here: " + left
	}
	return line
}

const nothing = "nothing"

func list(entries []Entry, tested bool) string {
	var items []string
	for _, e := range entries {
		if e.Tested != tested {
			continue
		}
		item := e.Name
		if e.Detail != "" {
			item += " (" + e.Detail + ")"
		}
		items = append(items, item)
	}
	if items == nil {
		return nothing
	}
	return strings.Join(items, ", ")
}

// Required reports whether REPLAYD_TEST_REQUIRE lists name.
func Required(name string) bool { return slices.Contains(requirements(), name) }

// Missing returns what REPLAYD_TEST_REQUIRE lists and no entry shows as tested. It catches what no skip can report: a
// test that was never run.
func Missing(entries []Entry) []string {
	var missing []string
	for _, want := range requirements() {
		met := func(e Entry) bool { return e.Tested && (e.Name == want || e.Detail == want) }
		if !slices.ContainsFunc(entries, met) {
			missing = append(missing, want)
		}
	}
	return missing
}

func requirements() []string {
	var names []string
	for name := range strings.SplitSeq(os.Getenv(RequireVariable), ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}
