package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// take makes this session the owner of a replay that it is about to begin, or to go on with, and sees to it that it is that one still.
func (s *Sink) take(ctx context.Context) error {
	if err := s.acquire(ctx); err != nil {
		return err
	}
	return s.standsStill(ctx)
}

// standsStill refuses a replay that was forgotten before this session owned it: its id may be another's. Whoever forgets it from now on
// fences this session first.
func (s *Sink) standsStill(ctx context.Context) error {
	topic := s.cluster.topic(configTopic)
	switch stays, err := s.cluster.topicStays(ctx, topic); {
	case err != nil:
		return err
	case !stays:
		return s.cluster.controlLost(topic, "deleted")
	}
	known, err := s.cluster.Stored(ctx, s.spec.ID)
	if err == nil && (known == nil || known.part != s.journal.part) {
		err = nothingLeft(s.spec.ID)
	}
	return err
}

// writeConfig writes a record of the replay, and nil deletes it, in a transaction: a session that has slept until the replay was
// forgotten writes it into no other one that has the id since. It is tried until it succeeds, or GiveUp has passed. With a barrier
// beside it the client has noted one topic of the transaction at least (errBarrierAborted).
func (s *Sink) writeConfig(ctx context.Context, key string, value any) error {
	r := &kgo.Record{Topic: s.cluster.topic(configTopic), Key: []byte(key)}
	if value != nil {
		r.Value = encode(value)
	}
	limited, cancel := context.WithTimeout(ctx, s.cluster.options.GiveUp)
	defer cancel()
	for wait := anyRetry; ; wait = longer(wait) {
		err := s.producer.opening(limited, func(t *sending) error {
			t.send(s.barrier(), nil)
			t.send(r, nil)
			return nil
		})
		if err == nil {
			return nil
		}
		if final(err) || hopeless(err) || limited.Err() != nil {
			return fmt.Errorf("write %s to %s: %w", key, r.Topic, err)
		}
		if err := s.take(limited); err != nil {
			return err
		}
		sleep(limited, wait)
	}
}
