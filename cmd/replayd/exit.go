package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/spf13/pflag"

	"replayd/config"
	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/kafka"
)

// Exit codes: a contract.
const (
	exitOK          = 0
	exitFailed      = 1 // can be continued
	exitUsage       = 2
	exitQuarantined = 3
	exitRefused     = 4
	exitTakenOver   = 6
	exitCancelled   = 7
	exitUnreached   = 10 // no daemon answers
	exitBadConfig   = 78
	exitInterrupted = 130 // can be continued
)

// usageError is a mistake in what was typed.
type usageError struct{ err error }

func usage(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// flagError is what the library says of a flag, in the words of this program where it quotes its parser.
func flagError(err error) error {
	wrong := new(pflag.InvalidValueError)
	if !errors.As(err, &wrong) {
		return err
	}
	var why string
	switch kind := wrong.GetFlag().Value.Type(); {
	case errors.Is(err, strconv.ErrRange):
		why = "is too large"
	case kind == "int32", kind == "int64":
		why = "want a whole number"
	case kind == "bool":
		why = "want true or false"
	default:
		return err
	}
	return fmt.Errorf("--%s %q: %s", wrong.GetFlag().Name, wrong.GetValue(), why)
}

type badConfig struct{ err error }

func (e *badConfig) Error() string { return e.err.Error() }
func (e *badConfig) Unwrap() error { return e.err }

// interrupted is the end that a signal asked for.
type interrupted struct{ text string }

func (e *interrupted) Error() string { return e.text }

// exitCode ends a command whose output is complete with a code of its own.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// exit prints err, once, and returns its code.
func (a *app) exit(err error) int {
	if err == nil {
		return exitOK
	}
	var code exitCode
	if errors.As(err, &code) {
		return int(code)
	}
	fmt.Fprintf(a.err, "replayd: %s\n", err)
	if kafka.Denied(err) {
		fmt.Fprintln(a.err, "A right is missing: replayd topics prints the commands that grant all that are needed")
	}
	number := codeOf(err)
	if none := new(api.Unreached); errors.As(err, &none) && none.Next == "" {
		fmt.Fprintln(a.err, "replayd serve runs one; --server or $REPLAYD_SERVER names another address")
	}
	return number
}

func codeOf(err error) int {
	var (
		usage    *usageError
		bad      *badConfig
		problems config.Problems
		refusal  *replay.Refusal
		differs  *kafka.SpecDiffers
		taken    *replay.TakenOver
		stopped  *replay.Stopped
		left     *interrupted
		none     *api.Unreached
		problem  *api.Problem
	)
	switch {
	case errors.As(err, &none):
		return exitUnreached
	case errors.As(err, &problem):
		return codeOfProblem(problem)
	case errors.As(err, &usage), errors.As(err, &differs):
		return exitUsage
	case errors.As(err, &bad), errors.As(err, &problems):
		return exitBadConfig
	case errors.As(err, &refusal):
		return exitRefused
	case errors.As(err, &taken):
		return exitTakenOver
	case errors.As(err, &stopped) && stopped.State == replay.Paused, errors.As(err, &left), errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitFailed
}

// codeOfProblem is the exit code of what a daemon answers: that which run would end with.
func codeOfProblem(p *api.Problem) int {
	switch {
	case p.Item != "":
		return exitRefused
	case p.Status == http.StatusBadRequest, p.Status == http.StatusNotFound, p.Status == http.StatusConflict, p.Status == http.StatusUnprocessableEntity:
		return exitUsage
	}
	return exitFailed
}

// codeOfState is the exit code of a replay that has ended.
func codeOfState(s replay.State, quarantineOK bool) int {
	switch {
	case s == replay.CompletedWithQuarantine && !quarantineOK:
		return exitQuarantined
	case s == replay.Cancelled:
		return exitCancelled
	}
	return exitOK
}

// codeOfStuck is the exit code of a replay of which nothing more becomes: one that was refused has not begun.
func codeOfStuck(r *api.Replay) int {
	if r.State == replay.Planned {
		return exitRefused
	}
	return exitFailed
}
