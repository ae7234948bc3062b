package main

import (
	"context"
	"fmt"
	"time"

	"replayd/archive"
	"replayd/replay"
)

// readable refuses a window of which the archive may still grow, or of which something lies in cold storage, before the
// sink writes anything. A replay that is continued may have left the cold hours behind, so that it is told where it meets
// one.
func (a *app) readable(ctx context.Context, j *job) error {
	if err := j.growing(); err != nil || j.resumes {
		return err
	}
	fetcher := &archive.Fetcher{Store: j.source.Store, GiveUp: j.options.GiveUp, Waiting: func(err error) {
		if err != nil {
			a.log.Warn().Err(err).Msg("waiting for the archive")
		}
	}}
	found, err := replay.FindCold(ctx, &j.spec, j.source, fetcher)
	if err != nil {
		return fmt.Errorf("look for objects in cold storage: %w", err)
	}
	if refusal := found.Refusal(); refusal != nil {
		return refusal
	}
	if until := found.Until(); !until.IsZero() {
		a.log.Warn().Msg(expires(until))
	}
	return nil
}

// coldItems are what plan tells of it.
func coldItems(found *replay.Cold, resumes bool) []plannedItem {
	var items []plannedItem
	if r := found.Refusal(); r != nil {
		items = append(items, plannedItem{Item: r.Item, Refused: !resumes, Always: true, What: r.What, Next: r.Next})
	}
	if until := found.Until(); !until.IsZero() {
		items = append(items, plannedItem{Item: replay.ItemGlacier, What: expires(until)})
	}
	return items
}

func expires(until time.Time) string {
	return "objects that were restored from cold storage can be read until " + until.UTC().Format(time.RFC3339) +
		"; a replay that has not come to them by then fails, and can be continued when they are restored again"
}
