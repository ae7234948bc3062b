package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// reach is from where to where topics reach now, by partition. The ends were asked for first.
type reach struct{ ends, starts kadm.ListedOffsets }

// reach asks for that, of topics that exist. What cannot be asked is not in it.
func (c *Cluster) reach(ctx context.Context, topics ...string) (r reach) {
	if len(topics) == 0 {
		return r
	}
	ends, err := c.admin.ListEndOffsets(ctx, topics...)
	if err == nil {
		r.ends = ends
		r.starts, err = c.admin.ListStartOffsets(ctx, topics...)
	}
	if err != nil {
		c.options.Log.Debug().Err(err).Msg("how far topics reach is not to be learnt now")
	}
	return r
}

// endsLimit is how long it is asked where a topic ends, of which a replay is forgotten: it is forgotten all the same.
const endsLimit = 5 * time.Second

// endsNow are the ends of the partitions of the topic that has that id; nil where they cannot be learnt.
func (c *Cluster) endsNow(ctx context.Context, topic, id string) []int64 {
	ctx, cancel := context.WithTimeout(ctx, endsLimit)
	defer cancel()
	detail, err := c.topicDetail(ctx, topic)
	if err != nil || detail.ID.String() != id {
		return nil
	}
	ends, err := c.ends(ctx, topic, int32(len(detail.Partitions)))
	if err != nil {
		c.options.Log.Debug().Err(err).Msg("a trace stays as long as the topic, since its ends are not to be learnt now")
		return nil
	}
	return ends
}

// tracedEnds is how many offsets a trace holds at most, of some 8 bytes each: those of a topic with more partitions share them.
const tracedEnds = 16

// reaches notes that all that the replay has put into its topic stands before the ends of its partitions: a partition's number modulo
// that of the offsets tells its own, which is the largest of those that share it.
func (t *trace) reaches(ends []int64) {
	t.Partitions, t.Ends = int32(len(ends)), nil
	for p, end := range ends {
		if p < tracedEnds {
			t.Ends = append(t.Ends, end)
			continue
		}
		t.Ends[p%tracedEnds] = max(t.Ends[p%tracedEnds], end)
	}
}

// faded reports whether all that the replay has put into its topic is deleted there, as by retention. Times do not tell: records may
// have those of their events. A partition that is not told of, such as one without a leader, may hold something.
func (t *trace) faded(r reach) bool {
	for p := range t.Partitions {
		end, told := r.ends.Lookup(t.Topic, p)
		start, also := r.starts.Lookup(t.Topic, p)
		if !told || !also || end.Err != nil || start.Err != nil || start.Offset < t.before(p, end.Offset) {
			return false
		}
	}
	return len(t.Ends) > 0
}

// before is the offset before which all stands that the replay has put into a partition, which ends there now. One with an offset of
// its own needs no more, and is not taken for empty when it was only cut. Of those that share one, some may never come so far.
func (t *trace) before(p int32, end int64) int64 {
	noted := t.Ends[int(p)%len(t.Ends)]
	if int(t.Partitions) > len(t.Ends) {
		return min(noted, end)
	}
	return noted
}
