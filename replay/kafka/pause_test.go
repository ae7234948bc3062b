package kafka

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

func TestPausesBetweenTriesGrowToTheLongest(t *testing.T) {
	t.Parallel()
	wait, tries := anyRetry, 0
	for ; wait < longestPause; tries++ {
		next := longer(wait)
		if next <= wait || next > longestPause || tries > 10 {
			t.Fatalf("behind %s comes %s, try %d", wait, next, tries)
		}
		wait = next
	}
	if next := longer(wait); next != longestPause {
		t.Errorf("behind the longest comes %s", next)
	}
}

func TestANewcomerThatWasFencedLetsTheOtherFinish(t *testing.T) {
	t.Parallel()
	fenced := fmt.Errorf("barrier: %w", kerr.ProducerFenced)
	lengths := map[time.Duration]bool{}
	for range 20 {
		p := pause(anyRetry, true, fenced)
		if p < time.Second || p > 3*time.Second {
			t.Errorf("it waits %s", p)
		}
		lengths[p] = true
	}
	if len(lengths) < 2 {
		t.Error("all newcomers wait equally long, and meet again")
	}
	if p := pause(anyRetry, false, fenced); p != anyRetry { // it has owned the replay before: the next look says who does
		t.Errorf("an owner waits %s", p)
	}
	if p := pause(anyRetry, true, io.ErrUnexpectedEOF); p != anyRetry {
		t.Errorf("behind another error it waits %s", p)
	}
}
