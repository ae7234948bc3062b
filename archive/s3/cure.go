package s3

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"

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
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "BucketRegionError":
		return s.regionCure(a)
	case "RequestTimeTooSkewed", "RequestExpired":
		return "Set this machine's clock: it differs from the store's by more than 15 minutes."
	}
	switch {
	case strings.HasPrefix(a.code, "KMS."):
		return "The key" + named(kmsKey.FindString(a.message)) + " that encrypts the objects cannot be used as it is. Ask its owner to enable it, or to cancel its deletion."
	case a.status == http.StatusMovedPermanently, a.status == http.StatusBadRequest && s.elsewhere(a):
		return s.regionCure(a)
	case a.status == http.StatusForbidden:
		return s.denied(a, permission)
	}
	return "Check --s3-endpoint, --s3-region and --s3-path-style: the store does not take the request as it is."
}

// kmsKey is a key as S3's answers name it.
var kmsKey = regexp.MustCompile(`arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(?:key|alias)/[\w/-]+`)

// denied names the permission. S3 hides which one is missing, and calls a missing object denied to those who may not
// list.
func (s *Store) denied(a *answer, permission string) string {
	said := strings.ToLower(a.message)
	switch {
	case strings.Contains(said, "kms:"), strings.Contains(said, "customer master key"), strings.Contains(said, "kms key"):
		return "The credentials may read the object but not decrypt it. They need kms:Decrypt on " +
			cmp.Or(kmsKey.FindString(a.message), "the bucket's key") +
			", in their own policy and, where the key is another account's, in the key's."
	case strings.Contains(said, "requester pays"):
		return requesterPays
	}
	cure := "The credentials need " + permission + ". Choose others with --aws-profile, or ask the bucket's owner."
	if !s.options.RequesterPays && s.options.Endpoint == "" {
		cure += " " + requesterPays
	}
	return cure
}

const requesterPays = "Where the requester pays for the bucket, say so with requester_pays: true in the archive's s3 settings."

func named(name string) string {
	if name == "" {
		return ""
	}
	return " " + name
}

// elsewhere reports whether an answer names another region than was asked: one to a HEAD has no code that says so.
func (s *Store) elsewhere(a *answer) bool {
	return a.region() != "" && a.region() != s.client.Options().Region
}

func (s *Store) regionCure(a *answer) string {
	if r := a.region(); r != "" {
		return fmt.Sprintf("The bucket is in another region: --s3-region %s (region in the archive's s3 settings)", r)
	}
	return "The bucket is in another region or behind another address: check --s3-region and --s3-endpoint."
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
