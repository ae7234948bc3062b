package api

import (
	"net/http"
	"time"
)

// Observed is a request that was answered. Streams of events are none: they last as long as somebody watches.
type Observed struct {
	Operation string // its id in the document; "none" where there is none of that path and method
	Status    int    // of the answer; 500 for one that was broken off
	Took      time.Duration
}

// noOperation is what requests ask for that no route answers.
const noOperation = "none"

// operations are the ids by pattern.
var operations = func() map[string]string {
	ids := map[string]string{}
	for _, r := range routes {
		ids[r.pattern()] = r.id
	}
	return ids
}()

// observed tells of each answer when it has left. Those between here and route hand on the same request, so its pattern is known
// then.
func (s *Server) observed(next http.Handler) http.Handler {
	if s.observe == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, a, whole := time.Now(), &answering{ResponseWriter: w}, false
		defer func() {
			o := Observed{Operation: noOperation, Status: a.status, Took: time.Since(began)}
			if id, known := operations[r.Pattern]; known {
				o.Operation = id
			}
			switch {
			case !whole:
				o.Status = http.StatusInternalServerError
			case streaming(r) && o.Status == http.StatusOK:
				return
			}
			s.observe(o)
		}()
		next.ServeHTTP(a, r)
		whole = true
	})
}

// streaming reports whether a request asks for a stream of events.
func streaming(r *http.Request) bool {
	return r.Pattern == routeEvents.pattern() || r.Pattern == routeEventsOf.pattern()
}
