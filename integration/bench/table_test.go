package bench

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"replayd/archive/archivetest"
	"replayd/integration/harness"
)

var (
	rounds = flag.Int("rounds", 1, "how often each comparison is run; make bench takes more")
	events = flag.Int("events", 5_000, "in the archives; make bench takes more")
)

// programs are built once.
type programs struct{ replayd, rivals string }

func build(t *testing.T) programs {
	t.Helper()
	folder := t.TempDir()
	for _, p := range []string{"replayd/cmd/replayd", "replayd/integration/bench/rivals"} {
		if out, err := exec.Command("go", "build", "-o", folder, p).CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", p, err, out)
		}
	}
	return programs{filepath.Join(folder, "replayd"), filepath.Join(folder, "rivals")}
}

// cost is what one run of a program took.
type cost struct {
	Events  int64   `json:"events"`
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu_seconds"`
	MaxRSS  int64   `json:"max_rss_bytes"`
}

func (c cost) rate() float64 { return float64(c.Events) / c.Seconds }

// cpu are seconds of the processor for a million events.
func (c cost) cpu() float64 { return c.CPU / float64(c.Events) * 1e6 }

// shape is how an archive is stored.
type shape struct{ format, codec string }

func (s shape) String() string { return s.format + ", " + s.codec }

// stock is an archive of one shape.
type stock struct {
	shape
	folder  string
	plan    archivetest.Plan
	entries int64
}

func write(t *testing.T, s shape) *stock {
	t.Helper()
	start := time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)
	a := archivetest.Generate(archivetest.Plan{
		Seed: 1, Events: *events, Writers: 8, Format: s.format, Codec: s.codec,
		Start: start, Hours: 6, From: start, To: start.Add(6 * time.Hour), Odds: archivetest.Odds{Duplicates: 0.01},
	})
	folder := t.TempDir()
	if err := a.Write(folder); err != nil {
		t.Fatal(err)
	}
	return &stock{s, folder, a.Plan, a.Oracle().Receipt.Read}
}

// rival runs one of the rivals over st.
func (p programs) rival(t *testing.T, st *stock, name string, processors int, args ...string) cost {
	t.Helper()
	window := []string{"-from", st.plan.From.Format(time.RFC3339), "-to", st.plan.To.Format(time.RFC3339)}
	args = slices.Concat([]string{"-archive", st.folder, "-format", st.format}, window, args, []string{name})
	cmd := exec.Command(p.rivals, args...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", processors))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var c cost
	if err := json.Unmarshal(out, &c); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return c
}

// replay runs replayd over st as a whole process: its start and its control topics are part of the cost.
func (p programs) replay(t *testing.T, st *stock, brokers, topic string) cost {
	t.Helper()
	cmd := exec.Command(p.replayd, "run", "-o", "json", "-b", brokers, "--archive", st.folder, "--layout", "pismo", "--format", st.format,
		"--event-id", "/event_id", "--event-time", "/timestamp", "--key", "/data/account_id", "--from", st.plan.From.Format(time.RFC3339),
		"--to", st.plan.To.Format(time.RFC3339), "--topic", topic, "--id", topic, "--pace", "unlimited")
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	began := time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatalf("replayd: %v\n%s", err, log.String())
	}
	c := cost{Seconds: time.Since(began).Seconds()}
	u := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	c.CPU, c.MaxRSS = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), u.Maxrss<<10
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var receipt struct{ Read, Produced int64 }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &receipt); err != nil {
		t.Fatal(err)
	}
	c.Events = receipt.Read
	return c
}

// TestTable runs every comparison and prints the table.
func TestTable(t *testing.T) {
	p := build(t)
	var out table
	for _, s := range []shape{
		{archivetest.FormatJSON, archivetest.CodecNone}, {archivetest.FormatJSON, archivetest.CodecZstd}, {archivetest.FormatJSON, archivetest.CodecGzip},
	} {
		st := write(t, s)
		out.compare(t, st, "engine to nowhere, one core", "encoding/json", *rounds,
			func() cost { return p.rival(t, st, "engine", 1) },
			func() cost { return p.rival(t, st, "decoder", 1) })
	}
	k := harness.StartKafka(t, harness.KafkaOptions{})
	admin := kadm.NewClient(k.Client(t))
	topics := 0
	topic := func() string {
		topics++
		name := fmt.Sprintf("bench.%d", topics)
		if _, err := admin.CreateTopic(t.Context(), 6, 1, nil, name); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {})
		return name
	}
	for _, s := range []shape{
		{archivetest.FormatJSON, archivetest.CodecNone},
		{archivetest.FormatLines, archivetest.CodecNone},
		{archivetest.FormatLines, archivetest.CodecZstd},
		{archivetest.FormatLines, archivetest.CodecGzip},
	} {
		st := write(t, s)
		processors := 2
		out.compare(t, st, "replay", "floor", *rounds,
			func() cost { return p.replay(t, st, k.Addr(), topic()) },
			func() cost { return p.rival(t, st, "floor", processors, "-brokers", k.Addr(), "-topic", topic()) })
		if s.codec == archivetest.CodecNone && s.format == archivetest.FormatJSON {
			out.compare(t, st, "replay", "bare", *rounds,
				func() cost { return p.replay(t, st, k.Addr(), topic()) },
				func() cost { return p.rival(t, st, "bare", processors, "-brokers", k.Addr(), "-topic", topic()) })
		}
	}
	t.Logf("%d rounds of %d events\n%s", *rounds, *events, out.String())
}

// table is what was measured.
type table struct{ strings.Builder }

// compare runs ours and theirs in turn and adds a row: medians, and the ratios of each round.
func (out *table) compare(t *testing.T, st *stock, our, their string, rounds int, ours, theirs func() cost) {
	t.Helper()
	var a, b []cost
	for range rounds {
		a, b = append(a, ours()), append(b, theirs())
		last := len(a) - 1
		if a[last].Events != st.entries || b[last].Events != st.entries {
			t.Fatalf("%s had %d events, %s %d, the archive %d", our, a[last].Events, their, b[last].Events, st.entries)
		}
	}
	row := fmt.Sprintf("%-14s %s / %s: rate %s, CPU %s; %s: %.0f events/s, %.2f CPU s/M, %d MiB; %s: %.0f events/s, %.2f CPU s/M\n", st, our, their,
		ratios(a, b, cost.rate), ratios(a, b, cost.cpu),
		our, median(a, cost.rate), median(a, cost.cpu), int(median(a, func(c cost) float64 { return float64(c.MaxRSS) }))>>20,
		their, median(b, cost.rate), median(b, cost.cpu))
	t.Log(row)
	out.WriteString(row)
}

// ratios is the median ratio of ours to theirs in the same round, and the least and largest.
func ratios(a, b []cost, of func(cost) float64) string {
	r := make([]float64, len(a))
	for i := range a {
		r[i] = of(a[i]) / of(b[i])
	}
	slices.Sort(r)
	return fmt.Sprintf("%.2fx [%.2f-%.2f]", r[len(r)/2], r[0], r[len(r)-1])
}

func median(c []cost, of func(cost) float64) float64 {
	v := make([]float64, len(c))
	for i := range c {
		v[i] = of(c[i])
	}
	slices.Sort(v)
	return v[len(v)/2]
}
