package kafka

import (
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/replay"
)

// TestAReplayThatHasEndedCanBeRead has markers that follow a while behind the decision, first those of the topic, then that
// of the news.
func TestAReplayThatHasEndedCanBeRead(t *testing.T) {
	t.Parallel()
	f := fake(t)
	s, _ := open(t, connect(t, f), testSpec("r"))
	commit(t, s, chunk(10, 1, replay.Running))
	hidden := map[string]*atomic.Int32{"replay": {}, "replayd.status": {}}
	for _, left := range hidden {
		left.Store(3)
	}
	hide(f, hidden)
	commit(t, s, chunk(10, 11, replay.Running))
	if n := hidden["replay"].Load(); n != 3 {
		t.Errorf("a commit in between waited: %d of 3 looks are left", n)
	}
	commit(t, s, chunk(10, 21, replay.Completed))
	for topic, left := range hidden {
		if n := left.Load(); n > 0 {
			t.Errorf("the end is told while %s hides it: %d of 3 looks are left", topic, n)
		}
	}
}

// hide lets readers of committed records see nothing of topics until they have looked as often as left says.
func hide(f *kfake.Cluster, left map[string]*atomic.Int32) {
	f.ControlKey(int16(kmsg.ListOffsets), func(request kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		r := request.(*kmsg.ListOffsetsRequest)
		if r.IsolationLevel == 0 || len(r.Topics) != 1 || left[r.Topics[0].Topic] == nil || left[r.Topics[0].Topic].Add(-1) < 0 {
			return nil, nil, false
		}
		answer := r.ResponseKind().(*kmsg.ListOffsetsResponse)
		topic := kmsg.NewListOffsetsResponseTopic()
		topic.Topic = r.Topics[0].Topic
		for _, p := range r.Topics[0].Partitions {
			stable := kmsg.NewListOffsetsResponseTopicPartition()
			stable.Partition, stable.Offset = p.Partition, 0
			topic.Partitions = append(topic.Partitions, stable)
		}
		answer.Topics = append(answer.Topics, topic)
		return answer, nil, true
	})
}
