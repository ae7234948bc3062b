package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
	"replayd/replay/kafka/security"
)

// refusals tells of brokers that let us in and no longer do: a password, a token or a certificate has changed, or it is not
// the brokers' fault at all and this process has no file left for a connection. The client
// tries again by itself for as long as a commit is given, and no call comes back meanwhile; so its log is listened to.
type refusals struct {
	logger
	security *security.Security
	listen   atomic.Bool  // from the end of the first contact on, which tells by itself
	told     atomic.Int64 // when, in ns
	latest   atomic.Pointer[refusedAt]
}

// refusedAt is a refusal that was met at a time.
type refusedAt struct {
	*security.Refused
	at time.Time
}

// tellAgain is between two words of the same: every connection is refused, and each is tried every few seconds.
const tellAgain = 30 * time.Second

// Log implements kgo.Logger.
func (r *refusals) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	r.logger.Log(level, msg, keyvals...)
	if level > kgo.LogLevelWarn || !r.listen.Load() {
		return
	}
	for _, v := range keyvals {
		err, ok := v.(error)
		refused := r.certain(err)
		if !ok || refused == nil {
			continue
		}
		r.latest.Store(&refusedAt{refused, time.Now()})
		if r.due() {
			r.Warn().Err(refused.Err).Str("next", refused.Next).Msg(refused.What + "; trying again")
		}
	}
}

func (r *refusals) due() bool {
	now, last := time.Now().UnixNano(), r.told.Load()
	return now-last > int64(tellAgain) && r.told.CompareAndSwap(last, now)
}

// certain is err in the words of who must cure it, nil when it is not about encryption, login or this machine. A connection
// that only ends is a broker that goes down, once we had been let in.
func (r *refusals) certain(err error) *security.Refused {
	if spent := exhausted(err); spent != nil {
		return spent
	}
	var refused *security.Refused
	if !errors.As(r.security.Recognise(err), &refused) || refused.Guess {
		return nil
	}
	return refused
}

// explain adds those words to an error that ends a replay.
func (c *Cluster) explain(err error) error {
	if refused := c.refusals.certain(err); refused != nil {
		return refused
	}
	if last := c.refusals.latest.Load(); last != nil && errors.Is(err, context.DeadlineExceeded) && time.Since(last.at) < requestTimeout {
		return last.Refused // what was waited for when the time was over
	}
	if errors.Is(err, kerr.InvalidRecord) {
		return fmt.Errorf("%w\nA topic that has become compacted takes no records without a key: set cleanup.policy=delete on it", err)
	}
	return err
}

// explain is the cluster's, and knows the topic and whose times its records have.
func (s *Sink) explain(err error) error {
	if !errors.Is(err, kerr.InvalidTimestamp) {
		return s.cluster.explain(err)
	}
	why := "An event's own time lies beyond what topic %s takes (%s, %s): use --record-time now in a new replay"
	if s.spec.RecordTime != replay.RecordTimeOriginal {
		why = "This machine's clock is further from the brokers' than topic %s takes (%s, %s): set it right"
	}
	return fmt.Errorf("%w\n"+why+", or let it take any time:\n  %s", err, s.spec.Topic, oldestTime, newestTime,
		setTopic(s.cluster.options.Brokers, s.spec.Topic, anyTime(oldestTime)+","+anyTime(newestTime)))
}
