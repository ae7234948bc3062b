// Package awstest holds doubles of the AWS services that archive/s3 talks to: as much of S3 and of STS as it uses, with
// what real test servers lack: storage classes, restoring, roles whose sessions end. Errors look as those of AWS do.
package awstest

import (
	"bytes"
	"crypto/md5" // what S3 makes ETags of
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// S3 has one bucket: listing by pages of a thousand, ranges, If-Match, cold storage, and errors in XML. Requests name
// the bucket in their path; what is in their host does not matter.
type S3 struct {
	*httptest.Server
	Bucket string

	// NoETags is set before the first request for a store as versitygw is with files that were put into its folder.
	NoETags bool

	// Before sees each request first, and answers it itself unless it returns true. Set between requests.
	Before func(w http.ResponseWriter, r *http.Request) (ok bool)

	// Terse leaves out of listings how far objects are restored, as many stores that are not AWS do.
	Terse bool

	mu      sync.Mutex
	objects map[string]blob
	changes int
}

type blob struct {
	data     []byte
	modified time.Time
	class    string // empty for STANDARD
	restore  Restore
}

// Restore is how far an object in cold storage is restored.
type Restore struct {
	Ongoing bool
	Until   time.Time // of the restored copy; zero: there is none
}

// Start serves files as objects of a bucket until the test ends.
func Start(tb testing.TB, bucket string, files map[string][]byte) *S3 {
	d := &S3{Bucket: bucket, objects: map[string]blob{}}
	for key, data := range files {
		d.Put(key, data)
	}
	d.Server = httptest.NewServer(http.HandlerFunc(d.serve))
	tb.Cleanup(d.Close)
	return d
}

// Put makes or replaces an object. Each has another time of modification.
func (d *S3) Put(key string, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changes++
	d.objects[key] = blob{data: data, modified: time.Date(2026, 11, 1, 0, 0, d.changes, 987e6, time.UTC)}
}

// Remove deletes an object.
func (d *S3) Remove(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.objects, key)
}

// Store puts an object into a storage class, and says how far it is restored from there.
func (d *S3) Store(key, class string, r Restore) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.objects[key]
	o.class, o.restore = class, r
	d.objects[key] = o
}

// Thaw ends the restorations under way: the copies are there until the given time.
func (d *S3) Thaw(until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, o := range d.objects {
		if o.restore.Ongoing {
			o.restore = Restore{Until: until}
			d.objects[key] = o
		}
	}
}

func (d *S3) serve(w http.ResponseWriter, r *http.Request) {
	if d.Before != nil && !d.Before(w, r) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch o, ok := d.objects[key]; {
	case name != d.Bucket:
		Refuse(w, http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	case r.URL.Query().Get("list-type") == "2":
		d.list(w, r)
	case !ok:
		Refuse(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	case r.Method == http.MethodPost && r.URL.Query().Has("restore"):
		o.restore = Restore{Ongoing: true}
		d.objects[key] = o
		w.WriteHeader(http.StatusAccepted)
	default:
		d.get(w, r, o)
	}
}

func (d *S3) etag(b blob) string {
	if d.NoETags {
		return ""
	}
	sum := md5.Sum(b.data)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

type listed struct {
	Key           string
	LastModified  string
	ETag          string `xml:",omitempty"`
	Size          int
	StorageClass  string
	RestoreStatus *restoreStatus
}

type restoreStatus struct {
	IsRestoreInProgress bool
	RestoreExpiryDate   string `xml:",omitempty"`
}

type listResult struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	Contents              []listed
}

const iso = "2006-01-02T15:04:05.000Z"

func (d *S3) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var page listResult
	last := ""
	if q.Get("encoding-type") == "url" { // XML has no way to write control characters
		page.EncodingType = "url"
	}
	for _, key := range slices.Sorted(maps.Keys(d.objects)) {
		if !strings.HasPrefix(key, q.Get("prefix")) || key <= q.Get("continuation-token") {
			continue
		}
		if len(page.Contents) == 1000 {
			page.IsTruncated, page.NextContinuationToken = true, last
			break
		}
		o := d.objects[key]
		l := listed{
			Key: key, Size: len(o.data), ETag: d.etag(o), StorageClass: "STANDARD", LastModified: o.modified.Format(iso),
		}
		if o.class != "" {
			l.StorageClass = o.class
		}
		if r.Header.Get("X-Amz-Optional-Object-Attributes") == "RestoreStatus" && !d.Terse {
			l.RestoreStatus = o.restore.listed()
		}
		if page.EncodingType != "" {
			l.Key = url.QueryEscape(key)
		}
		page.Contents, last = append(page.Contents, l), key
	}
	_ = xml.NewEncoder(w).Encode(page)
}

func (r Restore) listed() *restoreStatus {
	switch {
	case r.Ongoing:
		return &restoreStatus{IsRestoreInProgress: true}
	case !r.Until.IsZero():
		return &restoreStatus{RestoreExpiryDate: r.Until.UTC().Format(iso)}
	}
	return nil
}

// header is X-Amz-Restore.
func (r Restore) header() string {
	switch {
	case r.Ongoing:
		return `ongoing-request="true"`
	case !r.Until.IsZero():
		return `ongoing-request="false", expiry-date="` + r.Until.UTC().Format(http.TimeFormat) + `"`
	}
	return ""
}

func (b blob) cold() bool {
	return (b.class == "GLACIER" || b.class == "DEEP_ARCHIVE") && b.restore.Until.IsZero()
}

func (d *S3) get(w http.ResponseWriter, r *http.Request, o blob) {
	etag := d.etag(o)
	if want := r.Header.Get("If-Match"); want != "" && want != etag {
		Refuse(w, http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
		return
	}
	if o.class != "" {
		w.Header().Set("X-Amz-Storage-Class", o.class)
	}
	if restore := o.restore.header(); restore != "" {
		w.Header().Set("X-Amz-Restore", restore)
	}
	if o.cold() && r.Method == http.MethodGet {
		Refuse(w, http.StatusForbidden, "InvalidObjectState", "The operation is not valid for the object's storage class")
		return
	}
	var start int
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &start); err == nil && start >= len(o.data) {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", len(o.data)))
		Refuse(w, http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
		return
	}
	if etag != "" {
		w.Header().Set("ETag", etag)
	}
	r.Header.Del("If-Match")
	http.ServeContent(w, r, "", o.modified, bytes.NewReader(o.data))
}

// Refuse answers with an error as S3 writes it.
func Refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amz-Request-Id", "4442587FB7D0A2F9")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>%s</Message></Error>`, code, message)
}
