package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"replayd/archive"
	"replayd/replay/api"
)

func TestAnArchiveInTroubleIsToldAsItIs(t *testing.T) {
	t.Parallel()
	d, b := newDesk(t, targetX)
	if err := os.RemoveAll(b.folder); err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for name, ask := range map[string]func() error{
		"start": func() error { _, _, err := d.Spec(t.Context(), asking()); return err },
		"plan":  func() error { _, err := d.Plan(t.Context(), asking()); return err },
		"hours": func() error {
			_, err := d.Hours(t.Context(), "a", api.Span{From: from, To: from.Add(time.Hour)})
			return err
		},
	} {
		var p *api.Problem
		if err := ask(); !errors.As(err, &p) || p.Status != http.StatusBadGateway || !strings.Contains(p.Detail, b.folder) ||
			!strings.Contains(p.Next, "Give an existing folder") || strings.Contains(p.Detail, "Give an existing folder") {
			t.Errorf("%s: %#v", name, err)
		}
	}
}

func TestTheNextStepOfAnArchiveInTrouble(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err          error
		detail, next string
	}{
		"with a cure": {
			fmt.Errorf("list hour 3: %w", &archive.Permanent{Err: errors.New("denied"), Cure: "Choose others with --aws-profile, and check --s3-endpoint."}),
			"list hour 3: denied",
			"Choose others with s3.profile, and check s3.endpoint.\n" + onDaemon,
		},
		"without": {errors.New("given up"), "given up", onDaemon},
	} {
		if p := (&unread{c.err}).problem(); p.Status != http.StatusBadGateway || p.Detail != c.detail || p.Next != c.next {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// TestAStartIntoABucketThatIsNotThereIsRefused at once, as one of a folder is, and one of a bucket that does not answer now is not.
func TestAStartIntoABucketThatIsNotThereIsRefused(t *testing.T) {
	store := bucket(t, map[string][]byte{"p/a": []byte(event("a", 1))})
	d, _ := newDesk(t, targetX)
	there := d.app.config.Archives["a"]
	there.S3.Endpoint, there.S3.PathStyle, there.S3.Region = store.URL, true, "sa-east-1"
	there.Layout = "%Y/%m/%d/%H/"
	ask := func(address string) *api.Problem {
		there.URL = []string{address}
		d.app.config.Archives["a"] = there
		_, _, err := d.Spec(t.Context(), asking())
		var p *api.Problem
		if err != nil && !errors.As(err, &p) {
			t.Errorf("%s: %v", address, err)
		}
		return p
	}
	if p := ask("s3://nowhere/p"); p == nil || p.Status != http.StatusBadGateway || !strings.Contains(p.Error(), "No bucket is called nowhere") {
		t.Errorf("of a bucket that is not there: %v", p)
	}
	store.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		if prefix := r.URL.Query().Get("prefix"); r.URL.Query().Has("list-type") && prefix != "p/2026/11/01/00/" {
			t.Errorf("asked for %q, which a policy need not allow", prefix)
		}
		return true
	}
	if p := ask("s3://archive/p"); p != nil {
		t.Errorf("of a bucket that is there: %v", p)
	}
	store.Before = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return false
	}
	if p := ask("s3://archive/p"); p != nil {
		t.Errorf("of a bucket that does not answer now: %v", p)
	}
}
