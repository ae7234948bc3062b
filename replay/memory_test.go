package replay

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestSharesOfMemoryAddUpToIt(t *testing.T) {
	for _, memory := range []int64{16 << 20, 64 << 20, 100 << 20, 512 << 20, 1 << 30, 64 << 30} {
		for _, workers := range []int{1, 2, 8, 64} {
			for _, open := range []int{workers, workers + 1, 256, 60_000} {
				s := divide(memory, open, workers)
				if sum := s.dedupe + s.inFlight + s.ahead + s.spilled + s.streams + s.runs; sum != memory {
					t.Errorf("%d bytes, %d objects, %d workers: %d bytes are shared out: %+v", memory, open, workers, sum, s)
				}
				if s.places != max(open-workers, 0) || s.streams > s.runs/2+1 || memory >= 64<<20 && s.runs < memory/16 {
					t.Errorf("%d bytes, %d objects, %d workers: %+v", memory, open, workers, s)
				}
			}
		}
	}
}

// TestDocumentsSayHowMemoryIsDivided holds the table of docs/reliability.md, which is for two processors, against divide.
func TestDocumentsSayHowMemoryIsDivided(t *testing.T) {
	text, err := os.ReadFile("../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	divided := []shares{divide(64<<20, defaultOpen, 2), divide(defaultMemory, defaultOpen, 2), divide(4<<30, defaultOpen, 2)}
	for name, of := range map[string]func(shares) int64{
		"duplicates": func(s shares) int64 { return s.dedupe }, "in flight": func(s shares) int64 { return s.inFlight },
		"being read": func(s shares) int64 { return s.ahead }, "on disk": func(s shares) int64 { return s.spilled },
		"read twice": func(s shares) int64 { return s.streams }, "in memory": func(s shares) int64 { return s.runs },
	} {
		row := fmt.Sprintf("| %s |", name)
		for _, s := range divided {
			row += fmt.Sprintf(" %d MiB |", (of(s)+1<<19)>>20)
		}
		if !strings.Contains(string(text), row) {
			t.Errorf("docs/reliability.md has no row that begins with %s", row)
		}
	}
}
