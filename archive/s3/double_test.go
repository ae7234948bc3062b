package s3_test

import (
	"bytes"
	"crypto/md5" // what S3 makes ETags of
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"replayd/archive/s3"
)

const bucket = "archive"

// double is as much of S3 as the store uses: listing by pages of a thousand, ranges, If-Match, and errors in XML.
type double struct {
	*httptest.Server

	mu      sync.Mutex
	objects map[string]blob
	changes int

	noETags bool                                                   // as an object that was put into versitygw's folder
	before  func(w http.ResponseWriter, r *http.Request) (ok bool) // answers itself unless ok
}

type blob struct {
	data     []byte
	modified time.Time
}

func newDouble(t *testing.T, files map[string][]byte) *double {
	d := &double{objects: map[string]blob{}}
	for key, data := range files {
		d.put(key, data)
	}
	d.Server = httptest.NewServer(http.HandlerFunc(d.serve))
	t.Cleanup(d.Close)
	return d
}

func (d *double) put(key string, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changes++
	d.objects[key] = blob{data, time.Date(2026, 11, 1, 0, 0, d.changes, 987e6, time.UTC)}
}

func (d *double) remove(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.objects, key)
}

func (d *double) serve(w http.ResponseWriter, r *http.Request) {
	if d.before != nil && !d.before(w, r) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch o, ok := d.objects[key]; {
	case name != bucket:
		refuse(w, http.StatusNotFound, "NoSuchBucket")
	case r.URL.Query().Get("list-type") == "2":
		d.list(w, r)
	case !ok:
		refuse(w, http.StatusNotFound, "NoSuchKey")
	default:
		d.get(w, r, o)
	}
}

func (d *double) etag(b blob) string {
	if d.noETags {
		return ""
	}
	sum := md5.Sum(b.data)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

type listed struct {
	Key          string
	LastModified string
	ETag         string `xml:",omitempty"`
	Size         int
	StorageClass string
}

type listResult struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	Contents              []listed
}

func (d *double) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var page listResult
	for _, key := range slices.Sorted(maps.Keys(d.objects)) {
		if !strings.HasPrefix(key, q.Get("prefix")) || key <= q.Get("continuation-token") {
			continue
		}
		if len(page.Contents) == 1000 {
			page.IsTruncated, page.NextContinuationToken = true, page.Contents[999].Key
			break
		}
		o := d.objects[key]
		page.Contents = append(page.Contents, listed{
			Key: key, Size: len(o.data), ETag: d.etag(o), StorageClass: "STANDARD",
			LastModified: o.modified.Format("2006-01-02T15:04:05.000Z"),
		})
	}
	_ = xml.NewEncoder(w).Encode(page)
}

func (d *double) get(w http.ResponseWriter, r *http.Request, o blob) {
	etag := d.etag(o)
	if want := r.Header.Get("If-Match"); want != "" && want != etag {
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	var start int
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &start); err == nil && start >= len(o.data) {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", len(o.data)))
		refuse(w, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
		return
	}
	if etag != "" {
		w.Header().Set("ETag", etag)
	}
	r.Header.Del("If-Match")
	http.ServeContent(w, r, "", o.modified, bytes.NewReader(o.data))
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>no</Message></Error>`, code)
}

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

func (d *double) store(t *testing.T, prefix string) *s3.Store {
	t.Helper()
	return open(t, s3.Options{Bucket: bucket, Prefix: prefix, Endpoint: d.URL, PathStyle: true})
}
