package s3_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"replayd/archive"
	"replayd/archive/archivetest/awstest"
	"replayd/archive/archivetest/suite"
	"replayd/archive/s3"
)

func TestABucketOfTheDoubleIsAStore(t *testing.T) {
	alone(t)
	suite.TestStore(t, func(t *testing.T, files map[string][]byte) archive.Store {
		return newDouble(t, files).store(t, "")
	})
}

func TestFolderOfABucketIsAStore(t *testing.T) {
	alone(t)
	suite.TestStore(t, func(t *testing.T, files map[string][]byte) archive.Store {
		d := newDouble(t, map[string][]byte{"a": nil, "some/folder": nil, "some/folder/": nil, "some/folders/a": nil, "z": nil})
		for key, data := range files {
			d.Put("some/folder/"+key, data)
		}
		return d.store(t, "/some/folder")
	})
}

func TestBucketWithoutETagsIsAStore(t *testing.T) {
	alone(t)
	suite.TestStore(t, func(t *testing.T, files map[string][]byte) archive.Store {
		d := newDouble(t, files)
		d.NoETags = true
		return d.store(t, "")
	})
}

func TestAddressIsTheURL(t *testing.T) {
	alone(t)
	for prefix, want := range map[string]string{"": "s3://archive", "a/b": "s3://archive/a/b", "/a/": "s3://archive/a"} {
		if s := open(t, s3.Options{Bucket: bucket, Prefix: prefix, Region: "eu-west-1"}); s.String() != want {
			t.Errorf("%q: %s, want %s", prefix, s, want)
		}
	}
}

func TestRequestsAndBytesAreCounted(t *testing.T) {
	alone(t)
	files := map[string][]byte{}
	for i := range 1001 {
		files["folder/"+strings.Repeat("x", i)] = make([]byte, 100)
	}
	s := newDouble(t, files).store(t, "folder")
	o := first(t, s, "")
	if got := s.Requests(); got != (s3.Requests{List: 1}) {
		t.Errorf("after the first object: %+v", got)
	}
	for _, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
	}
	body, err := s.Open(t.Context(), o, 10)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.ReadFull(body, make([]byte, 25)); err != nil {
		t.Fatal(err)
	}
	if got := s.Requests(); got != (s3.Requests{List: 3, Get: 1, Bytes: 25}) {
		t.Errorf("in the end: %+v", got)
	}
}

func TestRetriesOfTheSDKAreCountedToo(t *testing.T) {
	alone(t)
	t.Setenv("AWS_MAX_ATTEMPTS", "2")
	d := newDouble(t, map[string][]byte{"a": []byte("x")})
	asked := 0
	d.Before = func(w http.ResponseWriter, _ *http.Request) bool {
		if asked++; asked == 1 {
			refuse(w, http.StatusInternalServerError, "InternalError")
			return false
		}
		return true
	}
	s := d.store(t, "")
	first(t, s, "")
	if got := s.Requests(); got != (s3.Requests{List: 2}) {
		t.Errorf("%+v", got)
	}
}

func TestPagesAreRepeatedAsOftenAsTheEnvironmentSays(t *testing.T) {
	alone(t)
	for attempts, want := range map[string]int64{"1": 1, "2": 2, "": 3} {
		t.Setenv("AWS_MAX_ATTEMPTS", attempts)
		d := newDouble(t, nil)
		d.Before = func(w http.ResponseWriter, _ *http.Request) bool {
			refuse(w, http.StatusInternalServerError, "InternalError")
			return false
		}
		s := d.store(t, "")
		for _, err := range s.List(t.Context(), "") {
			if err == nil {
				t.Error("listed in spite of errors")
			}
		}
		if got := s.Requests().List; got != want {
			t.Errorf("AWS_MAX_ATTEMPTS=%s: %d requests, want %d", attempts, got, want)
		}
	}
}

