package s3

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"

	"replayd/archive"
)

// cure is the next step for the person who reads an answer that no retry changes.
func (s *Store) cure(a *answer, permission string) string {
	switch a.code {
	case "NoSuchBucket":
		return fmt.Sprintf("No bucket is called %s there. Check the archive's name, and --s3-endpoint when it is not on AWS.", s.options.Bucket)
	case "InvalidAccessKeyId", "XAdminUserNotFound": // AWS; versitygw
		return "The access key is unknown there. Choose credentials with --aws-profile; check --s3-endpoint when the key is not of AWS."
	case "SignatureDoesNotMatch":
		return "The secret key does not belong to the access key. Check AWS_SECRET_ACCESS_KEY or choose credentials with --aws-profile."
	case "ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired", "RequestExpired":
		return "The session has ended. " + s.signIn()
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "BucketRegionError":
		return s.regionCure(a)
	case "RequestTimeTooSkewed":
		return "Set this machine's clock: it differs from the store's by more than 15 minutes."
	case "InvalidObjectState":
		return "The object is in cold storage. Restore it first (aws s3api restore-object), then continue."
	}
	switch a.status {
	case http.StatusMovedPermanently:
		return s.regionCure(a)
	case http.StatusForbidden:
		return denied(a, permission)
	}
	return "Check --s3-endpoint, --s3-region and --s3-path-style: the store does not take the request as it is."
}

// denied names the permission. S3 hides which one is missing, and calls a missing object denied to those who may not
// list.
func denied(a *answer, permission string) string {
	if strings.Contains(a.message, "kms:") {
		permission += " and kms:Decrypt on the bucket's key"
	}
	return "The credentials need " + permission + ". Choose others with --aws-profile, or ask the bucket's owner."
}

func (s *Store) regionCure(a *answer) string {
	if r := a.region(); r != "" {
		return fmt.Sprintf("The bucket is in another region: --s3-region %s", r)
	}
	return "The bucket is in another region or behind another address: check --s3-region and --s3-endpoint."
}

func (s *Store) signIn() string {
	if s.options.Profile == "" {
		return "Sign in again, for example with aws sso login --profile NAME, and choose the credentials with --aws-profile NAME."
	}
	return "Sign in again: aws sso login --profile " + s.options.Profile
}

// unsigned sorts the errors of the chain of credentials. As long as it has never given any, none are configured; later
// the service behind them may be away for a while.
func (s *Store) unsigned(err error) error {
	told := fmt.Errorf("no usable AWS credentials: %w", err)
	var ended *ssocreds.InvalidTokenError
	switch {
	case errors.As(err, &ended), strings.Contains(err.Error(), "SSO"):
		return &archive.Permanent{Err: told, Cure: s.signIn()}
	case s.meter.answered.Load():
		return told
	case s.options.AssumeRole != "":
		return &archive.Permanent{Err: told, Cure: "Check that the credentials may sts:AssumeRole " + s.options.AssumeRole + ", and the external id."}
	}
	return &archive.Permanent{
		Err:  told,
		Cure: "Give --aws-profile NAME, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. " + s.signIn(),
	}
}

func configError(err error) error {
	var missing config.SharedConfigProfileNotExistError
	if errors.As(err, &missing) {
		return &archive.Permanent{
			Err:  fmt.Errorf("no AWS profile is called %s", missing.Profile),
			Cure: "See which there are: aws configure list-profiles",
		}
	}
	return &archive.Permanent{Err: err, Cure: "Check the shared configuration files: aws configure list"}
}

// connectionCure is empty for what may pass by itself.
func (s *Store) connectionCure(err error) string {
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		return "The endpoint's certificate is not trusted here. Name its authority's file in AWS_CA_BUNDLE."
	case errors.As(err, new(tls.RecordHeaderError)), strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return "The endpoint speaks plain HTTP: --s3-endpoint http://..."
	}
	return ""
}
