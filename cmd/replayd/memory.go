package main

import (
	"fmt"
	"os"
	"runtime/debug"

	"replayd/config"
)

const (
	// besideBudget is what a process takes beside its budget: program, stacks, client of Kafka, connections.
	besideBudget = 150 << 20

	// mostGarbage is how far beyond the budget the runtime may go before it collects garbage whatever that costs.
	mostGarbage = 100 << 20
)

// given is how much memory a process has, and of what: the machine, or a container. 0: that is not known.
type given struct {
	size int64
	by   string
}

// limitMemory makes the runtime keep the process within its budget and what it has beside it, unless GOMEMLIMIT says how. It
// warns where the machine gives less than that.
func (a *app) limitMemory(budget int64) {
	has := givenMemory()
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit(budget, has.size))
	}
	if text := tooMuchMemory(budget, has); text != "" {
		a.log.Warn().Msg(text)
	}
}

// memoryLimit is the runtime's limit for a budget where a process has so much, 0: any. Of that a tenth is left for what the
// runtime does not count.
func memoryLimit(budget, has int64) int64 {
	if limit := budget + mostGarbage; has == 0 || limit < has/10*9 {
		return limit
	}
	return has / 10 * 9
}

// tooMuchMemory says what to do about a budget that a container, or the machine, has not got.
func tooMuchMemory(budget int64, has given) string {
	if has.size == 0 || budget <= has.size-besideBudget {
		return ""
	}
	text := fmt.Sprintf("--memory is %v, and this process may take %v with all that it needs beside its budget, up to %v: it may be killed.",
		config.Size(budget), config.Size(has.size), config.Size(besideBudget))
	if fits := (has.size - besideBudget) >> 20 << 20; fits >= config.MinMemory {
		return text + fmt.Sprintf(" Give --memory %v or less, or the %s more.", config.Size(fits), has.by)
	}
	return text + fmt.Sprintf(" Give the %s %v or more.", has.by, config.Size(budget+besideBudget))
}
