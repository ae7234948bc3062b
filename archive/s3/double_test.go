package s3_test

import (
	"net/http"
	"testing"

	"replayd/archive/archivetest/awstest"
	"replayd/archive/s3"
)

const bucket = "archive"

// double is a double of S3 with the bucket.
type double struct{ *awstest.S3 }

func newDouble(t *testing.T, files map[string][]byte) *double {
	return &double{awstest.Start(t, bucket, files)}
}

func (d *double) store(t *testing.T, prefix string) *s3.Store {
	t.Helper()
	return open(t, s3.Options{Bucket: bucket, Prefix: prefix, Endpoint: d.URL, PathStyle: true})
}

func refuse(w http.ResponseWriter, status int, code string) { awstest.Refuse(w, status, code, "no") }

// alone shields a test from the machine's AWS configuration and gives it keys; SDK retries are off.
func alone(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE"} {
		t.Setenv(name, "")
	}
	home := t.TempDir()
	t.Setenv("AWS_CONFIG_FILE", home+"/config")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", home+"/credentials")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
}

func open(t *testing.T, o s3.Options) *s3.Store {
	t.Helper()
	s, err := s3.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
