package bench

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestThePageShowsWhatWasMeasured holds docs/performance.md against docs/performance.bench, which make bench wrote with it: that
// nobody has changed a table by hand, the ratios, and what is called held against them.
func TestThePageShowsWhatWasMeasured(t *testing.T) {
	stat, err := os.ReadFile(linesPath)
	if err != nil {
		t.Fatal(err)
	}
	_, measured := page(t)
	if !strings.HasSuffix(string(stat), "\n"+seal(measured)) {
		t.Errorf("%s is not what was written with %s: measure again, with make bench BENCH_FLAGS=-write", pagePath, linesPath)
	}
	row := regexp.MustCompile(`(?m)^\| (\S+) / (\S+) \| ([^|]+) \| ([^|]+) \| ([\d.]+) \[([\d.]+)-([\d.]+)\] \| ([\d.]+) \[([\d.]+)-([\d.]+)\] \|.*\| (yes|\*\*no\*\*) \|$`)
	rows := row.FindAllStringSubmatch(measured, -1)
	if len(rows) < 9 {
		t.Fatalf("%d rows were found", len(rows))
	}
	for _, m := range rows {
		c := &comparison{our: m[1], their: m[2], shape: m[3], bounds: boundsIn(t, m[4])}
		c.ours = costsIn(t, string(stat), m[1], pathOf(t, m[3])+"/beside="+plainName(m[2]))
		c.theirs = costsIn(t, string(stat), m[2], pathOf(t, m[3]))
		if len(c.ours) == 0 || len(c.ours) != len(c.theirs) {
			t.Fatalf("%s / %s, %s: %d and %d runs", m[1], m[2], m[3], len(c.ours), len(c.theirs))
		}
		for i, of := range []string{"rate", "CPU"} {
			s := c.ratios(bound{of: of})
			for k, v := range []float64{s.median, s.least, s.most} {
				if shown, _ := strconv.ParseFloat(m[5+3*i+k], 64); math.Abs(shown-v) > 0.011 {
					t.Errorf("%s / %s, %s: the ratio of %s is shown as %s, and was %.3f", m[1], m[2], m[3], of, m[5+3*i+k], v)
				}
			}
		}
		held := "yes"
		for _, b := range c.bounds {
			if !b.held(c.ratios(b).median) {
				held = "**no**"
			}
		}
		if m[11] != held {
			t.Errorf("%s / %s, %s is called held: %s", m[1], m[2], m[3], m[11])
		}
	}
}

// boundsIn reads what a row must hold.
func boundsIn(t *testing.T, text string) (list []bound) {
	t.Helper()
	for part := range strings.SplitSeq(text, ", ") {
		var b bound
		if _, err := fmt.Sscanf(part, "at most %gx its CPU", &b.limit); err == nil {
			b.of = "CPU"
		} else if _, err := fmt.Sscanf(part, "%gx its rate", &b.limit); err == nil {
			b.of = "rate"
		} else {
			t.Fatalf("%q is no bound", part)
		}
		list = append(list, b)
	}
	return list
}

func pathOf(t *testing.T, name string) string {
	t.Helper()
	for _, s := range []shape{plain, zstd, gzip, lines, linesZstd, linesGzip} {
		if s.String() == name {
			return s.path()
		}
	}
	t.Fatalf("no archive is called %q", name)
	return ""
}

// costsIn are the runs of a program, by what benchstat reads.
func costsIn(t *testing.T, stat, program, path string) (list []cost) {
	t.Helper()
	name := strings.ToUpper(program[:1]) + plainName(program)[1:]
	form := regexp.MustCompile(`(?m)^Benchmark` + regexp.QuoteMeta(name+"/"+path) + ` 1 ([\d.]+) ns/event ([\d.]+) cpu-ns/event `)
	for _, m := range form.FindAllStringSubmatch(stat, -1) {
		ns, _ := strconv.ParseFloat(m[1], 64)
		cpu, _ := strconv.ParseFloat(m[2], 64)
		list = append(list, cost{Events: 1, Seconds: ns / 1e9, CPU: cpu / 1e9})
	}
	return list
}
