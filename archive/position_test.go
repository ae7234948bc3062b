package archive

import (
	"testing"

	"pgregory.net/rapid"
)

func position(t *rapid.T, label string) Position {
	return Position{
		Time:   rapid.Int64Range(-2, 2).Draw(t, label+" time"),
		Object: rapid.SampledFrom([]string{"a", "a/b", "a:b", "b"}).Draw(t, label+" object"),
		Offset: rapid.Int64Range(0, 2).Draw(t, label+" offset"),
		Index:  rapid.SampledFrom([]uint32{0, 1, EndIndex}).Draw(t, label+" index"),
	}
}

func TestPositionsAreTotallyOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, q, r := position(t, "p"), position(t, "q"), position(t, "r")
		if p.Compare(q) != -q.Compare(p) {
			t.Fatalf("%v and %v", p, q)
		}
		if (p.Compare(q) == 0) != (p == q) {
			t.Fatalf("%v equals %v", p, q)
		}
		if p.Compare(q) < 0 && q.Compare(r) < 0 && p.Compare(r) >= 0 {
			t.Fatalf("%v < %v < %v", p, q, r)
		}
	})
}

func TestPositionsAreWrittenApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if p, q := position(t, "p"), position(t, "q"); (p.String() == q.String()) != (p == q) {
			t.Fatalf("%+v and %+v are written %s and %s", p, q, p, q)
		}
	})
	if p := (Position{Time: 1, Object: "a:b", Offset: 2, Index: 3}); p.String() != "1:2:3:a:b" {
		t.Errorf("%+v is written %s", p, p)
	}
}

func TestMarksOfToolsAreIgnored(t *testing.T) {
	for key, want := range map[string]bool{
		"2026/": true, "a/_SUCCESS": true, "_SUCCESS": true, "a/_temporary/0/x": true, "a/x.crc": true, "": true,
		"a/x": false, "_SUCCESSFUL": false, "a_temporary/x": false, "a/crc": false,
	} {
		if Ignored(key) != want {
			t.Errorf("Ignored(%q) = %v", key, !want)
		}
	}
}
