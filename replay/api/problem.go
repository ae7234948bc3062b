package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Problem is an error as RFC 9457 writes it (application/problem+json). Item names a refusal as the exit code 4 of the
// command line does.
type Problem struct {
	Title  string       `json:"title" doc:"of the kind of problem" example:"Conflict"`
	Status int          `json:"status" doc:"that of HTTP" example:"409"`
	Detail string       `json:"detail,omitempty" doc:"what is so, and why that is a problem"`
	Item   string       `json:"item,omitempty" doc:"of preflight, as allow names it" example:"retention"`
	Next   string       `json:"next,omitempty" doc:"what to do, in the words of the command line: the fields of a request are its flags"`
	Also   []Refused    `json:"also,omitempty" doc:"the further items of preflight that refuse it"`
	Errors []FieldError `json:"errors,omitempty" doc:"every field that is wrong"`
}

// Refused is one more refusal of preflight beside that of its Problem.
type Refused struct {
	Item   string `json:"item" doc:"of preflight, as allow names it" example:"overlap"`
	Detail string `json:"detail" doc:"what is so, and why that is a problem"`
	Next   string `json:"next,omitempty" doc:"what to do"`
}

// FieldError is what is wrong with one field.
type FieldError struct {
	Location string `json:"location" doc:"where the field is" example:"body.from"`
	Message  string `json:"message" doc:"what is wrong with it"`
	Value    any    `json:"value,omitempty" doc:"as it was given"`
}

// NewProblem returns one whose title is that of the status.
func NewProblem(status int, format string, values ...any) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, values...)}
}

// notAsItStands heads fields that are wrong, whoever finds them so.
const notAsItStands = "what is asked for cannot be done as it stands"

// Invalid is the problem of fields that are wrong; nil when none is.
func Invalid(wrong ...FieldError) error {
	if len(wrong) == 0 {
		return nil
	}
	p := NewProblem(http.StatusUnprocessableEntity, "%s", notAsItStands)
	p.Errors = wrong
	return p
}

// Also is err, which may be nil, with fields that are wrong beside those that it names, each once. An err that names none is not told
// before these are right.
func Also(err error, wrong ...FieldError) error {
	if len(wrong) == 0 {
		return err
	}
	return Invalid(unite(wrong, WrongFields(err))...)
}

// WrongFields are those that err names, where it is a problem of fields alone.
func WrongFields(err error) []FieldError {
	var p *Problem
	if errors.As(err, &p) && p.Status == http.StatusUnprocessableEntity {
		return p.Errors
	}
	return nil
}

// unite adds to fields that are wrong those of more that are others. A list of which a part is wrong is named already.
func unite(wrong, more []FieldError) []FieldError {
	all := slices.Clone(wrong)
	for _, e := range more {
		if !slices.ContainsFunc(wrong, func(w FieldError) bool {
			return w.Location == e.Location || strings.HasPrefix(w.Location, e.Location+"[")
		}) {
			all = append(all, e)
		}
	}
	return all
}

func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	if p.Item != "" {
		text = p.Item + ": " + text // as the command line begins a refusal
	}
	for _, e := range p.Errors {
		text += "\n  " + e.Location + ": " + e.Message
	}
	if p.Next != "" {
		text += "\n" + p.Next
	}
	for _, r := range p.Also {
		text += "\n" + (&Problem{Item: r.Item, Detail: r.Detail, Next: r.Next}).Error()
	}
	return text
}

// GetStatus is the HTTP status, as huma asks for it.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457, as huma asks for it.
func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"
