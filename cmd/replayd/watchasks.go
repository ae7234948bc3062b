package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"replayd/replay/api"
)

// mostKeys are kept while the daemon does not answer.
const mostKeys = 16

// waiting is what a watch has asked the daemon for. It is asked beside the loop that takes keys and events, and answered into it,
// so that a daemon that does not answer holds nobody.
type waiting struct {
	answers chan func() // what is to be done with one
	keys    []byte      // pressed, and not asked for yet
	acting  time.Time   // since when an act is under way; zero: none is
	looking time.Time   // the same, of a look at the group
	acts    acted
}

// late reports whether somebody should be told that an answer is missing.
func (w *waiting) late() bool {
	for _, since := range []time.Time{w.acting, w.looking} {
		if !since.IsZero() && time.Since(since) >= time.Second {
			return true
		}
	}
	return false
}

// ask has an answer taken by the loop.
func ask[T any](ctx context.Context, w *waiting, question func() (T, error), take func(T, error)) {
	go func() {
		answer, err := question()
		select {
		case w.answers <- func() { take(answer, err) }:
		case <-ctx.Done():
		}
	}()
}

// look asks how far the group is.
func (w *watch) look(ctx context.Context) {
	if w.group == "" || !w.looking.IsZero() {
		return
	}
	w.looking = time.Now()
	ask(ctx, &w.waiting, func() (api.Group, error) { return w.daemon.Group(ctx, w.id, w.group) }, func(g api.Group, err error) {
		w.looking = time.Time{}
		if err != nil {
			w.said.failed(fmt.Sprintf("group %s: %v", w.group, err))
			return
		}
		g.ETA = w.rate.seconds(time.Now(), &g, &w.at)
		w.read = &g
	})
}

// press asks for what the next key means, one after another: each begins where the one before has led.
func (w *watch) press(ctx context.Context) {
	for w.acting.IsZero() && len(w.keys) > 0 {
		key := w.keys[0]
		w.keys = w.keys[1:]
		w.act(ctx, key)
	}
}

func (w *watch) act(ctx context.Context, key byte) {
	what := api.Act{Reason: "watch"}
	switch key {
	case 'p':
		w.wish(ctx, "asked to pause", func() (api.Replay, error) { return w.daemon.Pause(ctx, w.id, what) })
	case 'r':
		w.wish(ctx, "asked to resume", func() (api.Replay, error) { return w.daemon.Resume(ctx, w.id, api.Resume{Act: what}) })
	case '+', '-':
		pace, err := times(w.at.Pace, key == '+')
		if err != nil {
			w.said.failed(err.Error())
			return
		}
		w.wish(ctx, "asked for pace "+pace, func() (api.Replay, error) {
			return w.daemon.SetPace(ctx, w.id, api.Pace{Pace: pace, Reason: what.Reason})
		})
	}
}

// wish takes the answer to an act for how the replay stands.
func (w *watch) wish(ctx context.Context, said string, do func() (api.Replay, error)) {
	w.acting = time.Now()
	ask(ctx, &w.waiting, do, func(r api.Replay, err error) {
		w.acting = time.Time{}
		if err != nil {
			w.said.failed(err.Error())
			return
		}
		w.at = r
		w.said.did(said)
		w.acts.answered()
	})
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// said is what a key did, or what went wrong, for people, for as long as it is news: later it would seem to be said of how the replay
// stands then.
type said struct {
	text  string
	until time.Time
}

const (
	noticed  = 5 * time.Second  // in which somebody sees what a key did
	readable = 10 * time.Second // in which somebody reads what went wrong
)

func (s *said) did(what string) { *s = said{what, time.Now().Add(noticed)} }

func (s *said) failed(why string) { *s = said{firstLine(why), time.Now().Add(readable)} }

// line is what is to be shown; empty: nothing.
func (s *said) line(now time.Time) string {
	if now.Before(s.until) {
		return s.text
	}
	return ""
}
