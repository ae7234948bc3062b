package s3

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"replayd/archive"
	"replayd/archive/awscreds"
)

// late are credentials that never come, without the wait for them.
func late(context.Context) (aws.Credentials, error) {
	return aws.Credentials{}, &awscreds.LateError{Limit: awscreds.Limit}
}

func TestCredentialsThatDoNotComeAreTheStoresError(t *testing.T) {
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/config")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/credentials")
	s := &Store{options: Options{Bucket: "archive", Region: "eu-west-1"}}
	s.signing = &credentials{guarded: aws.CredentialsProviderFunc(late)}
	s.connect(aws.Config{Region: "eu-west-1", Credentials: s.signing})
	for _, err := range s.List(t.Context(), "") {
		if archive.Curable(err) || !strings.Contains(err.Error(), "no usable AWS credentials: none came within 25s") ||
			!strings.Contains(err.Error(), "If a profile has a credential_process, run it by hand") {
			t.Error(err)
		}
		return
	}
	t.Error("listed without credentials")
}
