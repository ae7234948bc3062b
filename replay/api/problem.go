package api

import (
	"fmt"
	"net/http"
)

// Problem is an error as RFC 9457 writes it (application/problem+json). Item names a refusal as the exit code 4 of the
// command line does.
type Problem struct {
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail,omitempty"`
	Item   string       `json:"item,omitempty"` // of preflight
	Next   string       `json:"next,omitempty"` // what to do
	Errors []FieldError `json:"errors,omitempty"`
}

// FieldError is what is wrong with one field.
type FieldError struct {
	Location string `json:"location"` // body.from, query.limit
	Message  string `json:"message"`
	Value    any    `json:"value,omitempty"` // as it was given
}

// NewProblem returns one whose title is that of the status.
func NewProblem(status int, format string, values ...any) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, values...)}
}

func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	for _, e := range p.Errors {
		text += "\n  " + e.Location + ": " + e.Message
	}
	if p.Next != "" {
		text += "\n" + p.Next
	}
	return text
}

// GetStatus is the HTTP status, as huma asks for it.
func (p *Problem) GetStatus() int { return p.Status }
