// Package awscreds takes AWS credentials from the SDK's chain for all who sign with them, the archive on S3 and the login at
// MSK, and guards what leaves it:
//
//	profile, environment, role of the machine ─> the SDK's chain ─> Guard ─> signature
//	                                                                  └────> an error without secrets, in time
//
// A profile may name a program that prints credentials, its credential_process. When what it prints cannot be read, the
// SDK's error holds all of it, the secret key too; errors go to terminals and, as the reason of a failed replay, for good
// into a topic. And a program may hang. So no error of such a program passes as it is, and none is waited for without end.
package awscreds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
)

// Limit is how long credentials are waited for, unless there is less time: a person may have to touch a key for them. It
// stays below the 30 s after which a request to an archive is taken for stalled, so that it is this that is told.
const Limit = 25 * time.Second

// Guard passes on what provider gives within limit. Its errors never hold what a credential_process printed; those of one
// are a *ProcessError, and that of the limit is a *LateError. provider must give up when its context ends, as the SDK's
// cache does.
func Guard(provider aws.CredentialsProvider, limit time.Duration) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		late := &LateError{limit}
		within, cancel := context.WithTimeoutCause(ctx, limit, late)
		defer cancel()
		found, err := provider.Retrieve(within)
		if err != nil && errors.Is(context.Cause(within), late) {
			return aws.Credentials{}, late
		}
		return found, safe(err, late)
	})
}

// LateError says that no credentials came in time.
type LateError struct{ Limit time.Duration }

func (e *LateError) Error() string { return fmt.Sprintf("none came within %s", e.Limit) }

// ProcessError says what is wrong with a credential_process, in words of our own: it stands in for an error of the SDK, which
// it does not wrap.
type ProcessError struct{ What string }

func (e *ProcessError) Error() string { return "credential_process " + e.What }

// safe replaces an error that came out of a credential_process, however deep in err it is.
func safe(err error, late *LateError) error {
	var process *processcreds.ProviderError
	switch {
	case !errors.As(err, &process):
		return err
	case strings.HasPrefix(process.Err.Error(), "credential process timed out"): // the SDK ended it, see Options
		return late
	}
	return &ProcessError{what(process.Err)}
}

// what tells the kinds of the SDK's errors apart. Only texts that cannot hold output are passed on: the values of errors
// about JSON and times are parts of it.
func what(err error) string {
	var (
		exit   *exec.ExitError
		start  *exec.Error
		syntax *json.SyntaxError
		kind   *json.UnmarshalTypeError
		when   *time.ParseError
	)
	switch {
	case errors.As(err, &exit):
		return "ended with " + exit.ProcessState.String()
	case errors.As(err, &start):
		return "could not be started: " + start.Error()
	case errors.As(err, &syntax):
		return fmt.Sprintf("printed what is no JSON, from byte %d on", syntax.Offset)
	case errors.As(err, &kind) && kind.Field == "":
		return "printed JSON that is no object"
	case errors.As(err, &kind):
		return fmt.Sprintf("printed a %s that is no %s", kind.Field, kind.Type)
	case errors.As(err, &when):
		return "printed an Expiration that is no time such as 2026-11-01T03:00:00Z"
	}
	for _, constant := range []string{
		"wrong version in process output (not 1)", "missing AccessKeyId in process output", "missing SecretAccessKey in process output",
	} {
		if err.Error() == constant {
			return "does not print what it should: " + constant
		}
	}
	return "did not give credentials that can be read"
}

// Options let the SDK end a credential_process that hangs no later than Guard gives up on it.
func Options(limit time.Duration) func(*processcreds.Options) {
	return func(o *processcreds.Options) { o.Timeout = limit }
}
