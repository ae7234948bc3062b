package main

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"

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
		if name == "-" || name == "plan" || of.Field(i).IsZero() {
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
	return f, invalid(wrong)
}

// invalid is the problem of fields that are wrong; nil when none is.
func invalid(wrong []api.FieldError) error {
	if len(wrong) == 0 {
		return nil
	}
	p := api.NewProblem(http.StatusUnprocessableEntity, "what is asked for cannot be done as it stands")
	p.Errors = wrong
	return p
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
		refusal    *replay.Refusal
		differs    *kafka.SpecDiffers
		unanswered *kafka.Unanswered
	)
	switch {
	case err == nil, errors.As(err, &problem):
		return err
	case errors.As(err, &usage):
		return invalid(usages(err))
	case errors.As(err, &refusal):
		return refused(refusal)
	case errors.As(err, &differs):
		return api.NewProblem(http.StatusConflict, "%s", differs.Error())
	case errors.As(err, &unanswered), kafka.Denied(err):
		return api.NewProblem(http.StatusServiceUnavailable, "%s", err.Error())
	}
	return err
}

func refused(r *replay.Refusal) *api.Problem {
	status := http.StatusUnprocessableEntity
	if r.Item == kafka.ItemNotAllowed {
		status = http.StatusForbidden
	}
	p := api.NewProblem(status, "%s", r.What)
	_, next := fieldOf(r.Next)
	p.Item, p.Next = r.Item, next
	return p
}

// usages are the mistakes that err is joined of, each at its field.
func usages(err error) []api.FieldError {
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		var list []api.FieldError
		for _, e := range many.Unwrap() {
			list = append(list, usages(e)...)
		}
		return list
	}
	location, message := fieldOf(err.Error())
	return []api.FieldError{{Location: location, Message: message}}
}
