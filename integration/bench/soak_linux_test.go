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
	memory, of := func(l hourLine) int64 { return l.Heap }, slices.Max[[]float64]
	if *soakHours >= resident {
		memory, of = func(l hourLine) int64 { return l.Resident }, mean
	}
	first, second := halves(t, soaked(t, *soakHours, *soakEvents), *soakHours, memory)
	early, late := of(first), of(second)
	t.Logf("in the first half behind hour %d: %.1f MiB, in the second %.1f", settled, early/(1<<20), late/(1<<20))
	if late > 1.1*early {
		t.Errorf("memory has grown with the hours")
	}
}

// resident is from how many hours on what is resident is looked at, not what is live.
const resident = 100

// halves are the memory at the commits behind the hours in which it settles, in two halves of the hours.
func halves(t *testing.T, lines []hourLine, hours int, of func(hourLine) int64) (first, second []float64) {
	t.Helper()
	var told []string
	for _, l := range lines {
		told = append(told, fmt.Sprintf("%d: %.1f", l.Hour, float64(of(l))/(1<<20)))
		switch {
		case l.Hour <= settled || l.Hour >= hours: // the last commit has let go of nearly all
		case 2*(l.Hour-settled) < hours-settled:
			first = append(first, float64(of(l)))
		default:
			second = append(second, float64(of(l)))
		}
	}
	t.Logf("MiB at commits, behind so many hours: %s", strings.Join(told, ", "))
	if len(first) == 0 || len(second) == 0 {
		t.Fatal("too few commits")
	}
	return first, second
}

func mean(values []float64) (sum float64) {
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// soakArchive writes the archive, some hours at a time: all of them at once would not fit into memory here.
func soakArchive(t *testing.T, hours, events int) string {
	t.Helper()
	folder := t.TempDir()
	for first := 0; first < hours; first += 10 {
		n := min(10, hours-first)
		a := archivetest.Generate(archivetest.Plan{
			Seed: uint64(first + 1), Start: soakStart.Add(time.Duration(first) * time.Hour), Hours: n, Events: n * events, MeanSize: 1,
			Writers: 2, Format: archivetest.FormatLines, Codec: archivetest.CodecZstd, Odds: archivetest.Odds{Duplicates: 0.02, Late: 0.01, Delayed: 0.02},
		})
		if err := a.Write(folder); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

var soakStart = time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)

// soaked replays the archive and returns what was told of memory.
func soaked(t *testing.T, hours, events int) []hourLine {
	t.Helper()
	folder := soakArchive(t, hours, events)
	binary := build(t, "replayd/integration/bench/rivals")
	args := []string{
		"-archive", folder, "-format", "jsonl", "-from", soakStart.Format(time.RFC3339), "-memory", fmt.Sprint(64 << 20), "-spill", t.TempDir(),
		"-to", soakStart.Add(time.Duration(hours) * time.Hour).Format(time.RFC3339), fmt.Sprintf("-collect=%t", hours < resident), "soak",
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
