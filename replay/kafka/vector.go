package kafka

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// vector is where a replay stands in each partition of its topic, as of the newest commit.
type vector struct{ partitions []replay.Partition }

func newVector(p []replay.Partition) *vector { return &vector{partitions: slices.Clone(p)} }

// keep makes p the newest commit's.
func (v *vector) keep(p []replay.Partition) { v.partitions = slices.Clone(p) }

// begin starts the account of a transaction.
func (v *vector) begin() *acks { return &acks{partitions: slices.Clone(v.partitions)} }

// acks is what a transaction adds to the vector. Acknowledgements of one partition come in order of offsets.
type acks struct {
	partitions []replay.Partition
	regressed  bool // an offset came that was there before: the topic was made anew
}

func (a *acks) add(r *kgo.Record, from *replay.Record) {
	p := &a.partitions[r.Partition]
	p.Records++
	if p.LastOffset != nil && r.Offset <= *p.LastOffset || r.Offset < p.StartOffset {
		a.regressed = true
	}
	offset := r.Offset
	p.LastOffset = &offset
	if !from.HasTime {
		return
	}
	t := time.Unix(0, from.EventTime).UTC()
	if p.FirstEvent.IsZero() || t.Before(p.FirstEvent) {
		p.FirstEvent = t
	}
	if t.After(p.LastEvent) {
		p.LastEvent = t
	}
}
