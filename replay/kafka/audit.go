package kafka

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// overriding writes the intent to start a session in spite of refusals, unless that was audited before, and returns what writes
// its outcome.
func (c *Cluster) overriding(ctx context.Context, spec *replay.Spec, session string, s Settings) (outcome func(context.Context, error) error, err error) {
	if len(s.Allow) == 0 || s.Audited {
		return func(context.Context, error) error { return nil }, nil
	}
	a := replay.Audited{
		Version: version, Act: "allow", Phase: "intent", Items: s.Allow, Reason: cmp.Or(s.Reason, spec.Reason), Session: session,
		User: userName(), Host: host(), PID: os.Getpid(),
	}.About(spec)
	if err := c.audit(ctx, a); err != nil {
		return nil, err
	}
	return func(ctx context.Context, result error) error {
		a.Phase, a.Result = "outcome", "done"
		if result != nil {
			a.Result = result.Error()
		}
		return c.audit(ctx, a)
	}, nil
}

// audit writes one record and waits until it is acknowledged.
func (c *Cluster) audit(ctx context.Context, a replay.Audited) error {
	a.Version, a.At = version, time.Now().UTC()
	r := &kgo.Record{Topic: c.topic(auditTopic), Key: []byte(a.ID), Value: encode(a)}
	if err := produce(ctx, c.client, r); err != nil {
		return fmt.Errorf("write the %s of %s to %s: %w", a.Phase, strings.Join(append([]string{a.Act}, a.Items...), " "), r.Topic, err)
	}
	return nil
}

// auditScan is how many records are looked at for one page: who looks for few among many asks again.
const auditScan = 100_000

// Audited are at most limit acts about a replay, or with an empty id about all, in the order in which they were written,
// from an offset on. Next is where they go on, also when few were found on the way there; 0: there is no more.
func (c *Cluster) Audited(ctx context.Context, id string, from int64, limit int) (acts []replay.Audited, next int64, err error) {
	scanned := 0
	_, err = c.readUpTo(ctx, stretch{topic: c.topic(auditTopic), from: from, level: kgo.ReadUncommitted()}, func(r *kgo.Record) (bool, error) {
		if len(acts) == limit || scanned == auditScan {
			next = r.Offset
			return false, nil
		}
		scanned++
		var a replay.Audited
		ours, _ := decode(r.Topic, r.Key, r.Value, &a) // a newer one is shown by a newer replayd
		if ours && (id == "" || a.ID == id) {
			acts = append(acts, a)
		}
		return true, nil
	})
	if err != nil {
		return nil, 0, c.unanswered(err)
	}
	return acts, next, nil
}

func userName() string {
	u, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return u.Username
}
