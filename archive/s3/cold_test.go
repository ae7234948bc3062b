package s3_test

import (
	"net/http"
	"testing"
	"time"

	"replayd/archive"
	"replayd/archive/archivetest/awstest"
	"replayd/archive/s3"
)

var later = time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC)

// stored are the objects of a bucket with everything that can be about the cold, by what is to be said of them.
var stored = []struct {
	key, class string
	restore    awstest.Restore
	storage    archive.Storage
	until      time.Time
}{
	{key: "a-standard"},
	{key: "b-infrequent", class: "STANDARD_IA"},
	{key: "c-instant", class: "GLACIER_IR"},
	{key: "d-tiers", class: "INTELLIGENT_TIERING"},
	{key: "e-flexible", class: "GLACIER", storage: archive.Cold},
	{key: "f-deep", class: "DEEP_ARCHIVE", storage: archive.Cold},
	{key: "g-coming", class: "GLACIER", restore: awstest.Restore{Ongoing: true}, storage: archive.Restoring},
	{key: "h-back", class: "DEEP_ARCHIVE", restore: awstest.Restore{Until: later}, until: later},
}

func coldBucket(t *testing.T) *double {
	d := newDouble(t, nil)
	for _, o := range stored {
		d.Put(o.key, []byte("x"))
		d.Store(o.key, o.class, o.restore)
	}
	return d
}

func listAll(t *testing.T, s *s3.Store) []archive.Object {
	t.Helper()
	var objects []archive.Object
	for o, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
	return objects
}

func TestListingTellsWhatIsInColdStorageAndHowFarItIsRestored(t *testing.T) {
	alone(t)
	s := coldBucket(t).store(t, "")
	for i, o := range listAll(t, s) {
		want := stored[i]
		if o.Key != want.key || o.StorageClass != want.class || o.Storage != want.storage || !o.Until.Equal(want.until) {
			t.Errorf("%+v, want %+v", o, want)
		}
		if looked, err := s.Look(t.Context(), o); err != nil || looked != o {
			t.Errorf("looked at: %+v, %v, listed as %+v", looked, err, o)
		}
		_, err := readFrom(t, s, o, 0)
		if want.storage == archive.Ready && err != nil {
			t.Errorf("%s: %v", o.Key, err)
		}
		if want.storage != archive.Ready {
			permanent(t, err, "InvalidObjectState", "restore-object --bucket archive --key "+o.Key)
		}
	}
	if got := s.Requests(); got.Head != int64(len(stored)) || got.Get != int64(len(stored)) || got.List != 1 {
		t.Errorf("%+v", got)
	}
}

func TestStoreWhoseListingTellsNothingOfRestoringIsLookedAt(t *testing.T) {
	alone(t)
	d := coldBucket(t)
	d.Terse = true
	s := d.store(t, "")
	for i, o := range listAll(t, s) {
		want := stored[i]
		if cold := want.class == "GLACIER" || want.class == "DEEP_ARCHIVE"; cold != (o.Storage == archive.Cold) {
			t.Errorf("listed as %+v", o)
		}
		if looked, err := s.Look(t.Context(), o); err != nil || looked.Storage != want.storage || !looked.Until.Equal(want.until) {
			t.Errorf("looked at: %+v, %v, want %+v", looked, err, want)
		}
	}
}

func TestStoreThatRefusesToTellOfRestoringIsListedWithoutAndNotAskedAgain(t *testing.T) {
	alone(t)
	d := coldBucket(t)
	refused := 0
	d.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("X-Amz-Optional-Object-Attributes") == "" {
			return true
		}
		refused++
		refuse(w, http.StatusNotImplemented, "NotImplemented")
		return false
	}
	s := d.store(t, "")
	for range 2 {
		if n := len(listAll(t, s)); n != len(stored) {
			t.Errorf("%d objects listed", n)
		}
	}
	if refused != 1 {
		t.Errorf("asked %d times for what it refuses", refused)
	}
}

func TestLookThatIsRefusedSaysWhatIsMissing(t *testing.T) {
	alone(t)
	d := newDouble(t, map[string][]byte{"a": nil})
	s := d.store(t, "")
	o := first(t, s, "")
	d.Before = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusForbidden) // answers to HEAD have no body
		return false
	}
	_, err := s.Look(t.Context(), o)
	permanent(t, err, "head s3://archive/a", "Forbidden", "s3:GetObject on arn:aws:s3:::archive/*")
	d.Before = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("X-Amz-Bucket-Region", "eu-west-1")
		w.WriteHeader(http.StatusBadRequest)
		return false
	}
	_, err = s.Look(t.Context(), o)
	permanent(t, err, "--s3-region eu-west-1")
}

func TestCommandThatRestoresCanBeTyped(t *testing.T) {
	alone(t)
	for _, c := range []struct {
		o    s3.Options
		of   archive.Object
		want string
	}{
		{
			s3.Options{Bucket: bucket, Prefix: "p", Region: "eu-west-1"},
			archive.Object{Key: "2026/11/01/00/a.gz", StorageClass: "DEEP_ARCHIVE"},
			"Restore it: aws s3api restore-object --bucket archive --key p/2026/11/01/00/a.gz " +
				"--restore-request 'Days=7,GlacierJobParameters={Tier=Standard}' --region eu-west-1\n" +
				"From DEEP_ARCHIVE that takes up to 12 hours (Bulk, which is cheaper, up to 48 hours).",
		},
		{
			s3.Options{Bucket: bucket, Region: "eu-west-1", Endpoint: "http://s3.internal", RequesterPays: true},
			archive.Object{Key: "it's here", StorageClass: "GLACIER"},
			`Restore it: aws s3api restore-object --bucket archive --key 'it'\''s here' ` +
				"--restore-request 'Days=7,GlacierJobParameters={Tier=Standard}' --region eu-west-1 --endpoint-url http://s3.internal --request-payer requester\n" +
				"From GLACIER that takes 3 to 5 hours (Expedited 1 to 5 minutes, Bulk 5 to 12 hours).",
		},
		{
			s3.Options{Bucket: bucket, Region: "eu-west-1"},
			archive.Object{Key: "it's\\\x1b]0;x\a\n\u202e\u009b1/2\xff", StorageClass: "INTELLIGENT_TIERING"},
			`Restore it: aws s3api restore-object --bucket archive --key $'it\047s\134\033]0;x\007\012\342\200\256\302\2331/2\377' ` +
				"--restore-request 'GlacierJobParameters={Tier=Standard}' --region eu-west-1",
		},
		{
			s3.Options{Bucket: bucket, Region: "eu-west-1"},
			archive.Object{Key: "a", StorageClass: "INTELLIGENT_TIERING"}, // no days may be said
			"Restore it: aws s3api restore-object --bucket archive --key a --restore-request 'GlacierJobParameters={Tier=Standard}' --region eu-west-1",
		},
	} {
		if got := open(t, c.o).Restore(c.of); got != c.want {
			t.Errorf("%s\nwant\n%s", got, c.want)
		}
	}
}
