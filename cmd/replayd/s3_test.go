package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"replayd/archive/archivetest/awstest"
)

// bucket is a double of S3 with a bucket called archive, and credentials that are the test's own.
func bucket(t *testing.T, files map[string][]byte) *awstest.S3 {
	t.Helper()
	for _, name := range []string{"AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE"} {
		t.Setenv(name, "")
	}
	home := t.TempDir()
	t.Setenv("AWS_CONFIG_FILE", home+"/config")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", home+"/credentials")
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	return awstest.Start(t, "archive", files)
}

func TestAnArchiveIsReadWithItsS3Settings(t *testing.T) {
	d := bucket(t, map[string][]byte{"p/a": []byte(event("a", 1))})
	sts := awstest.StartSTS(t)
	var asked []string
	d.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		asked = append(asked, awstest.Signer(r)+" "+r.Header.Get("X-Amz-Request-Payer"))
		return true
	}
	b := newBench(t)
	config := b.config(`archives:
  payments:
    url: s3://archive/p
    layout: jsonl
    format: json
    event_id: /id
    event_time: /t
    s3:
      region: sa-east-1
      endpoint: ` + d.URL + `
      path_style: true
      assume_role: arn:aws:iam::123456789012:role/r
      external_id: e
      session_name: night
      requester_pays: true
`)
	r := b.replayd("cat", "--config", config, "--archive", "payments", "--from", "2026-11-01", "--for", "24h").want(exitOK)
	if out := r.out.String(); !strings.Contains(out, `"id":"a"`) {
		t.Errorf("printed %q", out)
	}
	want := awstest.Assumed{Role: "arn:aws:iam::123456789012:role/r", ExternalID: "e", SessionName: "night", By: "key", Key: "session1"}
	if got := sts.Assumed(); !slices.Equal(got, []awstest.Assumed{want}) {
		t.Errorf("assumed %+v", got)
	}
	for _, a := range asked {
		if a != "session1 requester" {
			t.Errorf("asked by %q", a)
		}
	}
}

func TestAddressesThatAreNoneOfS3AreTypingErrors(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, address := range []string{"s3://", "s3://arn:aws:iam::123456789012:role/r"} {
		args := append(b.here("run"), "--archive", address, "--topic", "x", "--layout", "jsonl", "--format", "json",
			"--event-id", "/id", "--event-time", "/t", "--from", "2026-11-01", "--for", "24h")
		b.replayd(args...).want(exitUsage, address, "want s3://")
	}
}
