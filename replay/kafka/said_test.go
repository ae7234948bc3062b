package kafka

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/replay"
)

// diesAt is a client's hook: its session is gone when a record of this key is acknowledged, and the transaction has not ended.
type diesAt struct {
	key string
	die func()
}

func (d *diesAt) OnProduceRecordUnbuffered(r *kgo.Record, err error) {
	if err == nil && string(r.Key) == d.key {
		d.die()
	}
}

// TestThatAReplayHasBegunIsSaidAgainUntilItProduces, where the first session died before the end of that transaction: it is read all the
// same, until compaction takes it away.
func TestThatAReplayHasBegunIsSaidAgainUntilItProduces(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	spec := daemonSpec("r")
	if err := v.Freeze(t.Context(), spec, replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	ctx, die := context.WithCancel(t.Context())
	defer die()
	dying := connect(t, f, &diesAt{startedKey("r"), die})
	s := dying.Sink(Settings{})
	t.Cleanup(s.Close)
	if _, err := s.Open(ctx, spec); err == nil {
		t.Fatal("the first session has not died")
	}
	known, err := c.Stored(t.Context(), "r")
	if err != nil || !known.Begun() {
		t.Fatalf("it is not read that r has begun: %v", err)
	}
	next, _ := open(t, c, spec)
	commit(t, next, chunk(10, 1, replay.Completed))
	next.Close()
	between, _ := open(t, c, hoursLater(4, testSpec("between"))) // its events are the newest then
	commit(t, between, of("between", chunk(200, 1, replay.Completed)))
	between.Close()
	config(t, c, cancelKey("nobody"), "{}") // the last batch is never compacted
	f.Compact()
	late := follow(t, connect(t, f))
	if k, _ := late.Find("r"); k.State() != replay.Completed {
		t.Errorf("behind compaction r is %s, begun %v: %v", k.State(), k.Begun, k.Err)
	}
	refusedIn(t, c, "replay", spec)
}

// TestASessionThatCannotSayThatItBeginsEnds, and does not fence again and again.
func TestASessionThatCannotSayThatItBeginsEnds(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	if err := opens(t, c, Settings{}, hoursLater(9, testSpec("first"))); err != nil {
		t.Fatal(err)
	}
	refusals := refuseStarted(f)
	if err := opens(t, c, Settings{}, testSpec("r")); err == nil || refusals.Load() != 1 {
		t.Errorf("refused %d times it ends with %v", refusals.Load(), err)
	}
}

// refuseStarted refuses whatever transactions write to the config topic, as a broker's policy does, and counts that.
func refuseStarted(f *kfake.Cluster) *atomic.Int64 {
	var refusals atomic.Int64
	config := f.TopicInfo("replayd.config").TopicID
	f.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		p := request.(*kmsg.ProduceRequest)
		if p.TransactionID == nil || len(p.Topics) != 1 || p.Topics[0].TopicID != config {
			return nil, nil, false
		}
		refusals.Add(1)
		refused, partition := kmsg.NewProduceResponseTopic(), kmsg.NewProduceResponseTopicPartition()
		partition.Partition, partition.ErrorCode = p.Topics[0].Partitions[0].Partition, kerr.PolicyViolation.Code
		refused.TopicID, refused.Partitions = config, append(refused.Partitions, partition)
		response := p.ResponseKind().(*kmsg.ProduceResponse)
		response.Topics = append(response.Topics, refused)
		return response, nil, true
	})
	return &refusals
}
