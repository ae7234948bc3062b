package bench

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"replayd/integration/harness"
)

// bound is what a ratio of ours to theirs must hold.
type bound struct {
	of    string // rate or CPU
	limit float64
}

func (b bound) String() string {
	if b.of == "CPU" {
		return fmt.Sprintf("at most %gx its CPU", b.limit)
	}
	return fmt.Sprintf("%gx its rate", b.limit)
}

// ratio is that of one round.
func (b bound) ratio(ours, theirs cost) float64 {
	if b.of == "CPU" {
		return ours.cpu() / theirs.cpu()
	}
	return ours.rate() / theirs.rate()
}

func (b bound) held(ratio float64) bool {
	if b.of == "CPU" {
		return ratio <= b.limit
	}
	return ratio >= b.limit
}

// comparison is one row of the table: two programs that did the same work in turn.
type comparison struct {
	our, their   string // "replay", "floor"
	shape        string
	path         string // for benchstat: plain letters
	bounds       []bound
	ours, theirs []cost
}

// spread is a number of several rounds.
type spread struct{ least, median, most float64 }

func spreadOf(values []float64) spread {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return spread{v[0], (v[(n-1)/2] + v[n/2]) / 2, v[n-1]}
}

func (s spread) String() string { return fmt.Sprintf("%.2f [%.2f-%.2f]", s.median, s.least, s.most) }

// ratios are those of ours to theirs in the same round.
func (c *comparison) ratios(b bound) spread {
	r := make([]float64, len(c.ours))
	for i := range r {
		r[i] = b.ratio(c.ours[i], c.theirs[i])
	}
	return spreadOf(r)
}

func median(list []cost, of func(cost) float64) float64 {
	v := make([]float64, len(list))
	for i := range list {
		v[i] = of(list[i])
	}
	return spreadOf(v).median
}

const tableHead = `| what | archive | at least | rate | CPU | ours | theirs | held |
|---|---|---|---|---|---|---|---|
`

// row is the comparison in markdown. Both ratios are shown; those that are bound decide whether it is held.
func (c *comparison) row() string {
	var wanted []string
	held := "yes"
	for _, b := range c.bounds {
		wanted = append(wanted, b.String())
		if !b.held(c.ratios(b).median) {
			held = "**no**"
		}
	}
	told := func(list []cost) string {
		text := fmt.Sprintf("%s events/s, %.2f CPU s/M", thousands(median(list, cost.rate)), median(list, cost.cpu))
		if peak := median(list, func(c cost) float64 { return float64(c.MaxRSS >> 20) }); peak > 0 {
			text += fmt.Sprintf(", %.0f MiB", peak)
		}
		return text
	}
	return fmt.Sprintf("| %s / %s | %s | %s | %s | %s | %s | %s | %s |\n", c.our, c.their, c.shape, strings.Join(wanted, ", "),
		c.ratios(bound{of: "rate"}), c.ratios(bound{of: "CPU"}), told(c.ours), told(c.theirs), held)
}

// thousands writes a rate as people read it: 187,000.
func thousands(v float64) string {
	s := strconv.FormatInt(int64(v/1000+0.5), 10)
	if s == "0" {
		return strconv.FormatInt(int64(v+0.5), 10)
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s + ",000"
}

// report is what was measured: the text of docs/performance.md, and lines that benchstat compares.
type report struct {
	text strings.Builder
	stat strings.Builder
}

func newReport() *report {
	r := &report{}
	fmt.Fprintf(&r.stat, "goos: %s\ngoarch: %s\npkg: replayd/integration/bench\ncpu: %s\n", runtime.GOOS, runtime.GOARCH, processor())
	return r
}

// machine is where, when and with what was measured.
func machine(rounds, events int) string {
	return fmt.Sprintf("%s; %s, %d cores, %s of memory; %s, Kafka %s on the same machine; rounds: %d, of %s events",
		time.Now().UTC().Format(time.DateOnly), processor(), runtime.NumCPU(), memory(), runtime.Version(), harness.KafkaVersion, rounds, thousands(float64(events)))
}

func processor() string { return fieldOf("/proc/cpuinfo", "model name") }

func memory() string {
	kilobytes, _ := strconv.ParseFloat(strings.TrimSuffix(fieldOf("/proc/meminfo", "MemTotal"), " kB"), 64)
	return fmt.Sprintf("%.0f GiB", kilobytes/(1<<20))
}

// fieldOf is the value of a name in a file of lines with colons.
func fieldOf(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// add puts a comparison into the table, and each of its runs into the lines for benchstat.
func (r *report) add(c *comparison) {
	r.text.WriteString(c.row())
	for i := range c.ours {
		r.line(c.our, c.path+"/beside="+plainName(c.their), c.ours[i])
		r.line(c.their, c.path, c.theirs[i])
	}
}

// plainName is the name of a program without what means something in the name of a benchmark.
func plainName(program string) string { return strings.ReplaceAll(program, "/", "-") }

// line is one run in the format of Go's benchmarks.
func (r *report) line(program, path string, c cost) {
	fmt.Fprintf(&r.stat, "Benchmark%s/%s 1 %.1f ns/event %.1f cpu-ns/event %.0f B/s", strings.ToUpper(program[:1])+plainName(program)[1:], path,
		1e9/c.rate(), 1000*c.cpu(), float64(c.Bytes)/c.Seconds)
	if c.MaxRSS > 0 {
		fmt.Fprintf(&r.stat, " %d rss-B", c.MaxRSS)
	}
	r.stat.WriteString("\n")
}

// save writes both forms into a folder, if one is named.
func (r *report) save(t *testing.T, folder string) {
	t.Helper()
	if folder == "" {
		return
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(folder, "performance.md"), r.text.String())
	put(t, filepath.Join(folder, "performance.bench"), r.stat.String())
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The page, and the lines for benchstat of the same measurement.
const (
	pagePath  = "../../docs/performance.md"
	linesPath = "../../docs/performance.bench"
)

// What was measured stands on the page between these two.
const (
	pageBegin = "<!-- what make bench measured: begin -->\n"
	pageEnd   = "<!-- what make bench measured: end -->\n"
)

// publish puts what was measured into the documents.
func (r *report) publish(t *testing.T) {
	t.Helper()
	before, measured := page(t)
	_, after, _ := strings.Cut(before, measured+pageEnd)
	head, _, _ := strings.Cut(before, pageBegin)
	measured = "\n" + r.text.String() + "\n"
	put(t, pagePath, head+pageBegin+measured+pageEnd+after)
	put(t, linesPath, r.stat.String()+seal(measured))
}

// seal is the last line of what benchstat reads: a digest of what stands on the page.
func seal(measured string) string {
	return fmt.Sprintf("page: sha256:%x\n", sha256.Sum256([]byte(measured)))
}

// page is docs/performance.md, and what was measured on it.
func page(t *testing.T) (all, measured string) {
	t.Helper()
	text, err := os.ReadFile(pagePath)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, begun := strings.Cut(string(text), pageBegin)
	measured, _, ended := strings.Cut(rest, pageEnd)
	if !begun || !ended {
		t.Fatalf("%s does not say where what was measured begins and ends", pagePath)
	}
	return string(text), measured
}
