package replay

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestMemoryIsSaidThatIsEnoughForLargeEvents(t *testing.T) {
	for _, limit := range []int64{1, 960 << 10, 1<<20 + 1, 10 << 20, 64 << 20, 1 << 30} {
		o := Options{}
		o.Memory = o.MemoryFor(limit)
		if o.LargestEvent() < limit {
			t.Errorf("with %d bytes of memory events may have %d, of %d", o.Memory, o.LargestEvent(), limit)
		}
		if o.Memory -= 16 << 20; limit > 10<<20 && o.LargestEvent() >= limit {
			t.Errorf("%d bytes of memory would have been enough for events of %d", o.Memory, limit)
		}
	}
}

func TestEventsOfTheUsualLimitFitIntoEveryMemory(t *testing.T) {
	for _, memory := range []int64{leastMemory, 64 << 20, 0} {
		if most := (Options{Memory: memory}).LargestEvent(); most < 960<<10 {
			t.Errorf("with %d bytes of memory events may have %d", memory, most)
		}
	}
}

// TestDocumentsSayHowLargeEventsMayBe holds docs/reliability.md against LargestEvent for two processors.
func TestDocumentsSayHowLargeEventsMayBe(t *testing.T) {
	text, err := os.ReadFile("../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	two := func(memory int64) int64 { return Options{Memory: memory << 20, Open: 2}.LargestEvent() >> 20 }
	want := fmt.Sprintf("with two CPUs events of more than %d MiB with `--memory 16MiB`, %d MiB with `64MiB`, %d MiB with `512MiB`", two(16), two(64), two(512))
	if !strings.Contains(strings.Join(strings.Fields(string(text)), " "), want) {
		t.Errorf("docs/reliability.md does not say %q", want)
	}
}
