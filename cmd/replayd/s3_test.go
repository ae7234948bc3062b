package main

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/twmb/franz-go/pkg/kadm"

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

// followRestore does what a printed aws command does. There may be no aws here.
func followRestore(t *testing.T, d *awstest.S3, text string) {
	t.Helper()
	found := regexp.MustCompile(`aws s3api restore-object --bucket (\S+) --key (\S+) --restore-request 'Days=(\d+),GlacierJobParameters=\{Tier=(\w+)\}' --region (\S+) --endpoint-url (\S+)`).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("names no command that restores:\n%s", text)
	}
	days, err := strconv.Atoi(found[3])
	if err != nil {
		t.Fatal(err)
	}
	client := sdk.New(sdk.Options{Region: found[5], BaseEndpoint: aws.String(found[6]), UsePathStyle: true, Credentials: aws.AnonymousCredentials{}})
	_, err = client.RestoreObject(t.Context(), &sdk.RestoreObjectInput{
		Bucket: &found[1], Key: &found[2],
		RestoreRequest: &types.RestoreRequest{
			Days: aws.Int32(int32(days)), GlacierJobParameters: &types.GlacierJobParameters{Tier: types.Tier(found[4])},
		},
	})
	if err != nil || found[6] != d.URL {
		t.Fatalf("%s: %v", found[0], err)
	}
}

// TestColdStorageIsRefusedUntilItIsRestored is the way of someone who replays an hour of last year.
func TestColdStorageIsRefusedUntilItIsRestored(t *testing.T) {
	d := bucket(t, map[string][]byte{"p/2026/11/01/12/a": []byte(event("a", 12)), "p/2026/11/01/12/b": []byte(event("b", 12))})
	d.Store("p/2026/11/01/12/b", "DEEP_ARCHIVE", awstest.Restore{})
	b := newBench(t)
	flags := []string{
		"--archive", "s3://archive/p", "--s3-endpoint", d.URL, "--s3-region", "us-east-1", "--s3-path-style",
		"--layout", "%Y/%m/%d/%H/", "--format", "json", "--event-id", "/id", "--event-time", "/t",
		"--from", "2026-11-01T12", "--for", "1h", "--topic", "x", "--create-topic", "--id", "night",
	}
	run := func() *result { return b.run(flags...) }
	plan := func() *result { return b.replayd(append(b.here("plan"), flags...)...) }

	refused := run().want(exitRefused, "glacier: 1 of the 2 objects", "1 in DEEP_ARCHIVE", "up to 12 hours")
	if p := plan().want(exitRefused).lines("plan")[0]; p["sample_error"] == nil || p["restart_bytes"] != p["bytes"] {
		t.Errorf("without a sample, to go on with %v bytes %v are read again", p["bytes"], p["restart_bytes"])
	}
	text := b.replayd(append(append(b.here("plan"), flags...), "--output", "text")...).out.String()
	if !regexp.MustCompile(`(?m)^preflight REFUSED glacier: .*\n {10}Restore it: .*\n {10}From DEEP_ARCHIVE `).MatchString(text) {
		t.Errorf("plan prints\n%s", text)
	}
	b.run(append(flags, "--allow", "glacier")...).want(exitUsage, "--allow")
	client := b.client()
	defer client.Close()
	if there, err := kadm.NewClient(client).ListTopics(t.Context()); err != nil || len(there) > 0 {
		t.Errorf("nothing has begun, yet there are topics %v, %v", there.Names(), err)
	}

	followRestore(t, d, refused.err.String())
	run().want(exitRefused, "1 of them are being restored", "run it again when that is done")
	if out := plan().want(exitRefused).out.String(); !strings.Contains(out, `"item":"glacier","refused":true,"allowed":false`) {
		t.Errorf("plan says %s", out)
	}

	d.Thaw(time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC))
	if out := plan().want(exitOK).out.String(); !strings.Contains(out, `"item":"glacier","refused":false`) || !strings.Contains(out, "until 2026-12-24T00:00:00Z") {
		t.Errorf("plan says %s", out)
	}
	run().want(exitOK, "until 2026-12-24T00:00:00Z")
	if n := len(b.consume("x")); n != 2 {
		t.Errorf("%d events were produced", n)
	}
}

// A copy that goes while the replay is under way fails it, and it goes on when the object is back.
func TestRestoredCopyThatIsGoneIsToldAndReadWhenItIsBack(t *testing.T) {
	d := bucket(t, map[string][]byte{"a": []byte(event("a", 12)), "b": []byte(event("b", 13))})
	d.Store("b", "GLACIER", awstest.Restore{Until: time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC)})
	d.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/b") {
			d.Store("b", "GLACIER", awstest.Restore{})
		}
		return true
	}
	b := newBench(t)
	r := b.run(
		"--archive", "s3://archive/", "--s3-endpoint", d.URL, "--s3-region", "us-east-1", "--s3-path-style",
		"--layout", "jsonl", "--format", "json", "--event-id", "/id", "--event-time", "/t",
		"--from", "2026-11-01", "--for", "24h", "--topic", "x", "--create-topic", "--id", "night",
	).want(exitFailed, "InvalidObjectState", "The object is in cold storage. Restore it: ")
	d.Before = nil
	followRestore(t, d, r.err.String())
	d.Thaw(time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC))
	b.told(r.next()).want(exitOK)
	if n := len(b.consume("x")); n != 2 {
		t.Errorf("%d events were produced", n)
	}
}
