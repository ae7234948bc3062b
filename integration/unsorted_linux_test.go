package integration

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var memoryUnsorted = flag.Float64("memory-unsorted", 0.75, "size of the object that TestMemoryOfAnObjectWithoutOrder reads, as a part of its budget")

// TestMemoryOfAnObjectWithoutOrder reads one object that does not fit, is in no order at all, and cannot be compressed: nearly
// all of the budget is its own, and spilled at once. What comes out is what sorting gives.
func TestMemoryOfAnObjectWithoutOrder(t *testing.T) {
	t.Parallel()
	const budget = 768 // MiB
	folder := t.TempDir()
	name := filepath.Join(folder, "2026", "11", "01", "12", "events-1-2026-11-01-12-00-00-a")
	o := newUnsorted(int(*memoryUnsorted * (budget << 20) / unsortedLine))
	if err := o.write(name); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	c := cat(t, os.Environ(), "--archive", folder, "--layout", "firehose", "--format", "jsonl", "--event-id", "/id", "--event-time", "/t",
		"--from", "2026-11-01T12", "--for", "1h", "--lateness", "1h", "--memory", fmt.Sprintf("%dMiB", budget))
	t.Logf("%d events: %d MiB resident of %d MiB, %.1f s, CPU %.1f s", len(o.times), c.resident>>20, budget, time.Since(began).Seconds(), c.cpu.Seconds())
	if want := o.sorted(); c.sum != want {
		t.Errorf("%d events of %d, digest %s, want %s", c.lines, len(o.times), c.sum, want)
	}
	if c.resident > (budget+150)<<20 {
		t.Errorf("%d MiB were resident", c.resident>>20)
	}
}

// unsortedLine is the length of a line, with its newline.
const unsortedLine = 1000

// unsorted is an object of lines whose times are drawn from an hour. Of what they hold every byte is drawn, too.
type unsorted struct{ times []time.Time }

func newUnsorted(lines int) *unsorted {
	o, rng, began := &unsorted{times: make([]time.Time, lines)}, rand.New(rand.NewPCG(1, 2)), time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for i := range o.times {
		o.times[i] = began.Add(time.Duration(rng.Int64N(int64(time.Hour))).Truncate(time.Microsecond))
	}
	return o
}

// line appends line n without its newline.
func (o *unsorted) line(b []byte, n int) []byte {
	b = fmt.Appendf(b, `{"id":"%08d","t":"%s","p":"`, n, o.times[n].Format("2006-01-02T15:04:05.000000Z"))
	var noise [unsortedLine]byte
	_, _ = rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}).Read(noise[:])
	b = base64.StdEncoding.AppendEncode(b, noise[:])
	return append(b[:unsortedLine-3], `"}`...)
}

func (o *unsorted) write(name string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return o.lines(f, func(yield func(int) bool) {
		for n := range o.times {
			if !yield(n) {
				return
			}
		}
	})
}

// sorted is the digest of the lines in the order of their times and places.
func (o *unsorted) sorted() string {
	order := make([]int, len(o.times))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return o.times[a].Compare(o.times[b]) })
	sum := sha256.New()
	if err := o.lines(sum, slices.Values(order)); err != nil {
		return err.Error()
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func (o *unsorted) lines(w io.Writer, order func(func(int) bool)) error {
	to := bufio.NewWriterSize(w, 1<<20)
	var line []byte
	for n := range order {
		line = append(o.line(line[:0], n), '\n')
		if _, err := to.Write(line); err != nil {
			return err
		}
	}
	return to.Flush()
}
