package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"replayd/archive"
	"replayd/replay/api"
)

// wondering is how long somebody waits before they wonder what for.
const wondering = 3 * time.Second

// waitsFor tells what a wait waits for, once it takes long enough, and again when that is something else.
type waitsFor struct {
	tell func(what string)

	mu        sync.Mutex
	long      bool
	now, told string
}

// see takes note of how the replay stands now.
func (w *waitsFor) see(r *api.Replay) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = "replay " + r.ID + " is " + wishInWords(r)
	if r.Queued != "" {
		w.now += ": " + archive.Printable(r.Queued)
	}
	w.say()
}

// takesLong begins to tell.
func (w *waitsFor) takesLong() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.long = true
	w.say()
}

func (w *waitsFor) say() {
	if w.long && w.now != w.told {
		w.told = w.now
		w.tell(w.now)
	}
}

// waitFor is waitFor for somebody who is told what for, and who may leave with a signal: what was wished is wished all the same.
func (a *app) waitFor(ctx context.Context, d api.Service, r api.Replay, do *act) (api.Replay, error) {
	ctx, release := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer release()
	w := &waitsFor{tell: func(what string) { a.log.Info().Msg("waiting: " + what) }}
	long := time.AfterFunc(wondering, w.takesLong)
	defer long.Stop()
	now, err := waitFor(ctx, d, r, do.done, do.quarantineOK, w.see)
	if err != nil && ctx.Err() != nil && !errors.As(err, new(exitCode)) {
		return now, &interrupted{"waiting has ended; " + do.use + " stays asked for: replay " + r.ID + " is " + wishInWords(&now) +
			". Watch it with: " + a.there("replayd watch "+r.ID)}
	}
	return now, err
}
