package main

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"replayd/archive"
	"replayd/replay"
	"replayd/replay/api"
)

// unread is why an archive could not be looked at.
type unread struct{ err error }

func (e *unread) Error() string { return e.err.Error() }
func (e *unread) Unwrap() error { return e.err }

// unreadable marks err as the archive's, for those whom a daemon answers. Mistakes in what was asked stay what they are.
func unreadable(err error) error {
	if err == nil || errors.As(err, new(*usageError)) {
		return err
	}
	return &unread{err}
}

// lists asks an archive for the first objects of a window, and tells what will be so however often it is asked: that there is no such
// bucket, or that it may not be read. Else the start would be taken, and its replay would fail. One that does not answer now may when
// its turn comes. It asks for no more than the replay will: a policy may allow no other keys.
func lists(ctx context.Context, src archive.Source, w replay.Window) error {
	ctx, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	prefix := ""
	if hours := src.Layout.Hours(w.From, w.To); len(hours) > 0 {
		prefix = hours[0].Prefix
	}
	for _, err := range src.Store.List(ctx, prefix) {
		if errors.As(err, new(*archive.Permanent)) {
			return unreadable(err)
		}
		break
	}
	return nil
}

// onDaemon is the end of what is told of an archive in trouble: whoever asks has another machine, and other credentials.
const onDaemon = "The daemon reads the archive, by its own configuration and credentials: whoever runs it can mend that."

// asSettings are the flags that cures name, as a daemon's configuration calls them.
var asSettings = strings.NewReplacer(
	"--s3-endpoint", "s3.endpoint", "--s3-region", "s3.region", "--s3-path-style", "s3.path_style", "--aws-profile", "s3.profile",
)

// problem is e as a daemon answers it.
func (e *unread) problem() *api.Problem {
	detail, next := e.Error(), onDaemon
	if permanent := new(archive.Permanent); errors.As(e.err, &permanent) && permanent.Cure != "" {
		detail = strings.TrimSuffix(detail, "\n"+permanent.Cure)
		next = asSettings.Replace(permanent.Cure) + "\n" + onDaemon
	}
	p := api.NewProblem(http.StatusBadGateway, "%s", detail)
	p.Next = next
	return p
}
