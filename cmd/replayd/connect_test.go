package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"replayd/replay/kafka"
)

// TestThatABrokerIsWaitedForIsSaidOnceAMinute, and once that it is there.
func TestThatABrokerIsWaitedForIsSaidOnceAMinute(t *testing.T) {
	for _, c := range []struct {
		away, wait   time.Duration
		waits, comes int
	}{
		{0, time.Hour, 0, 0},
		{30 * time.Second, time.Hour, 1, 1},
		{150 * time.Second, time.Hour, 3, 1},
		{time.Hour, 90 * time.Second, 2, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			a := &app{log: zerolog.New(&log)}
			began := time.Now()
			_, err := a.awaited(t.Context(), c.wait, func() (*kafka.Cluster, error) {
				if time.Since(began) < c.away {
					return nil, errors.New("no broker of [k:9092] answers\nCheck that it is up")
				}
				return nil, nil
			})
			if (err != nil) != (c.away > c.wait) {
				t.Errorf("away %s: %v", c.away, err)
			}
			said := log.String()
			if waits, comes := strings.Count(said, "waiting for the broker"), strings.Count(said, "the broker answers"); waits != c.waits || comes != c.comes || strings.Contains(said, "Check") {
				t.Errorf("away %s, at most %s: the log says\n%s", c.away, c.wait, said)
			}
		})
	}
}
