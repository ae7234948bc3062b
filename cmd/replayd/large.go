package main

import (
	"fmt"

	"replayd/config"
	"replayd/replay"
)

// warnOfLargeEvents says what to do about events of up to limit bytes that may take more memory than is said.
func (a *app) warnOfLargeEvents(o replay.Options, limit int64) {
	if text := tooLargeEvents(o, limit); text != "" {
		a.log.Warn().Msg(text)
	}
}

// checkLargeEvents warns of what a configuration that is otherwise right would let a replay take on a machine like this one.
func (a *app) checkLargeEvents() error {
	c, err := config.Load(a.configPath, a.environ)
	if err != nil {
		return &badConfig{err}
	}
	l := c.Limits
	a.warnOfLargeEvents(replay.Options{Memory: int64(l.Memory), Open: l.OpenObjects}, int64(l.EventSize))
	return nil
}

func tooLargeEvents(o replay.Options, limit int64) string {
	most := o.LargestEvent()
	if limit <= most {
		return ""
	}
	return fmt.Sprintf("events may have %v (limits.event_size), and some of them are in memory at the same time: should they be so large, "+
		"the process takes more than --memory %v and %v. Give --memory %v, or a limits.event_size of %v or less.",
		config.Size(limit), config.Size(o.Memory), config.Size(besideBudget), config.Size(o.MemoryFor(limit)), config.Size(most))
}
