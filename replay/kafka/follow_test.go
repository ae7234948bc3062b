package kafka

import (
	"errors"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"replayd/replay"
)

// TestATopicThatIsMissingForLongIsDeleted: brokers that come up may hide one for a while.
func TestATopicThatIsMissingForLongIsDeleted(t *testing.T) {
	v := &View{cluster: &Cluster{}, registry: newRegistry(zerolog.Nop()), changed: make(chan struct{}), moved: make(chan struct{})}
	missing, began := &replay.Refusal{Item: ItemRestart, What: "it was deleted"}, time.Now()
	for _, look := range []struct {
		after time.Duration
		err   error
		gone  bool
	}{
		{0, nil, false},
		{time.Second, missing, false},
		{30 * time.Second, missing, false},
		{31 * time.Second, nil, false},
		{40 * time.Second, missing, false},
		{60 * time.Second, errors.New("no answer"), false},
		{75 * time.Second, missing, false},
		{100 * time.Second, missing, false},
		{105 * time.Second, missing, true},
		{106 * time.Second, nil, true},
	} {
		changed := v.Changed()
		v.seen(began.Add(look.after), look.err)
		if gone := v.Gone() != nil; gone != look.gone {
			t.Errorf("after %s: gone is %v", look.after, gone)
		}
		select {
		case <-changed:
		default:
			if look.after == 105*time.Second {
				t.Error("nobody is told that it is gone")
			}
		}
	}
}
