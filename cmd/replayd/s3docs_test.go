package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"replayd/archive/archivetest/awstest"
)

// statement is a statement of a policy, as far as archives.md uses them.
type statement struct {
	Effect, Action, Resource string
	Condition                struct {
		StringLike map[string]string
	}
}

// allows reports whether a statement lets r pass.
func (s statement) allows(r *http.Request) bool {
	key := strings.TrimPrefix(r.URL.Path, "/archive/")
	if prefix := r.URL.Query().Get("prefix"); r.URL.Query().Has("list-type") {
		return s.Action == "s3:ListBucket" && s.Resource == "arn:aws:s3:::archive" &&
			strings.HasPrefix(prefix, strings.TrimSuffix(s.Condition.StringLike["s3:prefix"], "*"))
	}
	return s.Action == "s3:GetObject" && r.Method != http.MethodPost &&
		strings.HasPrefix("arn:aws:s3:::archive/"+key, strings.TrimSuffix(s.Resource, "*"))
}

// TestTheLeastPolicyIsEnoughAndTheLeast reads an archive under the policy that archives.md shows, and without each of its
// statements.
func TestTheLeastPolicyIsEnoughAndTheLeast(t *testing.T) {
	var policy struct{ Statement []statement }
	if err := json.Unmarshal([]byte(fences(section(t, "docs/archives.md", "### Least policy"), "json")[0]), &policy); err != nil {
		t.Fatal(err)
	}
	d := bucket(t, map[string][]byte{"events/2026/11/01/12/a": []byte(event("a", 1)), "other": nil})
	d.Terse = true // so that objects are looked at, too
	d.Store("events/2026/11/01/12/a", "GLACIER", awstest.Restore{Until: time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC)})
	b := newBench(t)
	for without := -1; without < len(policy.Statement); without++ {
		d.Before = func(w http.ResponseWriter, r *http.Request) bool {
			for i, s := range policy.Statement {
				if i != without && s.Effect == "Allow" && s.allows(r) {
					return true
				}
			}
			awstest.Refuse(w, http.StatusForbidden, "AccessDenied", "Access Denied")
			return false
		}
		r := b.run(
			"--archive", "s3://archive/events", "--s3-endpoint", d.URL, "--s3-region", "us-east-1", "--s3-path-style",
			"--event-id", "/id", "--event-time", "/t", "--from", "2026-11-01", "--for", "24h", "--topic", "x", "--create-topic",
		)
		if without < 0 {
			r.want(exitOK)
			continue
		}
		s := policy.Statement[without]
		r.want(exitFailed, "AccessDenied", "need "+s.Action+" on "+s.Resource)
	}
}

// TestTheLoopThatRestoresAnHourAsksForEachColdObject runs the loop of archives.md with an aws that notes what it is asked.
func TestTheLoopThatRestoresAnHourAsksForEachColdObject(t *testing.T) {
	t.Parallel()
	blocks := fences(section(t, "docs/archives.md", "## Cold storage"), "sh restore")
	if len(blocks) != 1 {
		t.Fatalf("%d loops", len(blocks))
	}
	bin, folder := t.TempDir(), t.TempDir()
	aws := `#!/bin/sh
case "$2" in
list-objects-v2) printf 'events/2025/11/01/12/a b\nevents/2025/11/01/12/c\n' ;;
*) printf '%s|' "$@" >>asked; echo >>asked ;;
esac
`
	if err := os.WriteFile(filepath.Join(bin, "aws"), []byte(aws), 0o700); err != nil {
		t.Fatal(err)
	}
	if out, code := shell(t, bin, folder, blocks[0]); code != 0 {
		t.Fatalf("exit %d: %s", code, out)
	}
	asked, err := os.ReadFile(filepath.Join(folder, "asked"))
	want := ""
	for _, key := range []string{"a b", "c"} {
		want += "s3api|restore-object|--bucket|archive|--key|events/2025/11/01/12/" + key + "|--restore-request|Days=7,GlacierJobParameters={Tier=Standard}|\n"
	}
	if err != nil || string(asked) != want {
		t.Errorf("asked %s, %v", asked, err)
	}
}
