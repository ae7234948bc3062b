package kafka

import (
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/replay"
)

// TestAProbeDisturbsNobody tries a transaction beside a session at work.
func TestAProbeDisturbsNobody(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	s, _ := open(t, c, testSpec("r"))
	commit(t, s, chunk(10, 1, replay.Running))
	before := len(consumed(t, f, "replayd.checkpoints"))
	if err := c.abortOne(t.Context(), testSpec("r")); err != nil {
		t.Errorf("a transaction that is tried: %v", err)
	}
	if after := len(consumed(t, f, "replayd.checkpoints")); after != before {
		t.Errorf("%d records stand where %d stood", after, before)
	}
	commit(t, s, chunk(10, 11, replay.Completed))
	seqs(t, consumed(t, f, "replay"), 20)
}

// TestAProbeThatWasKilledIsEndedByTheNext leaves one open, which the barrier of the next session would wait for.
func TestAProbeThatWasKilledIsEndedByTheNext(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	first, _ := open(t, c, testSpec("r"))
	first.Close()
	killed, err := c.prober("r")
	if err != nil {
		t.Fatal(err)
	}
	defer killed.Close()
	if err := c.beginOne(t.Context(), killed, testSpec("r")); err != nil {
		t.Fatal(err)
	}
	open(t, c, testSpec("r"))
	if err := killed.EndTransaction(t.Context(), kgo.TryCommit); !fencing(err) {
		t.Errorf("the transaction was still open: %v", err)
	}
	for _, r := range consumed(t, f, "replayd.checkpoints") {
		if string(r.Key) == probeName {
			t.Error("its record is seen")
		}
	}
}

func TestNoReplayHasTheNameOfAProbe(t *testing.T) {
	t.Parallel()
	if replay.ValidID(probeName) == nil || !strings.HasPrefix(testCluster().topic(probeName), transactional("replayd").Name) {
		t.Errorf("%q could be a replay's, or lies outside of what is granted", probeName)
	}
}

func testCluster() *Cluster { return &Cluster{options: Options{ControlPrefix: "replayd"}} }

// TestAProbeTellsOfRightsOnly lets the cluster refuse it: what passes by itself does not keep a replay from beginning.
func TestAProbeTellsOfRightsOnly(t *testing.T) {
	t.Parallel()
	for code, says := range map[*kerr.Error]string{
		kerr.TransactionalIDAuthorizationFailed: "WRITE on TRANSACTIONAL_ID replayd.*",
		kerr.ClusterAuthorizationFailed:         "IDEMPOTENT_WRITE on CLUSTER kafka-cluster",
		kerr.TopicAuthorizationFailed:           "WRITE on TOPIC replayd.checkpoints",
		kerr.InvalidProducerEpoch:               "",
	} {
		f := fake(t)
		c := connect(t, f)
		f.ControlKey(int16(kmsg.InitProducerID), func(request kmsg.Request) (kmsg.Response, error, bool) {
			f.KeepControl()
			if id := request.(*kmsg.InitProducerIDRequest).TransactionalID; id == nil || !strings.Contains(*id, probeName) {
				return nil, nil, false
			}
			answer := request.ResponseKind().(*kmsg.InitProducerIDResponse)
			answer.ErrorCode = code.Code
			return answer, nil, true
		})
		s := c.Sink(Settings{})
		_, err := s.Open(t.Context(), testSpec("r"))
		s.Close()
		var refusal *replay.Refusal
		switch {
		case says == "" && err != nil:
			t.Errorf("%v: %v", code, err)
		case says != "" && (!errors.As(err, &refusal) || refusal.Item != ItemRights || !strings.Contains(err.Error(), says)):
			t.Errorf("%v: %v", code, err)
		}
		if exists, err := c.topicExists(t.Context(), "replayd.config"); says != "" && (exists || err != nil) {
			t.Errorf("%v: refused, and topics were created: %v", code, err)
		}
	}
}

// TestBrokersThatDoNotTellAreBelieved asks brokers older than the questions.
func TestBrokersThatDoNotTellAreBelieved(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	f.ControlKey(int16(kmsg.DescribeTransactions), func(kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		return nil, errors.New("not known here"), true
	})
	if q, err := c.lacking(t.Context(), "replay", Settings{}, false); err != nil || len(q.missing) > 0 {
		t.Errorf("missing %v: %v", q.missing, err)
	}
}
