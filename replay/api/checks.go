package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// Checker is a Service that tells which fields of a request are wrong, and does nothing of what it asks for. It is asked about
// requests that the document's schemas refuse already, so that their answer names what the service would refuse, too. A field that
// is of another type than its schema says has its zero value there. Errors are those of Service.
type Checker interface {
	CheckStart(ctx context.Context, s Start) error
	CheckPlan(ctx context.Context, s Start) error
	CheckResume(ctx context.Context, id string, r Resume) error // or another act, which has a reason alone
	CheckPace(ctx context.Context, id string, p Pace) error
}

// checks is how a request is checked once its schema has refused it. It is of one goroutine.
type checks struct {
	by   Checker
	what func(context.Context, Checker) error // nil: nothing, or what could not be read
}

type checksKey struct{}

// checking gives a request its checks, which its resolver fills in: huma calls that with what it could read, whether or not the
// schema refuses it, and without telling which.
func (s *Server) checking(ctx huma.Context, next func(huma.Context)) {
	if by, can := s.service.(Checker); can {
		ctx = huma.WithValue(ctx, checksKey{}, &checks{by: by})
	}
	next(ctx)
}

func checked(ctx huma.Context, what func(context.Context, Checker) error) []error {
	if c := checksOf(ctx); c != nil {
		c.what = what
	}
	return nil
}

// checksOf are those of a request; nil: its service has none.
func checksOf(ctx huma.Context) *checks {
	c, _ := ctx.Context().Value(checksKey{}).(*checks)
	return c
}

func (in *startInput) Resolve(ctx huma.Context) []error {
	return checked(ctx, func(ctx context.Context, by Checker) error {
		in.Body.IdempotencyKey = in.Key
		return by.CheckStart(ctx, in.Body)
	})
}

func (in *planInput) Resolve(ctx huma.Context) []error {
	return checked(ctx, func(ctx context.Context, by Checker) error { return by.CheckPlan(ctx, in.Body) })
}

func (in *actInput) Resolve(ctx huma.Context) []error {
	return checked(ctx, func(ctx context.Context, by Checker) error {
		return by.CheckResume(ctx, in.ID, Resume{Act: given(in.Body)})
	})
}

func (in *resumeInput) Resolve(ctx huma.Context) []error {
	return checked(ctx, func(ctx context.Context, by Checker) error { return by.CheckResume(ctx, in.ID, given(in.Body)) })
}

func (in *paceInput) Resolve(ctx huma.Context) []error {
	return checked(ctx, func(ctx context.Context, by Checker) error { return by.CheckPace(ctx, in.ID, in.Body) })
}

// given is a body that need not be sent.
func given[T any](body *T) (t T) {
	if body != nil {
		t = *body
	}
	return t
}

// refused is what huma answers a request with that it hands to nobody, with what the service finds wrong in it, too.
func refused(ctx huma.Context, status int, detail string, errs ...error) huma.StatusError {
	p := problemOf(status, detail, errs...)
	c := checksOf(ctx)
	if c == nil || c.what == nil || status != http.StatusUnprocessableEntity || slices.ContainsFunc(p.Errors, noFields) {
		return p
	}
	p.Errors = unite(p.Errors, WrongFields(c.what(ctx.Context(), c.by)))
	return p
}

// noFields reports whether e says that the body is no object.
func noFields(e FieldError) bool { return e.Location == "body" }
