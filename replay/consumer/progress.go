package consumer

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Partition is what a replay put into one partition of its topic, as its receipt tells it.
type Partition struct {
	Topic       string `json:"topic"`
	Partition   int32  `json:"partition"`
	Records     int64  `json:"records"`
	StartOffset int64  `json:"start_offset"`          // nothing of the replay stands before it
	LastOffset  *int64 `json:"last_offset,omitempty"` // of the replay's last record; nil when it has none here
}

// Progress is how far a consumer has come. The zero value knows of nothing; it serves any number of topics and replays
// and is safe for concurrent use.
//
// Feed it with what one consumer processes, or, where several share the work or a program was restarted, with the
// offsets that the group has committed, or with both: the furthest counts.
type Progress struct {
	mu   sync.Mutex
	next map[place]int64 // offset that comes next
}

type place struct {
	topic     string
	partition int32
}

// Processed notes that r and everything before it in its partition was handled, or passed over on purpose. A program
// that handles records of a partition side by side calls it for the last one behind which none is open.
func (p *Progress) Processed(r *kgo.Record) { p.Committed(r.Topic, r.Partition, r.Offset+1) }

// Committed notes an offset as Kafka commits it: that of the next record to be read. It never takes progress back.
func (p *Progress) Committed(topic string, partition int32, next int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == nil {
		p.next = map[place]int64{}
	}
	at := place{topic, partition}
	p.next[at] = max(p.next[at], next)
}

// Done reports whether all of a replay was consumed: in each partition that holds any of it, the last record was. What
// stands behind that, the marker of its transaction, is no record and need not be reached.
//
// The partitions are those of the receipt, which exists once the replay has ended. Without any there is no receipt yet,
// and nothing is done.
func (p *Progress) Done(partitions []Partition) bool {
	return len(partitions) > 0 && len(p.Open(partitions)) == 0
}

// Open are those of the partitions in which something of the replay was not consumed yet.
func (p *Progress) Open(partitions []Partition) []Partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	var open []Partition
	for _, q := range partitions {
		if q.LastOffset != nil && p.next[place{q.Topic, q.Partition}] <= *q.LastOffset {
			open = append(open, q)
		}
	}
	return open
}
