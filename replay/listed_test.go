package replay

import (
	"testing"
	"time"

	"replayd/archive"
)

func TestAPlanIsKnownAgainAsLongAsItHolds(t *testing.T) {
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	spec := Defaults()
	spec.ID, spec.Archive, spec.Topic, spec.Window.From, spec.Window.To = "a", "x", "t", at, at.Add(time.Hour)
	one, two := archive.Object{Key: "1", Size: 10, Modified: at}, archive.Object{Key: "2", Size: 20, ETag: `"e"`}
	hash := func(s Spec, objects ...archive.Object) string {
		var l Listed
		for _, o := range objects {
			l.Add(o)
		}
		if want := int64(10 * (len(objects) + 1)); len(objects) == 2 && objects[1] == two && objects[0] == one && l.Bytes != want {
			t.Errorf("%d bytes, want %d", l.Bytes, want)
		}
		return l.Hash(&s)
	}
	known := hash(spec, one, two)
	other := spec
	other.ID, other.Owner, other.AsOf, other.Reason = "b", OwnerDaemon, at, "why"
	if hash(spec, two, one) != known || hash(other, one, two) != known {
		t.Error("another order of objects, or another name of the replay, is another plan")
	}
	grown, changed, later := one, two, spec
	grown.Size++
	changed.ETag = `"f"`
	later.Window.To = at.Add(2 * time.Hour)
	for name, h := range map[string]string{
		"less": hash(spec, one), "more": hash(spec, one, two, archive.Object{Key: "3"}), "another size": hash(spec, grown, two),
		"another ETag": hash(spec, one, changed), "another window": hash(later, one, two), "twice": hash(spec, one, two, two),
	} {
		if h == known {
			t.Errorf("%s is the same plan", name)
		}
	}
}
