package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"replayd/archive/archivetest"
	"replayd/integration/harness"
	"replayd/integration/transcript"
)

// programs are what is measured.
type programs struct{ replayd, rivals string }

// build builds one program.
func build(t *testing.T, pkg string) string {
	t.Helper()
	folder := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", folder, pkg).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
	return filepath.Join(folder, path.Base(pkg))
}

// cost is what one run of a program took.
type cost struct {
	Events  int64   `json:"events"`
	Bytes   int64   `json:"bytes"` // of the events
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu_seconds"`
	MaxRSS  int64   `json:"max_rss_bytes"`
}

func (c cost) rate() float64 { return float64(c.Events) / c.Seconds }

// cpu are seconds of the processor for a million events, which are microseconds for one.
func (c cost) cpu() float64 { return c.CPU / float64(c.Events) * 1e6 }

// shape is how an archive is stored.
type shape struct{ format, codec string }

func (s shape) String() string {
	name := map[string]string{archivetest.FormatJSON: "concatenated JSON", archivetest.FormatLines: "JSON lines"}[s.format]
	if s.codec == archivetest.CodecNone {
		return name
	}
	return name + ", " + s.codec
}

// path is the shape as part of a benchmark's name.
func (s shape) path() string { return s.format + "-" + s.codec }

// stock is an archive of one shape.
type stock struct {
	shape
	folder  string
	plan    archivetest.Plan
	entries int64
}

// hours is how long the archive is. Its objects have up to 10 MB raw: two writers that close theirs at that size, or after a
// quarter of an hour.
const hours = 6

func write(t *testing.T, s shape, events int) *stock {
	t.Helper()
	start := time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)
	a := archivetest.Generate(archivetest.Plan{
		Seed: 1, Events: events, Writers: 2, FlushEvery: 15 * time.Minute, Format: s.format, Codec: s.codec,
		Start: start, Hours: hours, From: start, To: start.Add(hours * time.Hour), Odds: archivetest.Odds{Duplicates: 0.01},
	})
	folder := t.TempDir()
	if err := a.Write(folder); err != nil {
		t.Fatal(err)
	}
	return &stock{s, folder, a.Plan, a.Oracle().Receipt.Read}
}

func (st *stock) window() []string {
	return []string{st.plan.From.Format(time.RFC3339), st.plan.To.Format(time.RFC3339)}
}

// rival runs one of the rivals over st.
func (p programs) rival(t *testing.T, st *stock, name string, processors int, args ...string) cost {
	t.Helper()
	window := st.window()
	args = slices.Concat([]string{"-archive", st.folder, "-format", st.format, "-from", window[0], "-to", window[1]}, args, []string{name})
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

// run is a replay of st into a topic as a whole process, not started yet.
func (p programs) run(st *stock, brokers, topic string, args ...string) *process {
	window := st.window()
	args = append([]string{
		"run", "-o", "json", "--log-format", "json", "-b", brokers, "--archive", st.folder, "--layout", "pismo", "--format", st.format,
		"--event-id", "/event_id", "--event-time", "/timestamp", "--key", "/data/account_id",
		"--from", window[0], "--to", window[1], "--topic", topic, "--id", topic,
	}, args...)
	r := &process{cmd: exec.Command(p.replayd, args...)}
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.log
	return r
}

// process is replayd at work.
type process struct {
	cmd   *exec.Cmd
	out   bytes.Buffer // read it when the process has ended
	log   transcript.Transcript
	began time.Time
	peak  atomic.Int64  // bytes resident, as it was seen last
	done  chan struct{} // closed when looking has ended
}

func (p *process) start(t *testing.T) *process {
	t.Helper()
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	p.done = make(chan struct{})
	go p.look()
	return p
}

// look follows the memory of the process until it is gone.
func (p *process) look() {
	defer close(p.done)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		peak := harness.PeakMemory(p.cmd.Process.Pid)
		if peak == 0 {
			return
		}
		p.peak.Store(peak)
	}
}

// end waits for the end of a replay that completes. Its start and its control topics are part of the cost.
func (p *process) end(t *testing.T) cost {
	t.Helper()
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("replayd: %v\n%s", err, p.log.String())
	}
	c := cost{Seconds: time.Since(p.began).Seconds()}
	c.CPU = (p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()).Seconds()
	<-p.done
	c.MaxRSS = p.peak.Load()
	lines := strings.Split(strings.TrimSpace(p.out.String()), "\n")
	var receipt struct{ Read, Produced int64 }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &receipt); err != nil {
		t.Fatal(err)
	}
	c.Events = receipt.Read
	return c
}

// profile takes a profile of the processor for so many seconds into a file. It reports false when the process ended before,
// which may be on a machine with other work.
func (p *process) profile(t *testing.T, seconds int) (string, bool) {
	t.Helper()
	resp, err := http.Get(fmt.Sprintf("%sprofile?seconds=%d", p.profiles(t), seconds))
	if err != nil {
		t.Logf("no profile of a replay: %v", err)
		return "", false
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Logf("no profile of a replay: %s, %v", resp.Status, err)
		return "", false
	}
	file := filepath.Join(t.TempDir(), "replay.prof")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file, true
}

// profiles is the address that the log names.
func (p *process) profiles(t *testing.T) string {
	t.Helper()
	form := regexp.MustCompile(`"address":"(http://[^"]*/debug/pprof/)"`)
	limit := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if m := form.FindStringSubmatch(p.log.String()); m != nil {
			return m[1]
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("the log names no address for profiles:\n%s", p.log.String())
		}
	}
}
