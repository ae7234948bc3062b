package kafka

import (
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/replay"
	"replayd/replay/kafka/security"
)

// lines is a log that is written to from anywhere.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func TestALoginThatIsRefusedLaterIsToldOnceInAWhileAndTriedAgain(t *testing.T) {
	t.Parallel()
	if incurable(kerr.SaslAuthenticationFailed) || hopeless(kerr.SaslAuthenticationFailed) {
		t.Error("a password that is changed meanwhile would end the replay")
	}
	s, err := security.New(t.Context(), security.Options{SASL: security.SASL{
		Mechanism: security.Plain, Username: "user", Password: security.SecretText(security.OptionPassword, "hunter2"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	to := &lines{}
	r := &refusals{logger: logger{zerolog.New(to).Level(zerolog.InfoLevel)}, security: s}
	say := func(err error) {
		for range 3 {
			r.Log(kgo.LogLevelError, "unable to initialize sasl", "broker", "0", "err", err)
		}
	}
	say(kerr.SaslAuthenticationFailed)
	if to.text.Len() > 0 {
		t.Errorf("the first contact tells by itself, and yet: %s", to.text.String())
	}
	r.listen.Store(true)
	say(kerr.NotLeaderForPartition)
	say(&kgo.ErrFirstReadEOF{})
	if to.text.Len() > 0 {
		t.Errorf("what passes by itself is told: %s", to.text.String())
	}
	say(kerr.SaslAuthenticationFailed)
	told := to.text.String()
	if strings.Count(told, "refuses user user by PLAIN") != 1 || !strings.Contains(told, security.OptionPassword) || strings.Contains(told, "hunter2") {
		t.Errorf("told: %s", told)
	}
}

func TestATimeThatATopicDoesNotTakeIsToldWithTheSettingThatLetsIt(t *testing.T) {
	t.Parallel()
	for recordTime, why := range map[string]string{
		replay.RecordTimeOriginal: "An event's own time lies beyond what topic replay takes",
		replay.RecordTimeNow:      "This machine's clock is further",
	} {
		f := fake(t)
		id := f.TopicInfo("replay").TopicID
		spec := testSpec("r")
		spec.RecordTime = recordTime
		s := connect(t, f).Sink(Settings{Allow: replay.Allowed{ItemRetention}})
		t.Cleanup(s.Close)
		if _, err := s.Open(t.Context(), spec); err != nil {
			t.Fatal(err)
		}
		f.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
			f.KeepControl()
			refusal := invalidTimestamps(r.(*kmsg.ProduceRequest), "replay", id)
			if refusal == nil {
				return nil, nil, false
			}
			return refusal, nil, true
		})
		err := s.Commit(t.Context(), chunk(10, 1, replay.Completed))
		if err == nil {
			t.Fatal("the broker refused it")
		}
		for _, says := range []string{"INVALID_TIMESTAMP", why, "--entity-name replay", "message.timestamp.before.max.ms=9223372036854775807,message.timestamp.after.max.ms=9223372036854775807"} {
			if !strings.Contains(err.Error(), says) {
				t.Errorf("record time %s: it does not say %q: %v", recordTime, says, err)
			}
		}
	}
}

// invalidTimestamps refuses what is produced to one topic as a broker does whose limits of time are exceeded; nil when it
// is another topic.
func invalidTimestamps(r *kmsg.ProduceRequest, topic string, id [16]byte) *kmsg.ProduceResponse {
	refusal := r.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range r.Topics {
		if t.Topic != topic && t.TopicID != id {
			return nil
		}
		rt := kmsg.NewProduceResponseTopic()
		rt.Topic, rt.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			rp := kmsg.NewProduceResponseTopicPartition()
			rp.Partition, rp.ErrorCode = p.Partition, kerr.InvalidTimestamp.Code
			rt.Partitions = append(rt.Partitions, rp)
		}
		refusal.Topics = append(refusal.Topics, rt)
	}
	return refusal
}
