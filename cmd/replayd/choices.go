package main

import (
	"fmt"
	"slices"

	"github.com/spf13/pflag"

	"replayd/replay"
	"replayd/replay/api"
)

// addChoices adds the flags by which a replay is resumed with other choices. They mean what those of run mean.
func addChoices(set *pflag.FlagSet, r *api.Resume) {
	set.StringSliceVar(&r.Allow, "allow", nil, "go on in spite of refusals, by name, until it is resumed again: archive-change, ...")
	set.StringVar(&r.MaxBad, "max-bad", "", "share of bad entries that stops the replay: 5%")
	set.StringVar(&r.OnBad, "on-bad", "", "stop before what cannot be read, or quarantine it")
	set.StringVar(&r.OnConflict, "on-conflict", "", "stop before events with the id of another body; or no more: emit, drop or quarantine, as it was started")
	set.StringVar(&r.OnLate, "on-late", "", "likewise events that come too late: stop, emit or quarantine")
	set.StringVar(&r.OnMissingID, "on-missing-id", "", "likewise events without id: stop, emit or quarantine")
}

// Choices implements manager.Desk.
func (d *desk) Choices(k *replay.Known, r api.Resume) (map[string]replay.Choice, error) {
	made := map[string]replay.Choice{}
	var wrong []api.FieldError
	for _, c := range []struct{ name, field, asked, frozen string }{
		{replay.StopOnLate, "on_late", r.OnLate, k.Spec.OnLate},
		{replay.StopOnConflict, "on_conflict", r.OnConflict, k.Spec.OnConflict},
		{replay.StopOnBad, "on_bad", r.OnBad, replay.Quarantine},
		{replay.StopOnMissingID, "on_missing_id", r.OnMissingID, k.Spec.OnMissingID},
	} {
		switch c.asked {
		case "":
		case stop, c.frozen:
			made[c.name] = replay.Choice{Stop: c.asked == stop}
		default:
			wrong = append(wrong, api.FieldError{
				Location: "body." + c.field, Value: c.asked, Message: fmt.Sprintf("%s is frozen: it can be %s or %s", c.frozen, c.frozen, stop),
			})
		}
	}
	for _, item := range r.Allow {
		if !slices.Contains(allowable, item) {
			wrong = append(wrong, api.FieldError{Location: "body.allow", Value: item, Message: fmt.Sprintf("allow %q: %s", item, oneOf(allowable))})
		}
	}
	if len(r.Allow) > 0 || len(k.Choices[replay.ChoiceAllow].Allow) > 0 || k.Unread() == replay.ChoiceAllow {
		made[replay.ChoiceAllow] = replay.Choice{Allow: r.Allow}
	}
	if r.MaxBad != "" {
		most, err := share(r.MaxBad)
		if err != nil {
			wrong = append(wrong, usages(err)...)
		}
		made[replay.ChoiceMaxBad] = replay.Choice{MaxBad: most}
	}
	return made, api.Invalid(wrong...)
}
