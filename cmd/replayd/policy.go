package main

import (
	"slices"

	"github.com/spf13/pflag"

	"replayd/replay"
)

// policyFlags say what becomes of events that are not as they should be, and which are wanted at all.
type policyFlags struct {
	late, conflict, missingID, bad string
	filter, value                  string
	limit                          int64
}

// stop is the choice that is not frozen.
const stop = "stop"

// What the --on- flags can be.
var (
	onLate      = []string{replay.Emit, replay.Quarantine, stop}
	onConflict  = []string{replay.Emit, replay.Drop, replay.Quarantine, stop}
	onMissingID = []string{replay.Emit, replay.Quarantine, stop}
	onBad       = []string{replay.Quarantine, stop}
)

func (p *policyFlags) add(set *pflag.FlagSet) {
	set.StringVar(&p.late, "on-late", "", "events that come later than the lateness puts right: emit (default, flagged), quarantine or stop")
	set.StringVar(&p.conflict, "on-conflict", "", "events with the id of another body: emit (default, flagged), drop, quarantine or stop")
	set.StringVar(&p.missingID, "on-missing-id", "", "events without id: emit (default, flagged), quarantine or stop")
	set.StringVar(&p.bad, "on-bad", "", "what cannot be read, and events on which the filter fails: quarantine (default) or stop")
	set.StringVar(&p.filter, "filter", "", `expression over event, time, id and key that keeps an event: 'event.type == "payment"'`)
	set.Int64Var(&p.limit, "limit", 0, "produce only the first N")
	set.StringVar(&p.value, "value", "", "JSON pointer to the part of the event that is produced (default: the whole)")
}

// freeze sets what was typed.
func (p *policyFlags) freeze(to *replay.Spec) {
	for _, c := range []struct {
		to    *string
		typed string
	}{{&to.OnLate, p.late}, {&to.OnConflict, p.conflict}, {&to.OnMissingID, p.missingID}, {&to.Filter, p.filter}} {
		if c.typed != stop {
			override(c.to, c.typed)
		}
	}
	if p.limit != 0 {
		to.Limit = p.limit
	}
	override(&to.Fields.Value, p.value)
}

// stopOn is what this session stops on.
func (p *policyFlags) stopOn() []string {
	var list []string
	for kind, typed := range map[string]string{
		replay.StopOnLate: p.late, replay.StopOnConflict: p.conflict, replay.StopOnMissingID: p.missingID, replay.StopOnBad: p.bad,
	} {
		if typed == stop {
			list = append(list, kind)
		}
	}
	slices.Sort(list)
	return list
}
