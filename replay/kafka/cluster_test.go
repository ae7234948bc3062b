package kafka

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// TestTopicsGetThirtySecondsToHaveLeaders has one whose leader comes late, one that never has any, and somebody who leaves.
func TestTopicsGetThirtySecondsToHaveLeaders(t *testing.T) {
	led := func(leader int32) kadm.TopicDetails {
		return kadm.TopicDetails{"x": {Topic: "x", Partitions: kadm.PartitionDetails{0: {Topic: "x", Leader: leader}}}}
	}
	for name, c := range map[string]struct {
		comes, leaves time.Duration
		says          string
	}{
		"late":   {25 * time.Second, time.Hour, ""},
		"never":  {time.Hour, time.Hour, "topics x: not all of them have leaders after 30s: a broker is away: check that all brokers are up"},
		"leaves": {time.Hour, 10 * time.Second, "wait for leaders of topics x: context deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), c.leaves)
				defer cancel()
				list, err := awaitLed(ctx, []string{"x"}, func(context.Context) (kadm.TopicDetails, error) {
					if time.Since(began) >= c.comes {
						return led(1), nil
					}
					return led(-1), errors.New("a broker is away")
				})
				switch {
				case c.says == "" && (err != nil || list["x"].Partitions[0].Leader != 1):
					t.Errorf("found %v, %v", list, err)
				case c.says != "" && (err == nil || err.Error() != c.says):
					t.Errorf("it says %v", err)
				}
			})
		})
	}
}
