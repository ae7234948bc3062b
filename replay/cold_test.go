package replay

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"replayd/archive"
	"replayd/archive/layout"
)

// freezer is a store of objects in all states. Its listing, if terse, calls all of them cold that are not in the
// standard class.
type freezer struct {
	objects []archive.Object
	terse   bool
	looks   int
}

func (f *freezer) List(_ context.Context, prefix string) iter.Seq2[archive.Object, error] {
	return func(yield func(archive.Object, error) bool) {
		for _, o := range f.objects {
			if f.terse && o.StorageClass != "" {
				o.Storage, o.Until = archive.Cold, time.Time{}
			}
			if strings.HasPrefix(o.Key, prefix) && !yield(o, nil) {
				return
			}
		}
	}
}

func (f *freezer) Look(_ context.Context, asked archive.Object) (archive.Object, error) {
	f.looks++
	for _, o := range f.objects {
		if o.Key == asked.Key {
			return o, nil
		}
	}
	return asked, fmt.Errorf("no object %s", asked.Key)
}

func (f *freezer) Open(context.Context, archive.Object, int64) (io.ReadCloser, error) {
	return nil, fmt.Errorf("nothing is to be read")
}
func (f *freezer) Restore(o archive.Object) string { return "Restore it: thaw " + o.Key }
func (f *freezer) String() string                  { return "freezer" }

// frozen is an object of 600 MB at a minute of the hour.
func frozen(hour, minute int, class string, s archive.Storage) archive.Object {
	return archive.Object{Key: fmt.Sprintf("2026/11/01/%02d/%02d", hour, minute), Size: 600e6, StorageClass: class, Storage: s}
}

// findCold looks at a window of one hour, from 12:00 on, with an hour of slack.
func findCold(t *testing.T, f *freezer) *Cold {
	t.Helper()
	l, err := layout.Named("%Y/%m/%d/%H/")
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	s := &Spec{
		Window: Window{On: OnEvent, From: from, To: from.Add(time.Hour)}, AsOf: from.Add(100 * time.Hour),
		Before: Duration(time.Hour), After: Duration(time.Hour),
	}
	found, err := FindCold(t.Context(), s, archive.Source{Store: f, Layout: l}, &archive.Fetcher{Store: f})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestColdStorageOfTheHoursThatAreReadIsRefusedWithTheWayBack(t *testing.T) {
	found := findCold(t, &freezer{objects: []archive.Object{
		frozen(10, 0, "DEEP_ARCHIVE", archive.Cold), // is not read
		frozen(11, 0, "", archive.Ready),
		frozen(12, 0, "GLACIER", archive.Restoring),
		frozen(12, 1, "GLACIER", archive.Cold),
		frozen(12, 2, "GLACIER", archive.Cold),
		frozen(13, 0, "DEEP_ARCHIVE", archive.Cold), // of the slack
	}})
	r := found.Refusal()
	if r == nil || r.Item != ItemGlacier {
		t.Fatalf("%v", r)
	}
	want := "4 of the 5 objects that this replay reads are in cold storage and cannot be read: " +
		"1 in DEEP_ARCHIVE (600 MB), 3 in GLACIER (1.8 GB); 1 of them are being restored"
	if r.What != want {
		t.Errorf("%s\nwant\n%s", r.What, want)
	}
	if !strings.HasPrefix(r.Next, "Restore it: thaw 2026/11/01/12/01\n") {
		t.Errorf("next: %s", r.Next)
	}
}

func TestColdStorageThatIsBeingRestoredWaitsForThat(t *testing.T) {
	r := findCold(t, &freezer{objects: []archive.Object{frozen(12, 0, "GLACIER", archive.Restoring)}}).Refusal()
	if r == nil || strings.Contains(r.Next, "thaw") || !strings.Contains(r.Next, "being restored: run it again") {
		t.Errorf("%v", r)
	}
}

func TestRestoredCopiesAreReadAndTheirFirstEndIsTold(t *testing.T) {
	f := &freezer{objects: []archive.Object{
		frozen(11, 0, "", archive.Ready), frozen(12, 0, "GLACIER", archive.Ready), frozen(12, 1, "GLACIER", archive.Ready),
	}}
	soon := time.Date(2026, 11, 9, 0, 0, 0, 0, time.UTC)
	f.objects[1].Until, f.objects[2].Until = soon.Add(time.Hour), soon
	for _, f.terse = range []bool{false, true} {
		found := findCold(t, f)
		if r := found.Refusal(); r != nil || !found.Until().Equal(soon) {
			t.Errorf("terse %v: %v, until %s", f.terse, r, found.Until())
		}
	}
}

func TestStoreIsAskedOnlyUntilItIsClearThatItsListingIsRight(t *testing.T) {
	f := &freezer{terse: true}
	for i := range 60 {
		f.objects = append(f.objects, frozen(12, i, "GLACIER", archive.Cold))
	}
	if r := findCold(t, f).Refusal(); r == nil || !strings.HasPrefix(r.What, "60 of the 60") {
		t.Errorf("%v", r)
	}
	if f.looks != coldLooks {
		t.Errorf("%d objects were looked at, want %d", f.looks, coldLooks)
	}
}

// warm counts listings of a store that has no cold storage.
type warm struct {
	archive.Store
	n int
}

func (w *warm) List(context.Context, string) iter.Seq2[archive.Object, error] {
	w.n++
	return func(func(archive.Object, error) bool) {}
}

func TestStoreWithoutColdStorageIsNotAsked(t *testing.T) {
	w := &warm{}
	if _, err := FindCold(t.Context(), &Spec{}, archive.Source{Store: w, Layout: layout.Flat{}}, nil); err != nil || w.n != 0 {
		t.Errorf("%v, %d listings", err, w.n)
	}
}
