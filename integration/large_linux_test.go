package integration

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestMemoryOfLargeEventsThatOverlap reads objects that all reach over the hour and hold a few large events each: there are as
// many events that could be the next one as objects, or more where they are in no order, and they do not fit together.
func TestMemoryOfLargeEventsThatOverlap(t *testing.T) {
	t.Parallel()
	const objects, events, budget = 300, 3, 16 // MiB
	for _, c := range []struct {
		name    string
		ordered bool
	}{{"in order", true}, {"in no order", false}} {
		t.Run(c.name, func(t *testing.T) {
			seed := rand.Uint64()
			folder := t.TempDir()
			want, err := large(folder, objects, events, 700_000, c.ordered, rand.New(rand.NewPCG(seed, 1)))
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			p := cat(t, os.Environ(), "--archive", folder, "--layout", "firehose", "--format", "jsonl", "--event-id", "/id", "--event-time", "/t",
				"--from", "2026-11-01T12", "--for", "1h", "--lateness", "1h", "--memory", fmt.Sprintf("%dMiB", budget))
			t.Logf("seed %d: %d MiB resident of %d MiB, %.1f s, CPU %.1f s", seed, p.resident>>20, budget, time.Since(began).Seconds(), p.cpu.Seconds())
			if p.sum != want {
				t.Errorf("seed %d: %d events of %d, digest %s, want %s", seed, p.lines, objects*events, p.sum, want)
			}
			if p.resident > (budget+150)<<20 {
				t.Errorf("seed %d: %d MiB were resident", seed, p.resident>>20)
			}
		})
	}
}

// large writes objects of large events, and returns the digest of these in the order of their times, all of which differ.
func large(folder string, objects, events, size int, ordered bool, rng *rand.Rand) (string, error) {
	folder = filepath.Join(folder, "2026", "11", "01", "12")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	times := rng.Perm(objects * events)
	for o := range objects {
		of := times[o*events:][:events]
		if ordered {
			slices.Sort(of)
		}
		var b bytes.Buffer
		w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		for i := 0; i < events && err == nil; i++ {
			_, err = w.Write(largeLine(of[i], size))
		}
		if err != nil {
			return "", err
		}
		if err := w.Close(); err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("events-1-2026-11-01-12-00-00-%03d.gz", o)), b.Bytes(), 0o600); err != nil {
			return "", err
		}
	}
	sum := sha256.New()
	for at := range objects * events {
		_, _ = sum.Write(largeLine(at, size))
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// largeLine is the event of one second of the hour.
func largeLine(at, size int) []byte {
	second := time.Date(2026, 11, 1, 12, 0, at, 0, time.UTC)
	line := fmt.Appendf(nil, `{"id":"%d","t":"%s","p":"`, at, second.Format(time.RFC3339))
	return append(append(line, bytes.Repeat([]byte("p"), size-len(line)-3)...), "\"}\n"...)
}
