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

// limitMemory makes the runtime keep the process within its budget and what it has beside it, unless GOMEMLIMIT says how. It
// warns where the machine gives less than that.
func (a *app) limitMemory(budget int64) {
	given := givenMemory()
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit(budget, given))
	}
	if text := tooMuchMemory(budget, given); text != "" {
		a.log.Warn().Msg(text)
	}
}

// memoryLimit is the runtime's limit for a budget in a container that is given so much, 0: any. Of the container's a tenth is
// left for what the runtime does not count.
func memoryLimit(budget, given int64) int64 {
	if limit := budget + mostGarbage; given == 0 || limit < given/10*9 {
		return limit
	}
	return given / 10 * 9
}

// tooMuchMemory says what to do about a budget that a container has not got.
func tooMuchMemory(budget, given int64) string {
	if given == 0 || budget <= given-besideBudget {
		return ""
	}
	text := fmt.Sprintf("--memory is %v, and this process may take %v with all that it needs beside its budget, up to %v: it may be killed.",
		config.Size(budget), config.Size(given), config.Size(besideBudget))
	if fits := (given - besideBudget) >> 20 << 20; fits >= config.MinMemory {
		return text + fmt.Sprintf(" Give --memory %v or less, or the container more.", config.Size(fits))
	}
	return text + fmt.Sprintf(" Give the container %v or more.", config.Size(budget+besideBudget))
}
