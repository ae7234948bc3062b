package main

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"replayd/archive/archivetest/awstest"
)

// printing makes a profile called junk whose credential_process prints what a file holds.
func printing(t *testing.T, text string) (file string) {
	t.Helper()
	file = t.TempDir() + "/printed"
	rewrite(t, file, text)
	rewrite(t, os.Getenv("AWS_CONFIG_FILE"), "[profile junk]\ncredential_process = cat "+file+"\n")
	return file
}

func rewrite(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Credentials may go bad in the middle of a replay. Its checkpoint keeps the reason for good, and says nothing secret.
func TestFailureOverCredentialsKeepsTheirSecretOutOfTheTopics(t *testing.T) {
	d := bucket(t, map[string][]byte{"a": []byte(event("a", 1))})
	const begin = `{"Version":1,"AccessKeyId":"AKIAX","SecretAccessKey":"SECRETJUNK","Expiration":`
	file := printing(t, begin+`"2000-01-01T00:00:00Z"}`) // so that each request asks for them
	d.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("list-type") {
			return true
		}
		rewrite(t, file, begin+`"notatime"}`)
		awstest.Refuse(w, http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
		return false
	}
	b := newBench(t)
	b.configured = b.config("limits: {give_up: 2s}\n")
	r := b.run(
		"--archive", "s3://archive/", "--s3-endpoint", d.URL, "--s3-region", "us-east-1", "--s3-path-style", "--aws-profile", "junk",
		"--layout", "jsonl", "--format", "json", "--event-id", "/id", "--event-time", "/t",
		"--from", "2026-11-01", "--for", "24h", "--topic", "x", "--create-topic", "--id", "night",
	).want(exitFailed, "credential_process printed an Expiration that is no time")
	kept := strings.Join(append(b.values("replayd.checkpoints"), b.values("replayd.audit")...), "\n")
	if !strings.Contains(kept, "credential_process printed") {
		t.Errorf("no checkpoint says why:\n%s", kept)
	}
	if all := kept + r.out.String() + r.err.String(); strings.Contains(all, "SECRETJUNK") {
		t.Errorf("the secret key is told:\n%s", all)
	}
}

// An address with a login is refused wherever it is given, before anything prints or keeps it.
func TestLoginsInAddressesAreRefusedAndNotRepeated(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)))
	kept := b.config("archives:\n  a: {url: 's3://KEY:hunter2@bucket/p', layout: jsonl, format: json}\nkafka: {brokers: ['user:hunter2@localhost:9092']}\n")
	for _, c := range []struct {
		code int
		args []string
	}{
		{exitUsage, append(b.here("run"), b.what("--topic", "x", "--archive", "s3://KEY:hunter2@bucket/p")...)},
		{exitUsage, append(b.here("run"), b.what("--topic", "x", "--archive", "https://KEY:hunter2@bucket/p")...)},
		{exitUsage, []string{"ls", "--archive", "s3://KEY:hunt/hunter2@bucket", "--from", "2026-11-01"}},
		{exitUsage, append(b.here("run"), b.what("--topic", "x", "--brokers", "user:hunter2@localhost:9092")...)},
		{exitFailed, append(b.here("run"), b.what("--topic", "x", "--archive", "s3://bucket/p", "--s3-endpoint", "http://KEY:hunter2@localhost:9")...)},
		{exitBadConfig, []string{"config", "check", "--config", kept}},
		{exitBadConfig, []string{"config", "show", "--config", kept}},
	} {
		r := b.replayd(c.args...)
		told := r.err.String() + r.out.String()
		if r.code != c.code || strings.Contains(told, "hunter2") || !strings.Contains(told, "holds a login") && !strings.Contains(told, "neither user nor password") {
			t.Errorf("%q\nexit %d, want %d:\n%s", c.args, r.code, c.code, told)
		}
	}
}
