package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// problem is err as it is told to the one who asks. What they can do nothing about stays in the log, under a number by which
// it is found.
func (s *Server) problem(ctx context.Context, err error) *Problem {
	var p *Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, context.DeadlineExceeded):
		p = NewProblem(http.StatusGatewayTimeout, "Kafka or the archive did not answer in time")
		p.Next = "Look at how it stands before asking again: what was asked for may still happen."
		return p
	case ctx.Err() != nil: // nobody is there to be told
		return NewProblem(http.StatusServiceUnavailable, "the request was given up")
	}
	return s.incident(err.Error())
}

// incident logs what went wrong inside and returns what is told of it.
func (s *Server) incident(what string) *Problem {
	n := make([]byte, 6)
	_, _ = rand.Read(n) // never fails
	number := hex.EncodeToString(n)
	s.log.Error().Str("incident", number).Msg(what)
	p := NewProblem(http.StatusInternalServerError, "the daemon could not do it; incident %s", number)
	p.Next = "Look for this incident in the daemon's log."
	return p
}

// answer writes p where huma does not.
func (p *Problem) answer(w http.ResponseWriter) {
	w.Header().Set("Content-Type", problemType)
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // nobody is left to be told
}

// GetHeaders are those that go with the status, as huma asks for them.
func (p *Problem) GetHeaders() http.Header {
	if p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests {
		return http.Header{"Retry-After": {retrySeconds}}
	}
	return nil
}

// maxEcho is what a problem repeats of a wrong value.
const maxEcho = 256

// echo is a wrong value as the problem shows it: short, for who sent a megabyte knows it.
func echo(value any) any {
	if text, ok := value.(string); ok && len(text) > maxEcho {
		return text[:maxEcho] + fmt.Sprintf("… (%d bytes)", len(text))
	}
	switch value.(type) {
	case nil, string, bool, float64, int, int64:
		return value
	}
	return nil // objects and lists are told by their location
}
