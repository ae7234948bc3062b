package s3

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"replayd/archive"
)

// busy is a store without sockets, so that time can be fake: it refuses some requests and answers the others.
type busy struct {
	mu    sync.Mutex
	asked []string
	slow  map[string]int // requests that are still told to slow down
}

func (b *busy) Do(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := r.URL.Query()
	what := "body"
	if q.Has("list-type") {
		what = "page " + q.Get("continuation-token")
	}
	b.asked = append(b.asked, what)
	status, text := http.StatusOK, "abc"
	switch {
	case b.slow[what] > 0:
		b.slow[what]--
		status, text = http.StatusServiceUnavailable, `<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`
	case what == "page ":
		text = `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>2</NextContinuationToken><Contents><Key>a</Key></Contents></ListBucketResult>`
	case what == "page 2":
		text = `<ListBucketResult><Contents><Key>b</Key></Contents></ListBucketResult>`
	}
	return &http.Response{
		StatusCode: status, Request: r, ContentLength: int64(len(text)), Body: io.NopCloser(strings.NewReader(text)),
		Header: http.Header{"Content-Length": {fmt.Sprint(len(text))}},
	}, nil
}

func (b *busy) store() *Store {
	s := &Store{options: Options{Bucket: "archive"}}
	s.connect(aws.Config{Region: anyRegion, HTTPClient: b, Retryer: retryer, Credentials: aws.AnonymousCredentials{}})
	return s
}

func TestABodyThatIsToldToSlowDownIsAskedForAgainByTheFetcherAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &busy{slow: map[string]int{"body": 2}}
		told := 0
		f := &archive.Fetcher{Store: b.store(), Waiting: func(error) { told++ }}
		began := time.Now()
		body := f.Open(t.Context(), archive.Object{Key: "a", Size: 3})
		defer func() { _ = body.Close() }()
		if data, err := io.ReadAll(body); err != nil || string(data) != "abc" {
			t.Errorf("%q, %v", data, err)
		}
		if len(b.asked) != 3 || told != 2 {
			t.Errorf("asked %q, told %d times that it waits or no longer does", b.asked, told)
		}
		if took := time.Since(began); took < 100*time.Millisecond || took > 300*time.Millisecond {
			t.Errorf("two waits of the Fetcher took %s", took)
		}
	})
}

func TestAPageThatIsToldToSlowDownIsAskedForAgainWithoutThoseBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &busy{slow: map[string]int{"page 2": 2}}
		began := time.Now()
		n := 0
		for _, err := range (&archive.Fetcher{Store: b.store()}).List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != 2 || strings.Join(b.asked, ",") != "page ,page 2,page 2,page 2" {
			t.Errorf("%d objects after %q", n, b.asked)
		}
		if took := time.Since(began); took < 300*time.Millisecond || took > 600*time.Millisecond {
			t.Errorf("two waits of the SDK took %s", took)
		}
	})
}
