package bench

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Benchmarks and tests of other packages that are rows of the table.

// goTest builds the tests of a package once and returns what runs them.
func (m *measuring) goTest(pkg string) func(args ...string) string {
	m.t.Helper()
	binary := filepath.Join(m.t.TempDir(), "package.test")
	if out, err := exec.Command("go", "test", "-c", "-o", binary, pkg).CombinedOutput(); err != nil {
		m.t.Fatalf("build the tests of %s: %v\n%s", pkg, err, out)
	}
	return func(args ...string) string {
		m.t.Helper()
		cmd := exec.Command(binary, args...)
		cmd.Dir = m.t.TempDir()
		out, err := cmd.CombinedOutput()
		if err != nil {
			m.t.Fatalf("%s %s: %v\n%s", pkg, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
}

// metrics are the numbers of one benchmark in what a run of benchmarks printed, by unit; nil without it.
func metrics(printed, name string) map[string]float64 {
	line := regexp.MustCompile(`(?m)^Benchmark` + name + `(?:-\d+)?\s+\d+\s+(.*)$`).FindStringSubmatch(printed)
	if line == nil {
		return nil
	}
	found := map[string]float64{}
	fields := strings.Fields(line[1])
	for i := 0; i+1 < len(fields); i += 2 {
		v, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return nil
		}
		found[fields[i+1]] = v
	}
	return found
}

// long is how long a benchmark runs for one number.
func long() string {
	if *full {
		return "1s"
	}
	return "20ms"
}

// library compares what every reader of events has to do with the fastest library that does as much, on one core.
func (m *measuring) library() {
	m.t.Helper()
	run := m.goTest("replayd/archive/format")
	c := &comparison{our: "walk", their: "library", shape: plain.String(), path: plain.path(), bounds: []bound{{"rate", 1.5}}}
	for range *rounds {
		printed := run("-test.run", "^$", "-test.bench", "^Benchmark(Walk|Library)$", "-test.cpu", "1", "-test.benchtime", long())
		c.ours = append(c.ours, m.benchmarked(printed, "Walk"))
		c.theirs = append(c.theirs, m.benchmarked(printed, "Library"))
	}
	m.add(c)
	m.t.Log(strings.TrimSpace(c.row()))
}

// benchmarked is a benchmark of archive/format as a cost. It has one core, and no other work.
func (m *measuring) benchmarked(printed, name string) cost {
	m.t.Helper()
	of := metrics(printed, name)
	if of["ns/op"] <= 0 || of["events/s"] <= 0 || of["MB/s"] <= 0 {
		m.t.Fatalf("no numbers of %s in\n%s", name, printed)
	}
	seconds := of["ns/op"] / 1e9
	return cost{Events: int64(of["events/s"]*seconds + 0.5), Bytes: int64(of["MB/s"] * 1e6 * seconds), Seconds: seconds, CPU: seconds}
}

// dedupe is the cost of one id.
func (m *measuring) dedupe() {
	m.t.Helper()
	run := m.goTest("replayd/replay/dedupe")
	ids, times := "2000", "10000x"
	if *full {
		ids, times = "100000000", "200000000x"
	}
	of := metrics(run("-test.run", "^$", "-test.bench", "^BenchmarkSight$", "-test.cpu", "1", "-test.benchtime", times, "-ids", ids), "Sight")
	ns := of["ns/op"]
	if ns <= 0 {
		m.t.Fatalf("BenchmarkSight of replay/dedupe tells no nanoseconds: %v", of)
	}
	n, _ := strconv.ParseFloat(ids, 64)
	what := fmt.Sprintf("dedupe per event, %s ids in the horizon, 2 %% copies close by and 1 %% from anywhere, every verdict right", thousands(n))
	m.claim(what, "100 ns", fmt.Sprintf("%.0f ns; %.0f MiB, as `--memory 2GiB` gives, and %.0f MB of disk", ns, of["held-MiB"], of["disk-MB"]), ns <= 100)
	fmt.Fprintf(&m.stat, "BenchmarkDedupe 1 %.1f ns/op\n", ns)
}

// asserted is a row that a test of another package holds, which logs what it measured behind "measured: ".
func (m *measuring) asserted(what, least, pkg, test string) {
	m.t.Helper()
	printed := m.goTest(pkg)("-test.v", "-test.run", "^"+test+"$")
	measured := regexp.MustCompile(`measured: (.+)`).FindStringSubmatch(printed)
	if measured == nil {
		m.t.Fatalf("%s of %s tells nothing:\n%s", test, pkg, printed)
	}
	m.claim(what, least, measured[1]+" (`"+test+"`)", true)
}

// soak is the memory of a replay of many hours.
func (m *measuring) soak() {
	m.t.Helper()
	const hours, events = 100, 20_000
	first, second := halves(m.t, soaked(m.t, hours, events), hours, func(l hourLine) int64 { return l.Resident })
	early, late := mean(first), mean(second)
	m.claim("memory resident in hours 55 to 100 of a window, and in 10 to 55", "the same within 10 %",
		fmt.Sprintf("%.0f MiB, and %.0f", late/(1<<20), early/(1<<20)), late <= 1.1*early)
}

// claim is a row of the table of what is no comparison of two programs.
func (m *measuring) claim(what, least, measured string, held bool) {
	is := "yes"
	if !held {
		is = "**no**"
	}
	fmt.Fprintf(&m.text, "| %s | %s | %s | %s |\n", what, least, measured, is)
}

// modes are the rows of how much memory an hour of overlapping objects takes, as its test in package integration tells.
func (m *measuring) modes() {
	m.t.Helper()
	out, err := exec.Command("go", "test", "-count=1", "-v", "-run", "^TestMemoryOfAnHourOfOverlappingObjects$", "replayd/integration").CombinedOutput()
	if err != nil {
		m.t.Fatalf("memory of an hour of overlapping objects: %v\n%s", err, out)
	}
	rows := regexp.MustCompile(`\.go:\d+: (.+): (\d+ objects of .+ raw): (\d+) MiB resident of (\d+) MiB`).FindAllStringSubmatch(string(out), -1)
	if len(rows) == 0 {
		m.t.Fatalf("the test of memory tells none:\n%s", out)
	}
	for _, row := range rows {
		resident, _ := strconv.Atoi(row[3])
		given, _ := strconv.Atoi(row[4])
		m.claim("peak memory of `cat --dedupe off`, "+row[1]+": "+row[2], fmt.Sprintf("%d MiB + 150 MiB", given), fmt.Sprintf("%d MiB", resident), resident <= given+150)
	}
}

// others are the rows that compare no programs.
func (m *measuring) others() {
	m.text.WriteString("\n| what | at least | measured | held |\n|---|---|---|---|\n")
	m.dedupe()
	m.restarts(linesGzip)
	m.asserted("LIST and GET requests and bytes up to the first event of an hour", "the same in an archive of a day and of a year",
		"replayd/replay", "TestTheFirstEventOfAYearCostsWhatThatOfADayDoes")
	if *full {
		m.soak()
		m.modes()
	}
}