func TestListingTellsStorageClasses(t *testing.T) {
	alone(t)
	d := newDouble(t, map[string][]byte{"a": nil, "b": nil})
	d.Store("b", "STANDARD_IA", awstest.Restore{})
	var classes []string
	for o, err := range d.store(t, "").List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		classes = append(classes, o.StorageClass)
	}
	if !slices.Equal(classes, []string{"", "STANDARD_IA"}) {
		t.Errorf("%q", classes)
	}
}

// gzip is the archive's codec, not the transport's: the stored bytes must come as they are.
func TestContentEncodingIsLeftAlone(t *testing.T) {
	alone(t)
	stored := "\x1f\x8b\x08 not decoded by anyone"
	d := newDouble(t, map[string][]byte{"a.gz": []byte(stored)})
	d.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && !r.URL.Query().Has("list-type") {
			t.Errorf("asks for Accept-Encoding %s", r.Header.Get("Accept-Encoding"))
		}
		if strings.HasSuffix(r.URL.Path, ".gz") {
			w.Header().Set("Content-Encoding", "gzip")
		}
		return true
	}
	s := d.store(t, "")
	o := first(t, s, "")
	for _, offset := range []int64{0, 2} {
		if got, err := readFrom(t, s, o, offset); err != nil || got != stored[offset:] {
			t.Errorf("from %d: %q, %v", offset, got, err)
		}
	}
}

func TestObjectThatVanishedOrChangedIsToldFromOneThatIsAway(t *testing.T) {
	alone(t)
	for name, c := range map[string]struct {
		noETags bool
		change  func(d *double)
		offset  int64
		want    error
	}{
		"vanished":                       {change: func(d *double) { d.Remove("a") }, want: fs.ErrNotExist},
		"vanished, in the middle":        {change: func(d *double) { d.Remove("a") }, offset: 3, want: fs.ErrNotExist},
		"other bytes":                    {change: func(d *double) { d.Put("a", []byte("ABCDE")) }, want: archive.ErrChanged},
		"other bytes, in the middle":     {change: func(d *double) { d.Put("a", []byte("ABCDE")) }, offset: 3, want: archive.ErrChanged},
		"other bytes, at the end":        {change: func(d *double) { d.Put("a", []byte("ABCDE")) }, offset: 5, want: archive.ErrChanged},
		"later, without ETags":           {noETags: true, change: func(d *double) { d.Put("a", []byte("abcde")) }, want: archive.ErrChanged},
		"longer, without ETags":          {noETags: true, change: func(d *double) { d.Put("a", []byte("abcdef")) }, offset: 3, want: archive.ErrChanged},
		"later, at the end, no ETags":    {noETags: true, change: func(d *double) { d.Put("a", []byte("abcde")) }, offset: 5, want: archive.ErrChanged},
		"longer, at the end, no ETags":   {noETags: true, change: func(d *double) { d.Put("a", []byte("abcdef")) }, offset: 5, want: archive.ErrChanged},
		"shorter, at the end, no ETags":  {noETags: true, change: func(d *double) { d.Put("a", []byte("abc")) }, offset: 5, want: archive.ErrChanged},
		"shorter, in the middle":         {noETags: true, change: func(d *double) { d.Put("a", []byte("abc")) }, offset: 4, want: archive.ErrChanged},
		"unchanged, in the middle":       {change: func(*double) {}, offset: 3},
		"unchanged, without ETags":       {noETags: true, change: func(*double) {}, offset: 3},
		"unchanged, at the end":          {change: func(*double) {}, offset: 5},
		"unchanged, at the end, no ETag": {noETags: true, change: func(*double) {}, offset: 5},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDouble(t, map[string][]byte{"a": []byte("abcde")})
			d.NoETags = c.noETags
			s := d.store(t, "")
			o := first(t, s, "")
			c.change(d)
			got, err := readFrom(t, s, o, c.offset)
			if !errors.Is(err, c.want) || (c.want == nil && got != "abcde"[c.offset:]) {
				t.Errorf("%q, %v, want %v", got, err, c.want)
			}
			if err != nil && archive.Curable(err) {
				t.Errorf("%v is taken for curable", err)
			}
		})
	}
}

