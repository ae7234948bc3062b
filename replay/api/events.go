package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// Limits of event streams.
const (
	heartbeat     = 15 * time.Second // shorter than the idle time of usual proxies
	streamWrite   = 10 * time.Second // for one event to leave: who reads nothing for so long is cut
	reconnectTime = 2 * time.Second  // that a client is told to wait before it comes again
)

// Names of events.
const (
	eventReplay  = "replay"
	eventGone    = "gone"    // its replay was forgotten
	eventProblem = "problem" // the last of a stream that cannot go on
)

// stream writes events to one client. Nothing waits in it: what cannot be written now holds up the reading of the service,
// which leaves out what has been replaced meanwhile.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// write sends a frame, or reports that the client takes none.
func (s *stream) write(frame string) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return err
	}
	if _, err := s.w.Write([]byte(frame)); err != nil {
		return err
	}
	if err := s.control.Flush(); err != nil {
		return err
	}
	return s.control.SetWriteDeadline(time.Time{}) // by HTTP/2 a stream ends at its deadline, whether something is written or not
}

// change is what the service said of one.
type change struct {
	event Event
	err   error
}

// follow answers with the events of one replay, or, with an empty id, of all, until the client or the server goes, or the
// one who asks may no longer.
func (s *Server) follow(w http.ResponseWriter, r *http.Request, id, after string) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // proxies are to pass it on at once
	if r.Method == http.MethodHead {
		return
	}
	w.WriteHeader(http.StatusOK) // from here on each frame has its own time
	out := &stream{w, http.NewResponseController(w)}
	if out.write(fmt.Sprintf("retry: %d\n\n", reconnectTime.Milliseconds())) != nil {
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	changes := s.changes(ctx, id, after)
	defer func() {
		cancel()
		for range changes { // until the service has let go
		}
	}()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		var text string
		select {
		case <-s.stopping:
			return
		case <-ctx.Done():
			return
		case <-beat.C:
			if !s.still(r) {
				return
			}
			text = ": heartbeat\n\n"
		case c, more := <-changes:
			if !more {
				return
			}
			text = s.frame(r, c)
		}
		if out.write(text) != nil {
			return
		}
	}
}

// changes reads the service until ctx ends. The channel is closed when the service has let go.
func (s *Server) changes(ctx context.Context, id, after string) <-chan change {
	changes := make(chan change)
	go func() {
		defer close(changes)
		defer func() {
			if reason := recover(); reason != nil { // out of reach of the handler's
				s.offer(ctx, changes, change{err: fmt.Errorf("panic: %v\n%s", reason, debug.Stack())})
			}
		}()
		for event, err := range s.service.Events(ctx, id, after) {
			if !s.offer(ctx, changes, change{event, err}) || err != nil {
				return
			}
		}
	}()
	return changes
}

func (s *Server) offer(ctx context.Context, to chan<- change, c change) bool {
	select {
	case to <- c:
		return true
	case <-ctx.Done():
		return false
	}
}

// frame is a change as the stream holds it.
func (s *Server) frame(r *http.Request, c change) string {
	if c.err != nil {
		return frame("", eventProblem, s.problem(r.Context(), c.err))
	}
	if c.event.Gone {
		return frame(c.event.ID, eventGone, struct {
			ID string `json:"id"`
		}{c.event.Replay.ID})
	}
	return frame(c.event.ID, eventReplay, c.event.Replay)
}

func frame(id, name string, data any) string {
	text, err := json.Marshal(data)
	if err != nil {
		panic(err) // plain data
	}
	head := ""
	if id != "" && !strings.ContainsAny(id, "\r\n\x00") { // which would end the line, or, by the standard, the meaning of the id
		head = "id: " + id + "\n"
	}
	return head + "event: " + name + "\ndata: " + string(text) + "\n\n"
}
