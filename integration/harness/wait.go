package harness

import (
	"context"
	"fmt"
	"time"
)

const pollInterval = 100 * time.Millisecond

// waitFor calls try until it returns nil. It gives up after limit with try's last error, and at once when alive, which
// may be nil, returns one: what has exited does not become ready.
func waitFor(what string, limit time.Duration, alive func() error, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	ticks := time.NewTicker(pollInterval)
	defer ticks.Stop()
	for {
		if alive != nil {
			if err := alive(); err != nil {
				return fmt.Errorf("wait for %s: %w", what, err)
			}
		}
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: gave up after %s: %w", what, limit, err)
		}
	}
}