func TestStoreThatIgnoresRangesIsRefused(t *testing.T) {
	alone(t)
	d := newDouble(t, map[string][]byte{"a": []byte("abcde")})
	d.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("Range")
		return true
	}
	s := d.store(t, "")
	_, err := readFrom(t, s, first(t, s, ""), 2)
	permanent(t, err, "ranges")
}

func TestStoreThatIgnoresIfMatchIsSeenThrough(t *testing.T) {
	alone(t)
	d := newDouble(t, map[string][]byte{"a": []byte("abcde")})
	d.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("If-Match")
		return true
	}
	s := d.store(t, "")
	o := first(t, s, "")
	d.Put("a", []byte("ABCDE"))
	if _, err := readFrom(t, s, o, 2); !errors.Is(err, archive.ErrChanged) {
		t.Errorf("%v, want ErrChanged", err)
	}
}

func TestBodyThatIsCutIsWorthARetryAndTheFetcherResumesIt(t *testing.T) {
	alone(t)
	data := strings.Repeat("0123456789", 10_000)
	d := newDouble(t, map[string][]byte{"a": []byte(data)})
	s := d.store(t, "")
	o := first(t, s, "")
	var ranges []string
	d.Before = func(w http.ResponseWriter, r *http.Request) bool {
		ranges = append(ranges, r.Header.Get("Range"))
		if len(ranges) > 1 {
			return true
		}
		w.Header().Set("Content-Length", "100000")
		w.Header().Set("ETag", o.ETag)
		_, _ = io.WriteString(w, data[:1234])
		return false // the server breaks the connection
	}
	f := &archive.Fetcher{Store: s, GiveUp: time.Minute}
	body := f.Open(t.Context(), o)
	defer body.Close()
	got, err := io.ReadAll(body)
	if err != nil || string(got) != data {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if !slices.Equal(ranges, []string{"", "bytes=1234-"}) {
		t.Errorf("asked for %q", ranges)
	}
}

func TestStalledBodyIsResumed(t *testing.T) {
	alone(t)
	data := strings.Repeat("0123456789", 10_000)
	d := newDouble(t, map[string][]byte{"a": []byte(data)})
	s := d.store(t, "")
	o := first(t, s, "")
	d.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") != "" {
			return true
		}
		w.Header().Set("Content-Length", "100000")
		w.Header().Set("ETag", o.ETag)
		_, _ = io.WriteString(w, data[:1234])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return false
	}
	f := &archive.Fetcher{Store: s, Stall: 100 * time.Millisecond, GiveUp: time.Minute}
	body := f.Open(t.Context(), o)
	defer body.Close()
	got, err := io.ReadAll(body)
	if err != nil || string(got) != data {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// first is the first object of the listing.
func first(t *testing.T, s *s3.Store, prefix string) archive.Object {
	t.Helper()
	for o, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	t.Fatal("nothing listed")
	return archive.Object{}
}

func readFrom(t *testing.T, s *s3.Store, o archive.Object, offset int64) (string, error) {
	t.Helper()
	body, err := s.Open(t.Context(), o, offset)
	if err != nil {
		return "", err
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	return string(data), err
}

// permanent checks that err says what no retry cures and that its text holds all of parts.
func permanent(t *testing.T, err error, parts ...string) {
	t.Helper()
	var p *archive.Permanent
	if !errors.As(err, &p) || p.Cure == "" || archive.Curable(err) {
		t.Fatalf("%v, want a Permanent error with a cure", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v\ndoes not say %q", err, part)
		}
	}
}

// TestAsManyBodiesAreOpenAsAreAskedFor opens one more than the SDK's client has connections by itself. One that waited for
// another to be read would wait forever: a merge reads all of them a bit at a time.
func TestAsManyBodiesAreOpenAsAreAskedFor(t *testing.T) {
	alone(t)
	d := newDouble(t, map[string][]byte{"a": make([]byte, 100)})
	s := d.store(t, "")
	o := first(t, s, "")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := range 2049 {
		body, err := s.Open(ctx, o, 0)
		if err != nil {
			t.Fatalf("body %d: %v", i, err)
		}
		defer body.Close()
	}
}
