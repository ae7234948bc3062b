package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"replayd/replay/kafka"
)

// before is a context for what comes before the first event: there even the first signal ends all.
func before(ctx context.Context, stop <-chan struct{}) (context.Context, context.CancelFunc) {
	starting, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-stop:
			cancel()
		case <-starting.Done():
		}
	}()
	return starting, cancel
}

// interruptedBy says it shorter when a signal is the reason.
func interruptedBy(ctx context.Context, f *replayFlags, err error) error {
	switch {
	case ctx.Err() != nil:
		return &interrupted{f.interruption()}
	case errors.As(err, new(*kafka.Unanswered)):
		return fmt.Errorf("%w\n%s", err, goOn(f.asTyped()))
	}
	return err
}

// interruption says what a signal ended that came before there was a session, and what to type then. A replay that was called
// by its id may have begun in another session.
func (f *replayFlags) interruption() string {
	if f.called() {
		return "interrupted: this call has changed nothing\n" + goOn(f.asTyped())
	}
	return "interrupted before anything was begun"
}

// stopping answers the first signal, if there is a session that it stops.
func (a *app) stopping(at *witness) {
	switch {
	case at == nil:
	case at.opened.Load():
		a.say("stopping at the next commit; a second signal leaves at once\n")
	default:
		a.say("stopping before this session produces anything; a second signal leaves at once\n")
	}
}

// leaving is how long a second signal waits for the command to end by itself, and gone how long for its last words: a commit
// that is under way cannot be broken off, its broker may be away, and nobody may read what is printed.
const (
	leaving = 750 * time.Millisecond
	gone    = time.Second
)

// leave ends the process soon, whatever it is doing, with the last words that said gives: to a replay that is as good as any
// other kill.
func (a *app) leave(said func() string) {
	time.AfterFunc(leaving, func() {
		fmt.Fprintf(a.err, "replayd: %s\n", said())
		os.Exit(exitInterrupted)
	})
	time.AfterFunc(gone, func() { os.Exit(exitInterrupted) })
}

// left says how the session at was left, nil before there is one.
func (f *replayFlags) left(at *witness) string {
	if at == nil {
		return f.interruption()
	}
	said, next := leftBeforeAnything, f.asTyped()
	switch {
	case at.opened.Load():
		said, next = leftAtOnce, f.again(f.id)
	case at.frozen():
		next = f.retake(f.id)
	}
	return said + "\n" + goOn(next)
}

const (
	leftAtOnce         = "left at once: what was not committed is produced when the replay continues"
	leftBeforeAnything = "left at once: this session has produced nothing"
)

// together is how close upon the first signal another one still means the same: timeout(1) and some supervisors signal the
// process and then its group.
const together = 250 * time.Millisecond

// signals makes the first SIGINT or SIGTERM call first and close stop, and the second call second and cancel the context. The
// second is heard even when first does not return.
func signals(parent context.Context, first, second func()) (ctx context.Context, stop <-chan struct{}, release func()) {
	ctx, cancel := context.WithCancel(parent)
	got := make(chan os.Signal, 2)
	signal.Notify(got, os.Interrupt, syscall.SIGTERM)
	stopping, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		if _, ok := <-got; !ok {
			return
		}
		at := time.Now()
		go func() {
			first()
			close(stopping)
		}()
		for range got {
			if time.Since(at) > together {
				second()
				cancel()
				return
			}
		}
	}()
	return ctx, stopping, func() {
		signal.Stop(got)
		close(got)
		<-done
		cancel()
	}
}
