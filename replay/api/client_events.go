package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// How a stream of events is kept.
const (
	silence    = 45 * time.Second // three heartbeats: the daemon is gone, or something between
	firstAgain = time.Second      // before the stream is opened again, doubled each time
	lastAgain  = 30 * time.Second
	maxFrame   = 1 << 20 // bytes of a line; a replay has some 3 KiB
)

var (
	errSilent = fmt.Errorf("nothing came for %s", silence)
	errEnded  = errors.New("the stream ended")
)

// Events implements Service. A stream that breaks off is opened again, behind the last event, until ctx ends or the daemon
// says that it cannot be, or none answers any more for as long as the client has patience. The first is not: whoever watches what is not there is told so.
func (c *Client) Events(ctx context.Context, id, after string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		begun := false
		wait := firstAgain
		var gone time.Time // since when none answers; zero: one does
		for {
			heard, err := c.listen(ctx, id, &after, func(e Event) bool { return yield(e, nil) })
			begun = begun || heard
			if heard {
				wait = firstAgain
			}
			switch {
			case err == nil || ctx.Err() != nil:
				return
			case !errors.As(err, new(*Unreached)):
				gone = time.Time{}
			case heard || gone.IsZero():
				gone = time.Now()
			}
			left := c.left(gone)
			if !begun || final(err) || left <= 0 {
				yield(Event{}, err)
				return
			}
			pause := min(left, wait/2+rand.N(wait/2)) // many watchers of one daemon do not come back at once
			if !heard || !errors.Is(err, errEnded) {  // a daemon that ends a stream may say why when it is asked again
				c.again(err, gone, pause)
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return
			}
			wait = min(2*wait, lastAgain)
		}
	}
}

// left is how long there is patience with a daemon that does not answer since then; zero: it does.
func (c *Client) left(gone time.Time) time.Duration {
	if c.patience == 0 || gone.IsZero() {
		return lastAgain
	}
	return c.patience - time.Since(gone)
}

// final reports whether asking again would be answered in the same way.
func final(err error) bool {
	var p *Problem
	return errors.As(err, &p) && p.Status < http.StatusInternalServerError && p.Status != http.StatusTooManyRequests
}

// listen reads one stream. Heard says that it was opened; the error is nil when nobody wants more.
func (c *Client) listen(ctx context.Context, id string, after *string, each func(Event) bool) (heard bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	what := call{route: routeEvents, head: map[string]string{"Accept": "text/event-stream", "Last-Event-ID": *after}}
	if id != "" {
		what.route, what.parts = routeEventsOf, []string{id}
	}
	watchdog := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer watchdog.Stop()
	answer, err := c.send(ctx, what)
	if errors.Is(context.Cause(ctx), errSilent) {
		return false, c.unreached(errSilent)
	}
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	watchdog.Reset(silence)
	r := &frames{lines: bufio.NewScanner(answer.Body), alive: func() { watchdog.Reset(silence) }}
	r.lines.Buffer(nil, maxFrame)
	for {
		f, err := r.next()
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return true, c.unreached(err)
		}
		e, known, err := f.event()
		if err != nil {
			return true, err
		}
		if f.id != "" {
			*after = f.id
		}
		if known && !each(e) {
			return true, nil
		}
	}
}

// readFrame is what stands between two empty lines of a stream.
type readFrame struct{ id, name, data string }

// frames reads a stream (HTML, section 9.2: server-sent events) as this server writes them.
type frames struct {
	lines *bufio.Scanner
	alive func() // called at each line, heartbeats included
}

func (r *frames) next() (f readFrame, err error) {
	for r.lines.Scan() {
		r.alive()
		line := r.lines.Text()
		if line == "" && f.data != "" {
			return f, nil
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "id":
			f.id = value
		case "event":
			f.name = value
		case "data":
			if len(f.data)+len(value) > maxFrame {
				return f, bufio.ErrTooLong
			}
			f.data += value
		}
	}
	if err := r.lines.Err(); err != nil {
		return f, err
	}
	return f, errors.Join(errEnded, io.ErrUnexpectedEOF)
}

// event is what a frame tells; not known are kinds that newer daemons may have.
func (f *readFrame) event() (e Event, known bool, err error) {
	e.ID = f.id
	switch f.name {
	case eventReplay:
		err = json.Unmarshal([]byte(f.data), &e.Replay)
	case eventGone:
		e.Gone = true
		err = json.Unmarshal([]byte(f.data), &e.Replay)
	case eventProblem:
		var p Problem
		if err = json.Unmarshal([]byte(f.data), &p); err == nil {
			err = &p
		}
	default:
		return e, false, nil
	}
	return e, err == nil, err
}
