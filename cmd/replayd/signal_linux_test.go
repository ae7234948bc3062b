package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTheSecondSignalLeavesAFilterThatNeverEnds waits until the filter has worked: what comes before it takes far less.
func TestTheSecondSignalLeavesAFilterThatNeverEnds(t *testing.T) {
	t.Parallel()
	b := nowhere(t)
	b.many(2)
	p := b.start(append([]string{"cat", "--filter", `let a = 1..9999; all(a, all(a, all(a, # > 0)))`}, slices.Delete(b.what(), 2, 6)...)...) // its layout is recognised
	p.until("it to begin", func() bool { return strings.Contains(p.err.String(), "recognised") })
	before := p.worked()
	p.until("the filter to work", func() bool { return p.worked() >= before+time.Second })
	p.insist(syscall.SIGTERM).want(exitInterrupted, "interrupted: not all is printed")
}

// worked is the time of the CPU that the process has taken for itself, in ticks of 10 ms: the 14th field of its stat, proc(5).
func (p *process) worked() time.Duration {
	p.t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	_, behindName, _ := strings.Cut(string(stat), ") ")
	var ticks int64
	if _, err := fmt.Sscan(strings.Fields(behindName)[11], &ticks); err != nil {
		p.t.Fatal(err)
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
