package main

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"replayd/config"
	"replayd/replay"
)

// flagRow is what docs/cli.md says of a flag.
func flagRow(t *testing.T, name string) string {
	t.Helper()
	for _, row := range rows(section(t, "docs/cli.md", "## Flags")) {
		if slices.Contains(codeWords(row[0]), "--"+name) {
			return row[2]
		}
	}
	t.Fatalf("docs/cli.md has no row for --%s", name)
	return ""
}

func TestTheWordsThatFlagsTakeAreDocumented(t *testing.T) {
	for name, words := range flagWords {
		told := codeWords(flagRow(t, name))
		if name == "allow" { // which has a table of its own
			told = firstCells(section(t, "docs/cli.md", "## Preflight"))
		}
		for _, word := range words {
			if !slices.Contains(told, word) {
				t.Errorf("--%s takes %s, which its row does not say", name, word)
			}
		}
	}
}

// TestDefaultsOfFlagsAreThoseOfTheirHelp compares "(default 5m)" and "now (default)" in help with "Default `5m`" and "`now` (default)".
func TestDefaultsOfFlagsAreThoseOfTheirHelp(t *testing.T) {
	behind, before := regexp.MustCompile(`\(default ([^ ):;]+)\)`), regexp.MustCompile(`([\w./%]+) \(default[),]`)
	inHelp := map[string]string{}
	note := func(f *pflag.Flag) {
		for _, m := range slices.Concat(behind.FindAllStringSubmatch(f.Usage, -1), before.FindAllStringSubmatch(f.Usage, -1)) {
			inHelp[f.Name] = m[1]
		}
	}
	programRoot().PersistentFlags().VisitAll(note)
	eachCommand(func(_ string, c *cobra.Command) { c.Flags().VisitAll(note) })
	if len(inHelp) < 12 {
		t.Errorf("only %v were found", inHelp)
	}
	for name, normal := range inHelp {
		row := flagRow(t, name)
		told := strings.Contains(row, "Default `"+normal+"`") || strings.Contains(row, "Default: "+normal) || strings.Contains(row, "`"+normal+"` (default") ||
			strings.Contains(row, "else `"+normal+"`")
		if !told {
			t.Errorf("--%s: the help says that its default is %s, docs/cli.md says %q", name, normal, row)
		}
	}
}

func TestTimesAndUnitsOfTheDocumentAreRead(t *testing.T) {
	lines := strings.Split(strings.ReplaceAll(section(t, "docs/cli.md", "## Times, units and lists"), "\n  ", " "), "\n* ")
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	read := map[string]func(string) error{
		"A time is": func(s string) error { _, _, err := parseTime(s, "", now); return err },
		"A duration is": func(s string) error {
			var d config.Duration
			return d.UnmarshalText([]byte(s))
		},
	}
	for begins, parse := range read {
		found := 0
		for _, line := range lines {
			if !strings.HasPrefix(strings.TrimPrefix(strings.TrimSpace(line), "* "), begins) {
				continue
			}
			sentence, sizes, _ := strings.Cut(line, ". ")
			for _, word := range codeWords(sentence) {
				found++
				if err := parse(word); err != nil {
					t.Errorf("%s: %v", begins, err)
				}
			}
			if begins == "A duration is" {
				for _, word := range codeWords(sizes) {
					var s config.Size
					if err := s.UnmarshalText([]byte(word)); err != nil {
						t.Error(err)
					}
				}
			}
		}
		if found < 4 {
			t.Errorf("%s: only %d examples", begins, found)
		}
	}
}

// TestWordsOfProgressAreDocumented compares the values of fields with the constants that they are.
func TestWordsOfProgressAreDocumented(t *testing.T) {
	told := map[string]string{}
	for _, row := range rows(section(t, "docs/cli.md", "### Progress")) {
		told[strings.Trim(row[0], "`")] = row[1]
	}
	sameWords(t, "phases", []string{"listing", "rebuilding", "running", "waiting", "ended"}, codeWords(told["phase"]))
	sameWords(t, "what holds it", slices.DeleteFunc(constants(t, "replay/progress.go", "HeldBy"), func(s string) bool { return s == "" }), codeWords(told["held_by"]))
}

// TestStatesOfTheDocumentAreThoseThatThereAre: of a receipt those in which a replay has ended. Why it stands so is told in whichever
// has a reason.
func TestStatesOfTheDocumentAreThoseThatThereAre(t *testing.T) {
	all := constantsOf(t, "replay/state.go", "State")
	var ended []string
	for _, s := range all {
		if replay.State(s).Terminal() {
			ended = append(ended, s)
		}
	}
	for name, states := range map[string][]string{"Receipt": ended, "Replay": all} {
		told := map[string]string{}
		for _, row := range rows(section(t, "docs/cli.md", "### "+name)) {
			told[strings.Trim(row[0], "`")] = row[1]
		}
		sameWords(t, "states of a "+name, states, codeWords(told["state"]))
		if name == "Replay" {
			sameWords(t, "states with a reason", []string{"paused", "failed", "cancelled", "planned"}, codeWords(told["reason"]))
		}
	}
}

func TestVariablesOfTheDocumentAreRead(t *testing.T) {
	program := sources(t) + read(t, "config/environ.go") + read(t, "config/load.go")
	for _, word := range firstCells(section(t, "docs/cli.md", "## Environment")) {
		word = strings.TrimSuffix(strings.TrimSuffix(word, "=dumb"), "…")
		name := strings.TrimPrefix(word, "REPLAYD_")
		known := name != word && strings.Contains(program, `envPrefix+"`+name) || name != word && strings.Contains(read(t, "config/config.go"), `envPrefix:"`+name+`"`)
		if !known && word != "AWS_" && !strings.Contains(program, `env("`+word+`")`) { // AWS_… are the SDK's
			t.Errorf("nothing reads %s", word)
		}
	}
}

// frozenWords are what docs/semantics.md calls the fields of a spec.
var frozenWords = map[string]string{
	"decision_version": "decision version", "archive": "archive", "url": "its address", "layout": "layout", "format": "format",
	"event_id": "pointers of id", "event_time": "time", "event_time_zone": "zone of times", "arrival": "arrival", "by_arrival": "event or arrival",
	"key": "key", "value": "value", "volatile": "volatile fields", "window": "window", "slack_before": "slack", "slack_after": "slack",
	"settle": "settle", "as_of": "`as_of`", "lateness": "lateness", "horizon": "horizon", "dedupe": "dedupe", "on_late": "late",
	"on_conflict": "conflicting", "on_missing_id": "nameless events", "filter": "filter", "limit": "limit", "topic": "topic",
	"record_limit": "record limit", "record_time": "record time", "headers": "headers", "reason": "reason", "targets": "targets",
	"needs_key": "whether it was compacted",
}

func TestAllThatIsFrozenIsDocumented(t *testing.T) {
	var told strings.Builder
	for _, row := range rows(section(t, "docs/semantics.md", "### What is frozen")) {
		told.WriteString(row[0] + "; ")
	}
	for _, field := range fieldsOf(reflect.TypeFor[replay.Spec](), "") {
		field, _, _ = strings.Cut(field, ".")
		if slices.Contains([]string{"version", "id", "owner", "header_prefix"}, field) { // of the form, or the same in every replay
			continue
		}
		if words := frozenWords[field]; words == "" || !strings.Contains(told.String(), words) {
			t.Errorf("%s is frozen, and docs/semantics.md does not say %q", field, words)
		}
	}
}
