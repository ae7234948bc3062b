package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/kafka"
)

// flagsAsked are the flags of run as a request says them: its fields are called as they are, with the same forms.
func flagsAsked(s api.Start) (*replayFlags, error) {
	f := &replayFlags{}
	set := pflag.NewFlagSet("request", pflag.ContinueOnError)
	f.addRead(set)
	f.addWrite(set)
	var wrong []api.FieldError
	of := reflect.ValueOf(s)
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Type().Field(i).Tag.Get("json"), ",")
		if name == "-" || name == "plan" || name == "as_of" || of.Field(i).IsZero() {
			continue
		}
		value := fmt.Sprint(of.Field(i).Interface())
		if list, ok := of.Field(i).Interface().([]string); ok {
			value = strings.Join(list, ",")
		}
		if err := set.Set(strings.ReplaceAll(name, "_", "-"), value); err != nil {
			wrong = append(wrong, api.FieldError{Location: "body." + name, Message: err.Error(), Value: value})
		}
	}
	return f, api.Invalid(wrong...)
}

// flagWord is a flag inside of a text.
var flagWord = regexp.MustCompile(`--[a-z][a-z-]*`)

// fieldOf is the field that a text about flags speaks of first, and the text about fields.
func fieldOf(text string) (location, message string) {
	location = "body"
	message = flagWord.ReplaceAllStringFunc(text, func(flag string) string {
		field := strings.ReplaceAll(strings.TrimPrefix(flag, "--"), "-", "_")
		if location == "body" && slices.Contains(startFields, field) {
			location = "body." + field
		}
		return field
	})
	if strings.HasPrefix(message, "archive ") {
		location = "body.archive"
	}
	return location, message
}

// startFields are the fields of a request to start a replay.
var startFields = func() []string {
	var names []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[api.Start]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}()

// problemOf makes of an error what a caller of the daemon can do something about. Others stay as they are.
func problemOf(err error) error {
	var (
		problem    *api.Problem
		usage      *usageError
		differs    *kafka.SpecDiffers
		unanswered *kafka.Unanswered
		unread     *unread
	)
	if err == nil || errors.As(err, &problem) {
		return err
	}
	refusals := refusedBy(err)
	switch {
	case errors.As(err, &usage):
		return api.Invalid(usages(err)...)
	case len(refusals) > 0:
		return refused(refusals[0], refusals[1:]...)
	case errors.As(err, &differs):
		return api.NewProblem(http.StatusConflict, "%s", differs.Error())
	case errors.As(err, &unanswered), kafka.Denied(err):
		return api.NewProblem(http.StatusServiceUnavailable, "%s", err.Error())
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled): // the request is over
		return err
	case errors.As(err, &unread):
		return unread.problem()
	}
	return err
}

// wrongFields is the problem of all fields that errs say to be wrong. What is no such thing comes first.
func wrongFields(errs ...error) error {
	var list []api.FieldError
	for _, err := range parts(errors.Join(errs...)) {
		var p *api.Problem
		switch {
		case err == nil:
		case errors.As(err, &p) && len(p.Errors) > 0:
			list = append(list, p.Errors...)
		case errors.As(err, new(*usageError)):
			list = append(list, usages(err)...)
		default:
			return err
		}
	}
	return api.Invalid(list...)
}

// refused is the problem of one refusal, or of several. What is to be done next is told as the command line tells it: the
// commands of others, such as Kafka's, must stay as they are.
func refused(r *replay.Refusal, more ...*replay.Refusal) *api.Problem {
	p := api.NewProblem(statusOf(r), "%s", r.What)
	p.Item, p.Next = r.Item, r.Next
	for _, r := range more {
		p.Status = min(p.Status, statusOf(r)) // what is not allowed at all comes first
		p.Also = append(p.Also, api.Refused{Item: r.Item, Detail: r.What, Next: r.Next})
	}
	p.Title = http.StatusText(p.Status)
	return p
}

func statusOf(r *replay.Refusal) int {
	if r.Item == kafka.ItemNotAllowed {
		return http.StatusForbidden
	}
	return http.StatusUnprocessableEntity
}

// refusedBy are the refusals that err is joined of.
func refusedBy(err error) []*replay.Refusal {
	var list []*replay.Refusal
	for _, e := range parts(err) {
		var r *replay.Refusal
		if errors.As(e, &r) {
			list = append(list, r)
		}
	}
	return list
}

// parts are the errors that err is joined of, or err itself.
func parts(err error) []error {
	var many interface{ Unwrap() []error }
	if !errors.As(err, &many) {
		return []error{err}
	}
	var list []error
	for _, e := range many.Unwrap() {
		list = append(list, parts(e)...)
	}
	return list
}

// usages are the mistakes that err is joined of, each at its field.
func usages(err error) []api.FieldError {
	var list []api.FieldError
	for _, e := range parts(err) {
		location, message := fieldOf(e.Error())
		list = append(list, api.FieldError{Location: location, Message: message})
	}
	return list
}

// inFlags tells what a daemon says of fields in the words of the flags that were typed. What this program would have said of them
// itself is told as it would have: the field's text does not show any more which of its words were flags.
func (f *replayFlags) inFlags(err error, now time.Time) error {
	type said struct{ location, message string }
	here := map[said]string{}
	for _, own := range parts(errors.Join(f.checkTyped(), checkID(f.id), f.checkWithoutArchive(now))) {
		if own != nil {
			location, message := fieldOf(own.Error())
			here[said{location, message}] = own.Error()
		}
	}
	return fieldsAs(err, func(e api.FieldError) string {
		switch text := here[said{e.Location, e.Message}]; {
		case text != "":
			return text
		case e.Location == "body": // of no flag alone
			return e.Message
		}
		return flagAt(e.Location) + ": " + e.Message
	})
}

// fieldsAs is err with its fields in other words.
func fieldsAs(err error, words func(api.FieldError) string) error {
	var p *api.Problem
	if !errors.As(err, &p) || len(p.Errors) == 0 {
		return err
	}
	told := *p
	told.Errors = nil
	for _, e := range p.Errors {
		told.Detail += "\n  " + words(e)
	}
	return &told
}

// inFlagsOf tells what a daemon says of fields by the flags and arguments of a command, which are called as the fields are.
func inFlagsOf(c *cobra.Command, err error) error {
	return fieldsAs(err, func(e api.FieldError) string {
		where, field := e.Location, e.Location[strings.LastIndexByte(e.Location, '.')+1:]
		name := strings.ReplaceAll(field, "_", "-")
		switch argument := strings.ToUpper(name); {
		case c.Flags().Lookup(name) != nil:
			where = "--" + name
		case slices.Contains(strings.Fields(c.Use), argument):
			where = argument
		}
		if rest, named := strings.CutPrefix(e.Message, field+" "); named {
			return where + " " + rest
		}
		return where + ": " + e.Message
	})
}

// flagAt is the flag that says what a field of a start does.
func flagAt(location string) string {
	name, of := strings.CutPrefix(location, "body.")
	if !of || !slices.Contains(startFields, name) || name == "as_of" {
		return location
	}
	return "--" + strings.ReplaceAll(name, "_", "-")
}
