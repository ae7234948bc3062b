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
	restTime = 1 * time.Second  // for more of one that was answered before it came
)

// hurry gives the body its time from the beginning. Once all of it is there, net/http takes the deadline back, to see when the
// client goes. An answer before that, which receive has not made one of a connection that goes on, ends it, and soon: net/http reads
// on for the rest of the body, and who sends none could so keep connections that others need.
func hurry(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		control := http.NewResponseController(w)
		if err := control.SetReadDeadline(time.Now().Add(bodyTime)); err != nil {
			NewProblem(http.StatusInternalServerError, "no deadline can be set for the body: %v", err).answer(w)
			return
		}
		w.Header().Set("Connection", "close")
		next.ServeHTTP(w, r)
		if w.Header().Get("Connection") != "" {
			_ = control.SetReadDeadline(time.Now().Add(restTime)) // could be set before; else that of the body holds
		}
	})
}

// receive reads the whole body before anything is done with it. That of a GET or a HEAD says nothing and is not waited for: anybody
// may send one to where nobody is asked who they are. There are no other methods there.
func (s *Server) receive(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		if (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.ContentLength <= maxBody {
			r.Body = http.NoBody
			next.ServeHTTP(w, r)
			return
		}
		body, p := s.read(w, r)
		if p != nil {
			p.answer(w)
			return
		}
		w.Header().Del("Connection") // it goes on: hurry has set this
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// read has a place for the body while it comes, so that bodies take no more memory than there are places.
func (s *Server) read(w http.ResponseWriter, r *http.Request) ([]byte, *Problem) {
	if r.ContentLength > maxBody {
		return nil, tooLarge()
	}
	leave, none := s.bodies.take(By(r.Context()).Name)
	if none != nil {
		return nil, none
	}
	defer leave()
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
