package main

import (
	"fmt"
	"math"
	"runtime/debug"
	"strings"
	"testing"
)

func TestTheRuntimeIsLimitedByTheBudgetAndByTheContainer(t *testing.T) {
	for _, c := range []struct{ budget, given, want int64 }{
		{512 << 20, 0, 612 << 20},
		{512 << 20, 2 << 30, 612 << 20},
		{512 << 20, 600 << 20, 540 << 20},
	} {
		if got := memoryLimit(c.budget, c.given); got != c.want {
			t.Errorf("%d of %d: %d, want %d", c.budget, c.given, got, c.want)
		}
	}
}

func TestABudgetThatAContainerHasNotGotIsSaid(t *testing.T) {
	for _, c := range []struct {
		budget int64
		has    given
		says   string
	}{
		{512 << 20, given{}, ""},
		{512 << 20, given{662 << 20, "container"}, ""},
		{512 << 20, given{662<<20 - 1, "container"}, "Give --memory 511MiB or less, or the container more"},
		{512 << 20, given{100 << 20, "container"}, "Give the container 662MiB or more"},
		{64 << 30, given{24 << 30, "machine"}, "Give --memory 24426MiB or less, or the machine more"},
	} {
		got := tooMuchMemory(c.budget, c.has)
		if (got == "") != (c.says == "") || !strings.Contains(got, c.says) {
			t.Errorf("%d of %v: %q, want %q", c.budget, c.has, got, c.says)
		}
	}
}

// TestGOMEMLIMITDecides leaves the runtime to who set the variable.
func TestGOMEMLIMITDecides(t *testing.T) {
	before := debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	for variable, set := range map[string]bool{"": true, "1GiB": false} {
		debug.SetMemoryLimit(math.MaxInt64)
		t.Setenv("GOMEMLIMIT", variable)
		(&app{}).limitMemory(64 << 20)
		if limited := debug.SetMemoryLimit(-1) != math.MaxInt64; limited != set {
			t.Errorf("GOMEMLIMIT=%q: the runtime is limited: %v", variable, limited)
		}
	}
}

// TestRunAndCatLimitTheRuntime replays an event with a budget that no other test has.
func TestRunAndCatLimitTheRuntime(t *testing.T) {
	const budget = 77 << 20
	before := debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	t.Setenv("GOMEMLIMIT", "")
	b := newBench(t)
	b.put("o", []byte(`{"id":"a","t":"2026-11-01T12:00:00Z"}`))
	for name, words := range map[string][]string{
		"cat": {"cat"}, "run": append(b.here("run"), "--topic", "replay.a", "--create-topic"),
	} {
		debug.SetMemoryLimit(math.MaxInt64)
		b.replayd(append(append(words, "--memory", "77MiB"), b.what()...)...).want(exitOK)
		if got, want := debug.SetMemoryLimit(-1), memoryLimit(budget, givenMemory().size); got != want {
			t.Errorf("%s: the runtime is limited to %d bytes, want %d", name, got, want)
		}
	}
}

func TestDocumentsSayWhatAContainerNeeds(t *testing.T) {
	page := strings.Join(strings.Fields(read(t, "docs/reliability.md")), " ")
	for _, says := range []string{
		fmt.Sprintf("is given `--memory` and %d MiB or more", besideBudget>>20), fmt.Sprintf("within `--memory` and %d MiB,", mostGarbage>>20),
	} {
		if !strings.Contains(page, says) {
			t.Errorf("docs/reliability.md does not say %q", says)
		}
	}
}
