package awscreds

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
)

const secret = "SECRETJUNK"

// printing is what the SDK makes of a program that prints text, inside a cache and an error around it as of a role.
func printing(t *testing.T, text string) aws.CredentialsProvider {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return around(processcreds.NewProvider("cat " + path))
}

func around(p aws.CredentialsProvider) aws.CredentialsProvider {
	cache := aws.NewCredentialsCache(p)
	return aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		found, err := cache.Retrieve(ctx)
		if err != nil {
			err = fmt.Errorf("operation error STS: AssumeRole, get identity: %w", err)
		}
		return found, err
	})
}

// words are all that err and the errors inside it can say.
func words(err error) string {
	var all strings.Builder
	for ; err != nil; err = errors.Unwrap(err) {
		fmt.Fprintf(&all, "%s\n%+v\n%#v\n", err, err, err)
	}
	return all.String()
}

func TestWhatAProgramPrintsIsInNoError(t *testing.T) {
	t.Parallel()
	for printed, want := range map[string]string{
		`{"Version":1,"AccessKeyId":"AKIAX","SecretAccessKey":"SECRETJUNK","Expiration":"notatime"}`: "an Expiration that is no time",
		`{"Version":1,"AccessKeyId":"AKIAX","SecretAccessKey":"SECRETJUNK","Expiration":7}`:          "can be read",
		`{"Version":1,"AccessKeyId":"AKIAX","Expiration":"SECRETJUNK","SecretAccessKey":"x"}`:        "an Expiration that is no time",
		`{"Version":1,"AccessKeyId":"AKIAX","SecretAccessKey":"SECRETJUNK"`:                          "no JSON",
		`{"Version":"SECRETJUNK"}`:                   "a Version that is no int",
		`{"Version":1,"SecretAccessKey":4242424242}`: "a SecretAccessKey that is no string",
		`SECRETJUNK`:                       "no JSON, from byte 1",
		`"SECRETJUNK"`:                     "no object",
		`{"SecretAccessKey":"SECRETJUNK"}`: "wrong version in process output (not 1)",
		`{"Version":1,"SecretAccessKey":"SECRETJUNK"}`: "missing AccessKeyId in process output",
		`{"Version":1,"AccessKeyId":"SECRETJUNK"}`:     "missing SecretAccessKey in process output",
	} {
		p := printing(t, printed)
		if _, raw := p.Retrieve(t.Context()); raw == nil {
			t.Errorf("%s is taken for credentials", printed)
		}
		_, err := Guard(p, Limit).Retrieve(t.Context())
		told := words(err)
		if strings.Contains(told, secret) || strings.Contains(told, "42424242") || strings.Contains(told, "AKIAX") {
			t.Errorf("%s\nis in the error: %s", printed, told)
		}
		if process := (*ProcessError)(nil); !errors.As(err, &process) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\nis told as %v, want %q", printed, err, want)
		}
	}
}

func TestProgramThatFailsIsToldByItsStatus(t *testing.T) {
	t.Parallel()
	_, err := Guard(around(processcreds.NewProvider("echo SECRETJUNK; exit 3")), Limit).Retrieve(t.Context())
	if told := words(err); strings.Contains(told, secret) || !strings.Contains(told, "exit status 3") {
		t.Error(told)
	}
}

func TestCredentialsAndOtherErrorsPass(t *testing.T) {
	t.Parallel()
	found, err := Guard(printing(t, `{"Version":1,"AccessKeyId":"a","SecretAccessKey":"s"}`), Limit).Retrieve(t.Context())
	if err != nil || found.AccessKeyID != "a" || found.SecretAccessKey != "s" {
		t.Errorf("%+v, %v", found, err)
	}
	other := errors.New("no role")
	if _, err := Guard(around(failing{other}), Limit).Retrieve(t.Context()); !errors.Is(err, other) {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) Retrieve(context.Context) (aws.Credentials, error) { return aws.Credentials{}, f.err }

type hanging struct{ until <-chan struct{} }

func (h hanging) Retrieve(context.Context) (aws.Credentials, error) {
	<-h.until
	return aws.Credentials{}, errors.New("ended")
}

func TestCredentialsThatDoNotComeAreToldAfterTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		until := make(chan struct{})
		defer close(until)
		began := time.Now()
		_, err := Guard(around(hanging{until}), Limit).Retrieve(t.Context())
		if late := (*LateError)(nil); !errors.As(err, &late) || !strings.Contains(err.Error(), "none came within 25s") {
			t.Error(err)
		}
		if waited := time.Since(began); waited != Limit {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestAskerThatGivesUpEarlierIsNotToldOfTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		until := make(chan struct{})
		defer close(until)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := Guard(around(hanging{until}), Limit).Retrieve(ctx)
		if late := (*LateError)(nil); errors.As(err, &late) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// The SDK ends the program at the same moment, and may be the first to say so.
func TestProgramThatTheSDKEndsIsToldByTheLimit(t *testing.T) {
	t.Parallel()
	p := around(processcreds.NewProvider("exec sleep 600", Options(time.Millisecond)))
	_, err := Guard(p, time.Hour).Retrieve(t.Context())
	if late := (*LateError)(nil); !errors.As(err, &late) {
		t.Error(err)
	}
}
