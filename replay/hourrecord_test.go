package replay

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"replayd/archive"
)

// named is a key of hour 12 with n bytes in all, most of them of a kind.
func named(of string, i, n int) string {
	begin := fmt.Sprintf("2026/11/01/12/%05d", i)
	return begin + strings.Repeat(of, (n-len(begin))/len(of))
}

// kinds are what JSON writes with six bytes each, some of them only where it is made for HTML.
var kinds = []string{"\x01", "&", "<", "\u2028", "x"}

func TestNamesNeverMakeAnHourRecordTooLarge(t *testing.T) {
	for _, of := range kinds {
		h := newHourly(nil)
		h.spec.Before, h.spec.After, h.spec.Lateness, h.spec.Horizon = 0, 0, Duration(30*time.Second), Duration(time.Minute)
		for i := range 300 {
			h.Put(named(of, i, maxKey), []byte(event(fmt.Sprint(i), time.Duration(i)*10*time.Second)))
		}
		m, noted := &memory{}, false
		m.fate = func() fate { // of each commit; the hour as the one before left it
			noted = noted || len(m.durable.Hours["2026-11-01T12Z"].Open) > 0
			if m.commits == 200 {
				return diesAfter
			}
			return goesWell
		}
		if _, err := h.runner(t, m).Run(t.Context(), h.spec); !errors.Is(err, errKilled) {
			t.Errorf("%q: %v", of, err)
		}
		if !noted { // of the long ones when fewer are left
			t.Errorf("%q: the record never names what is still needed", of)
		}
		m.fate = nil
		receipt, err := h.runner(t, m).Run(t.Context(), h.spec)
		if err != nil || receipt.Produced != 300 || len(m.records) != 300 {
			t.Errorf("%q: %v, produced %d as %d records", of, err, receipt.Produced, len(m.records))
		}
	}
}

func TestNewObjectsAreAdmittedAsLongAsTheirNamesFitIntoTheRecord(t *testing.T) {
	for _, c := range []struct {
		of      string
		n       int
		refused bool
	}{
		{"\x01", 150, false}, {"\x01", 170, true}, {"&", 900, false}, {"&", 1000, true}, {"x", 900, false},
	} {
		h := newHourly(day("12/a", event("1", 0)+event("2", time.Hour)))
		m := &memory{fate: dieAfter(1)}
		if _, err := h.runner(t, m).Run(t.Context(), h.spec); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		for i := range c.n {
			h.Put(named(c.of, i, maxKey), nil)
		}
		m.fate = nil
		commits := m.commits
		r := h.runner(t, m)
		r.Options.Allow = Allowed{ItemArchiveChange}
		_, err := r.Run(t.Context(), h.spec)
		if c.refused && (refusedItem(err) != ItemArchiveChange || m.commits != commits) || !c.refused && err != nil {
			t.Errorf("%d names of %q: %d commits, %v", c.n, c.of, m.commits-commits, err)
		}
	}
}

// TestTheLargestListingLeavesRoomInItsRecord would fail where maxListed and maxHourRecord did not go together.
func TestTheLargestListingLeavesRoomInItsRecord(t *testing.T) {
	objects := make([]archive.Object, maxListed)
	for i := range objects {
		objects[i].Key = named("\x01", i, maxKey)
	}
	r := newHourRecord("2026-11-01T12Z", objects)
	if n := len(Encode(r)); n > maxHourRecord*2/3 || len(r.Listed) != 16*maxListed {
		t.Errorf("%d bytes", n)
	}
}
