package main

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/kafka"
)

// Offsets implements manager.Desk.
func (d *desk) Offsets(ctx context.Context, k *replay.Known, at time.Time) (api.Offsets, error) {
	p, err := d.cluster.OffsetsAt(ctx, k, at)
	if unbegun := new(kafka.Unbegun); errors.As(err, &unbegun) {
		return api.Offsets{}, api.NewProblem(http.StatusConflict, "%s", unbegun.Error())
	}
	if err != nil {
		return api.Offsets{}, problemOf(err)
	}
	o := api.Offsets{ID: k.Spec.ID, EventTime: at.UTC(), Known: p.Known, Topic: k.Spec.Topic, Partitions: []api.Partition{}}
	for _, partition := range slices.Sorted(maps.Keys(p.ByPartition)) {
		o.Partitions = append(o.Partitions, api.Partition{Partition: partition, Offset: p.ByPartition[partition]})
	}
	return o, nil
}

// Group implements manager.Desk.
func (d *desk) Group(ctx context.Context, k *replay.Known, group string) (api.Group, error) {
	g := api.Group{Group: group, ID: k.Spec.ID, Partitions: []api.GroupPartition{}}
	if k.Checkpoint == nil {
		return g, api.NewProblem(http.StatusConflict, "replay %s has produced nothing yet", k.Spec.ID)
	}
	p, err := d.cluster.GroupProgress(ctx, k.Checkpoint, group)
	if err != nil {
		return g, problemOf(err)
	}
	g.State, g.Lag, g.Done = p.State, p.Lag, p.Done
	for _, at := range p.Partitions {
		g.Partitions = append(g.Partitions, api.GroupPartition{Partition: at.Partition, Committed: at.Committed, Last: at.Last, Done: at.Done})
	}
	return g, nil
}
