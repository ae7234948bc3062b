package metrics

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
)

var update = flag.Bool("update", false, "write the tables of docs/metrics.md anew")

const page = "../../docs/metrics.md"

// chapters are the headings of the page that have a table, and how the names in it begin. The first that fits has the metric.
var chapters = []struct {
	heading  string
	prefixes []string
}{
	{"## A replay", []string{"replayd_replay_"}},
	{"## What was committed", []string{"replayd_events_", "replayd_object_", "replayd_produced_", "replayd_commit_"}},
	{"## The API", []string{"replayd_http_", "replayd_api_", "replayd_event_streams"}},
	{"## The clients of Kafka", []string{"replayd_kafka_"}},
	{"## The daemon", []string{"replayd_"}},
}

const tableHead = "| name | type | labels | unit | meaning |\n|---|---|---|---|---|\n"

// TestMetricsAreThoseOfTheirPage compares what is gathered when each metric has a value.
func TestMetricsAreThoseOfTheirPage(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	all := string(text)
	for heading, want := range tables(t) {
		before, table, after := split(t, all, heading)
		if table != want && !*update {
			t.Errorf("%s: the table is not that of the program: go test ./replay/metrics -run Page -update writes it\ngot\n%s\nwant\n%s", heading, table, want)
		}
		all = before + want + after
	}
	if *update {
		if err := os.WriteFile(page, []byte(all), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// split cuts the rows of the table under a heading out of the page.
func split(t *testing.T, text, heading string) (before, table, after string) {
	t.Helper()
	begin := strings.Index(text, heading+"\n")
	if begin >= 0 {
		begin += strings.Index(text[begin:]+tableHead, tableHead) + len(tableHead)
	}
	if begin < 0 || begin > len(text) {
		t.Fatalf("%s has no table under %q", page, heading)
	}
	end := begin
	for strings.HasPrefix(text[end:], "|") {
		end += strings.Index(text[end:], "\n") + 1
	}
	return text[:begin], text[begin:end], text[end:]
}

// tables are the rows of each chapter.
func tables(t *testing.T) map[string]string {
	t.Helper()
	rows := map[string]string{}
	all := families(t, full(t))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		f := all[name]
		if strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") {
			continue
		}
		for _, c := range chapters {
			if slices.ContainsFunc(c.prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
				rows[c.heading] += fmt.Sprintf("| `%s` | %s | %s | %s | %s |\n", name, strings.ToLower(f.GetType().String()), labels(f), unit(name), f.GetHelp())
				break
			}
		}
	}
	return rows
}

// labels of a family, as the page shows them.
func labels(f *dto.MetricFamily) string {
	var names []string
	for _, one := range f.GetMetric() {
		for _, l := range one.GetLabel() {
			if name := "`" + l.GetName() + "`"; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func unit(name string) string {
	name = strings.TrimSuffix(name, "_total")
	for suffix, unit := range map[string]string{
		"_timestamp_seconds": "s since 1970", "_seconds": "s", "_bytes": "bytes", "_ratio": "0 to 1", "_events_per_second": "1/s", "_bytes_per_second": "bytes/s",
	} {
		if strings.HasSuffix(name, suffix) && (suffix != "_seconds" || !strings.HasSuffix(name, "_timestamp_seconds")) {
			return unit
		}
	}
	return "1"
}
