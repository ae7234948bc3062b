package bench

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"replayd/archive/archivetest"
)

var (
	soakHours  = flag.Int("soak-hours", 30, "of the archive of TestSoak; make soak takes 100")
	soakEvents = flag.Int("soak-events", 8_000, "in each of its hours; make soak takes 20,000")
)

// hourLine is what rivals soak tells at a commit at which hours of the archive have passed.
type hourLine struct {
	Hour     int   `json:"hour"`     // so many
	Resident int64 `json:"resident"` // bytes, the most since the line before
	Heap     int64 `json:"heap"`     // bytes that were live
}

// settled is how many hours may pass before memory must not grow: the index of duplicates fills for the horizon, and the
// collector finds its size.
const settled = 10

// TestSoak replays a long window of small events and looks at the memory of the process as the hours pass: what grows with
// them, and be it little, is a leak that would end a replay of a month. It goes into a sink that keeps nothing, because a
// broker inside the process would keep all, and with a real one the buffers of the Kafka client would hide the rest.
//
// The long form looks at what is resident, as whoever limits a container does, in the mean. With few hours that is noise, so
// the short form looks at what is live after a collection, while all stages are full.
func TestSoak(t *testing.T) {
	lines := soaked(t, soakArchive(t))
	memory, of := func(l hourLine) int64 { return l.Heap }, slices.Max[[]float64]
	if *soakHours >= 100 {
		memory, of = func(l hourLine) int64 { return l.Resident }, mean
	}
	var halves [2][]float64 // behind the hours in which it settles
	var told []string
	for _, l := range lines {
		told = append(told, fmt.Sprintf("%d: %.1f", l.Hour, float64(memory(l))/(1<<20)))
		if l.Hour > settled && l.Hour < *soakHours { // the last commit has let go of nearly all
			half := 2 * (l.Hour - settled) / (*soakHours - settled)
			halves[half] = append(halves[half], float64(memory(l)))
		}
	}
	t.Logf("MiB at commits, behind so many hours: %s", strings.Join(told, ", "))
	if len(halves[0]) == 0 || len(halves[1]) == 0 {
		t.Fatal("too few commits")
	}
	first, second := of(halves[0]), of(halves[1])
	t.Logf("in the first half behind hour %d: %.1f MiB, in the second %.1f", settled, first/(1<<20), second/(1<<20))
	if second > 1.1*first {
		t.Errorf("memory has grown with the hours")
	}
}

func mean(values []float64) (sum float64) {
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// soakArchive writes the archive, some hours at a time: all of them at once would not fit into memory here.
func soakArchive(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for first := 0; first < *soakHours; first += 10 {
		n := min(10, *soakHours-first)
		a := archivetest.Generate(archivetest.Plan{
			Seed: uint64(first + 1), Start: soakStart.Add(time.Duration(first) * time.Hour), Hours: n, Events: n * *soakEvents, MeanSize: 1,
			Writers: 2, Format: archivetest.FormatLines, Codec: archivetest.CodecZstd, Odds: archivetest.Odds{Duplicates: 0.02, Late: 0.01, Delayed: 0.02},
		})
		if err := a.Write(folder); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

var soakStart = time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)

func soaked(t *testing.T, folder string) []hourLine {
	t.Helper()
	binary := build(t, "replayd/integration/bench/rivals")
	args := []string{
		"-archive", folder, "-format", "jsonl", "-from", soakStart.Format(time.RFC3339), "-memory", fmt.Sprint(64 << 20), "-spill", t.TempDir(),
		"-to", soakStart.Add(time.Duration(*soakHours) * time.Hour).Format(time.RFC3339), fmt.Sprintf("-collect=%t", *soakHours < 100), "soak",
	}
	cmd := exec.Command(binary, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("soak: %v", err)
	}
	var lines []hourLine
	for text := range bytes.Lines(out) {
		var l hourLine
		if err := json.Unmarshal(text, &l); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if l.Hour > 0 {
			lines = append(lines, l)
		}
	}
	return lines
}
