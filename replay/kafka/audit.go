package kafka

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// overriding writes the intent to start a session in spite of refusals and returns what writes its outcome.
func (c *Cluster) overriding(ctx context.Context, spec *replay.Spec, session string, s Settings) (outcome func(context.Context, error) error, err error) {
	if len(s.Allow) == 0 {
		return func(context.Context, error) error { return nil }, nil
	}
	a := replay.Audited{
		Version: version, ID: spec.ID, Act: "allow", Phase: "intent", Items: s.Allow, Reason: cmp.Or(s.Reason, spec.Reason), Session: session,
		User: userName(), Host: host(), PID: os.Getpid(),
	}
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

func (c *Cluster) audit(ctx context.Context, a replay.Audited) error {
	a.At = time.Now().UTC()
	r := &kgo.Record{Topic: c.topic(auditTopic), Key: []byte(a.ID), Value: encode(a)}
	if err := produce(ctx, c.client, r); err != nil {
		return fmt.Errorf("write to %s that %v is allowed: %w", r.Topic, a.Items, err)
	}
	return nil
}

func userName() string {
	u, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return u.Username
}
