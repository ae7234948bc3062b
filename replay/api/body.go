package api

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// Limits of requests.
const (
	maxBody  = 1 << 20          // bytes; a start has a few hundred
	bodyTime = 30 * time.Second // for the whole body to come
)

// hurry gives the body its time from the beginning, for net/http also reads that of a request which was answered without it.
// Once all of it is there, net/http takes the deadline back, to see when the client goes.
func hurry(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)); err != nil {
				NewProblem(http.StatusInternalServerError, "no deadline can be set for the body: %v", err).answer(w)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// receive reads the whole body before anything is done with it. Each has the place of its request, so that they take no more
// memory than there are places. That of a GET or a HEAD says nothing and is not waited for: anybody may send one to where nobody is
// asked who they are. There are no other methods there.
func receive(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		if (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.ContentLength <= maxBody {
			r.Body = http.NoBody
			w.Header().Set("Connection", "close")
			next.ServeHTTP(w, r)
			return
		}
		body, p := read(w, r)
		if p != nil {
			w.Header().Set("Connection", "close") // the rest of it is not worth reading
			p.answer(w)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

func read(w http.ResponseWriter, r *http.Request) ([]byte, *Problem) {
	if r.ContentLength > maxBody {
		return nil, tooLarge()
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var late net.Error
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, tooLarge()
	case errors.As(err, &late) && late.Timeout():
		return nil, NewProblem(http.StatusRequestTimeout, "the body did not come within %s", bodyTime)
	case err != nil:
		return nil, NewProblem(http.StatusBadRequest, "the body is not whole")
	}
	return body, nil
}

func tooLarge() *Problem {
	return NewProblem(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", maxBody)
}
