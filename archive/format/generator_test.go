package format

import (
	"bytes"
	"testing"

	"replayd/archive"
	"replayd/archive/archivetest"
)

// The generator knows what it wrote and nothing of this package. What is read must be just that; but where
// concatenated JSON is broken in a way that leaves two readings, the event beside it may be part of the broken range.
func TestGeneratedArchivesAreReadAsTheyWereWritten(t *testing.T) {
	var d Decoder
	defer d.Close()
	for seed := uint64(0); seed < 96; seed += 4 { // meets every format in every codec
		a := archivetest.Generate(archivetest.Small(seed))
		f, err := Named(a.Plan.Format)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range a.Objects {
			if o.Ignored {
				continue
			}
			plain, err := d.Decode(bytes.NewReader(a.Bytes(o)))
			if err != nil {
				t.Fatal(err)
			}
			got := scan(t, f, plain, a.Plan.Fields(), a.Plan.EventLimit)
			compareGenerated(t, got, a.Entries(o), f == JSON{})
			if t.Failed() {
				t.Fatalf("seed %d, object %s", seed, o.Key)
			}
		}
	}
}

func compareGenerated(t *testing.T, got []archive.Entry, want []archivetest.Entry, ambiguous bool) {
	t.Helper()
	missing, broken := 0, 0
	for _, w := range want {
		if w.Bad == archive.BadJSON {
			broken++
		}
		if ambiguous && len(got) > 0 && got[0].Bad == archive.BadJSON && got[0].Offset+got[0].Length <= w.Offset {
			got = got[1:] // what was missing is inside
		}
		switch {
		case len(got) > 0 && sameEntry(got[0], w):
			got = got[1:]
		case len(got) > 0 && ambiguous && got[0].Bad == archive.BadJSON && got[0].Offset <= w.Offset:
			if w.Bad == "" {
				missing++
			}
		default:
			t.Errorf("entry %+v\nis read as the first of %+v", w, got)
			return
		}
	}
	if len(got) > 1 || len(got) == 1 && (!ambiguous || got[0].Bad != archive.BadJSON) {
		t.Errorf("behind the last entry come %+v", got)
	}
	if missing > broken {
		t.Errorf("%d events are missing beside %d broken ranges", missing, broken)
	}
}

func sameEntry(e archive.Entry, w archivetest.Entry) bool {
	if e.Offset != w.Offset || e.Length != w.Length || e.Bad != w.Bad {
		return false
	}
	return e.Bad != "" || bytes.Equal(e.Value, w.Value) && bytes.Equal(e.Key, w.Key) && bytes.Equal(e.ID, w.ID) && e.Time == w.Time
}
