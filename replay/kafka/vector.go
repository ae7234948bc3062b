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

// with is the vector when records, made of from and acknowledged in their order, are committed. It reports false when an
// offset comes that was there before: the topic was made anew.
func (v *vector) with(records []kgo.Record, from []replay.Record) ([]replay.Partition, bool) {
	partitions := slices.Clone(v.partitions)
	sums := make([]sum, len(partitions))
	for i := range partitions {
		sums[i] = sumOf(&partitions[i])
	}
	for i := range records {
		if !sums[records[i].Partition].add(records[i].Offset, &from[i]) {
			return nil, false
		}
	}
	for i := range partitions {
		sums[i].write(&partitions[i])
	}
	return partitions, true
}

// sum is the account of a partition while a transaction is added to it: numbers only, for it is done for every record.
type sum struct {
	records     int64
	last        int64 // offset that every further one is above
	first, till int64 // least and largest event time, ns since 1970
	timed       bool  // they are set
}

func sumOf(p *replay.Partition) sum {
	s := sum{last: p.StartOffset - 1}
	if p.LastOffset != nil {
		s.last = *p.LastOffset
	}
	return s
}

func (s *sum) add(offset int64, from *replay.Record) bool {
	if offset <= s.last {
		return false
	}
	s.last = offset
	s.records++
	if !from.HasTime {
		return true
	}
	if !s.timed {
		s.first, s.till, s.timed = from.EventTime, from.EventTime, true
	}
	s.first, s.till = min(s.first, from.EventTime), max(s.till, from.EventTime)
	return true
}

// write adds what was summed up to p.
func (s *sum) write(p *replay.Partition) {
	if s.records == 0 {
		return
	}
	p.Records += s.records
	last := s.last
	p.LastOffset = &last
	if !s.timed {
		return
	}
	if first := time.Unix(0, s.first).UTC(); p.FirstEvent.IsZero() || first.Before(p.FirstEvent) {
		p.FirstEvent = first
	}
	if till := time.Unix(0, s.till).UTC(); till.After(p.LastEvent) {
		p.LastEvent = till
	}
}
