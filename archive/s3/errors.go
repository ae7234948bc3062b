package s3

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"replayd/archive"
)

// answer is an error that the store answered with, without the SDK's preamble.
type answer struct {
	status        int
	code, message string
	request       string // the id that the store's support asks for
	header        http.Header
	signer        string // access key that signed the request
}

func (a *answer) Error() string {
	text := a.code
	if a.message != "" {
		text += ": " + archive.Printable(a.message) // some stores repeat the key
	}
	text += fmt.Sprintf(" (HTTP %d", a.status)
	if a.request != "" {
		text += ", request " + a.request
	}
	return text + ")"
}

// answerOf finds the answer inside an error of the SDK. Some answers have no code, from a proxy on the way for example.
func answerOf(err error) (*answer, bool) {
	var response *awshttp.ResponseError
	if !errors.As(err, &response) || response.ResponseError == nil || response.HTTPStatusCode() == 0 {
		return nil, false
	}
	a := &answer{
		status:  response.HTTPStatusCode(),
		code:    http.StatusText(response.HTTPStatusCode()),
		request: response.RequestID,
		header:  response.HTTPResponse().Header,
	}
	if asked := response.HTTPResponse().Request; asked != nil {
		a.signer = signer(asked)
	}
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() != "" && api.ErrorCode() != "UnknownError" {
		a.code, a.message = api.ErrorCode(), api.ErrorMessage()
	}
	return a, true
}

func (s *Store) listError(ctx context.Context, err error) error {
	return s.judge(ctx, err, "s3:ListBucket on "+s.resource(false))
}

// missing are the codes of an object that is gone. Buckets, accounts and keys are answered for with status 404, too.
var missing = map[string]bool{"NoSuchKey": true, "NoSuchVersion": true, http.StatusText(http.StatusNotFound): true}

func (s *Store) getError(ctx context.Context, o archive.Object, err error) error {
	a, ok := answerOf(err)
	switch {
	case ok && (a.status == http.StatusPreconditionFailed || a.status == http.StatusRequestedRangeNotSatisfiable):
		// not the ETag that was listed, or shorter than listed
		return fmt.Errorf("%w: %w", archive.ErrChanged, a)
	case ok && a.status == http.StatusNotFound && missing[a.code]:
		return fmt.Errorf("%w: %w", fs.ErrNotExist, a)
	case ok && a.code == "InvalidObjectState":
		return &archive.Permanent{Err: a, Cure: "The object is in cold storage. " + s.Restore(o)}
	}
	return s.judge(ctx, err, "s3:GetObject on "+s.resource(true))
}

// judge tells what a retry cures from what a person must. Permission is what the request needs.
func (s *Store) judge(ctx context.Context, err error, permission string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var unsigned *credentialsError
	if errors.As(err, &unsigned) {
		return s.unsigned(ctx, unsigned.error)
	}
	a, ok := answerOf(err)
	switch {
	case !ok:
		return s.unanswered(err)
	case a.passing():
		return a
	case ended[a.code] && s.signing != nil:
		return s.signedAnew(ctx, a)
	}
	return &archive.Permanent{Err: a, Cure: s.cure(a, permission)}
}

// signedAnew makes worth a retry what other credentials cure, where they can be had without a person.
func (s *Store) signedAnew(ctx context.Context, a *answer) error {
	renewed, err := s.signing.renew(ctx, a.signer)
	var unsigned *credentialsError
	switch {
	case errors.As(err, &unsigned):
		return s.unsigned(ctx, unsigned.error)
	case renewed:
		return a
	}
	return &archive.Permanent{Err: a, Cure: "The session has ended. " + s.signIn(ctx)}
}

// passing reports whether the same request may succeed later. S3 says RequestTimeout with status 400.
func (a *answer) passing() bool {
	code := strings.TrimPrefix(a.code, "KMS.") // with which S3 hands on what KMS said
	_, timeout := retry.DefaultRetryableErrorCodes[code]
	_, throttled := retry.DefaultThrottleErrorCodes[code]
	switch {
	case timeout, throttled:
		return true
	case a.code == "NotImplemented":
		return false
	case a.status == http.StatusRequestTimeout, a.status == http.StatusTooManyRequests, a.status == http.StatusTemporaryRedirect:
		return true
	}
	return a.status < 300 || a.status >= 500
}

var expectedRegion = regexp.MustCompile(`expecting '([a-z0-9-]+)'`)

// region is the one the bucket is in, empty when the answer does not say.
func (a *answer) region() string {
	if r := a.header.Get("X-Amz-Bucket-Region"); r != "" {
		return r
	}
	if found := expectedRegion.FindStringSubmatch(a.message); found != nil {
		return found[1]
	}
	return ""
}

// unanswered sorts the errors of requests to which nothing came back. A dead endpoint may come back to life; a request
// that was not even sent, because no address or signature could be made, will not be sent the next time either.
func (s *Store) unanswered(err error) error {
	var request *url.Error
	if !errors.As(err, &request) {
		return &archive.Permanent{Err: err, Cure: "Check the archive's bucket, --s3-region and --s3-endpoint."}
	}
	host := request.URL
	if u, parseErr := url.Parse(request.URL); parseErr == nil {
		host = u.Scheme + "://" + u.Host
	}
	told := fmt.Errorf("no answer from %s: %w", host, request.Err)
	var name *net.DNSError
	if errors.As(err, &name) && s.options.Endpoint != "" && !s.options.PathStyle {
		return fmt.Errorf("%w (without --s3-path-style the bucket is part of the host's name)", told)
	}
	if cure := s.connectionCure(request.Err); cure != "" {
		return &archive.Permanent{Err: told, Cure: cure}
	}
	return told
}
