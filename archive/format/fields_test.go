package format

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/zeebo/xxh3"

	"replayd/archive"
)

// only is the entry of a text that holds one.
func only(t *testing.T, text string, f archive.Fields) archive.Entry {
	t.Helper()
	entries := scan(t, JSON{}, strings.NewReader(text), f, 1<<20)
	if len(entries) != 1 {
		t.Fatalf("%d entries of %q", len(entries), text)
	}
	return entries[0]
}

// An id of "-" is missing.
func TestIDsAreFoundWhereTheRuleSays(t *testing.T) {
	tests := []struct {
		rule archive.IDRule
		text string
		want string
	}{
		{"/id", `{"id":"a-1"}`, "a-1"},
		{"/id", `{"id":"a\u002d\"1\""}`, `a-"1"`},
		{"/id", "{\"id\":\"\xff\"}", "\xff"},
		{"/id", `{"id":"\ud83d\ude00\ud83d"}`, "😀\ufffd"},
		{"/id", `{"id":"\ud83d\u0041\ud83d\ud83d\ude00"}`, "\ufffdA\ufffd😀"},
		{"/id", `{"id":9007199254740993}`, "9007199254740993"},
		{"/id", `{"id":1.50e+3 }`, "1.50e+3"},
		{"/id", `{"x":1}`, "-"},
		{"/id", `{"id":null}`, "-"},
		{"/id", `{"id":""}`, "-"},
		{"/id", `{"id":true}`, "-"},
		{"/id", `{"id":{"id":1}}`, "-"},
		{"/id", `{"id":["a"]}`, "-"},
		{"/id", `{"x":{"id":"inner"},"id":"a","y":[{"id":"inner"}]}`, "a"},
		{"/id", `{"id":"first","id":"last"}`, "last"},
		{"/id", `{"id":"first","id":null}`, "-"},
		{"/id", `{"i\u0064":"a"}`, "a"},
		{"/id", `{"\u0069d\n":"a"}`, "-"},
		{"/a/id", `{"a":{"id":1}}`, "1"},
		{"/a/id", `{"a":{"id":1},"a":{"x":2}}`, "-"},
		{"/a/id", `{"a":{"id":1},"a":2}`, "-"},
		{"/a/id", `{"a":{"id":1},"a":{"id":2}}`, "2"},
		{"/a/id", `{"a":{"b":{"id":1}}}`, "-"},
		{"/a/id", `{"a":[{"id":1}]}`, "-"},
		{"/a/1/id", `{"a":[{"id":1},{"id":2},{"id":3}]}`, "2"},
		{"/a/1", `{"a":[[1,[2]],"b"]}`, "b"},
		{"/a/1", `{"a":{"1":"named"}}`, "named"},
		{"/a/01", `{"a":["a","b"]}`, "-"},
		{"/a/01", `{"a":{"01":"named"}}`, "named"},
		{"/a/-", `{"a":["a","b"]}`, "-"},
		{"/a/2", `{"a":["a","b"]}`, "-"},
		{"/", `{"":"empty name"}`, "empty name"},
		{"/a~1b/m~0n", `{"a/b":{"m~n":"x"}}`, "x"},
		{"/a~01", `{"a~1":"x"}`, "x"},
		{"/a,/b", `{"a":"x","b":7}`, `["x",7]`},
		{"/a,/b", `{"b":"\u0022\\\n","a":-1.0}`, `[-1.0,"\"\\\u000a"]`},
		{"/a,/b", `{"a":"x"}`, "-"},
		{"/a,/b", `{"a":"x","b":""}`, "-"},
		{"/a,/a", `{"a":"x"}`, `["x","x"]`},
		{"/a,/a/b", `{"a":{"b":"x"}}`, "-"},
		{archive.None, `{"none":"x"}`, "-"},
		{"", `{"":"x"}`, "-"},
	}
	for _, test := range tests {
		e := only(t, test.text, archive.Fields{ID: test.rule})
		if test.want == "-" {
			if e.ID != nil || e.IDHash != (archive.Hash{}) || e.Bad != "" {
				t.Errorf("%s of %s: %q, hash %v, want none", test.rule, test.text, e.ID, e.IDHash)
			}
			continue
		}
		if string(e.ID) != test.want || e.IDHash == (archive.Hash{}) {
			t.Errorf("%s of %s: %q, hash %v, want %q", test.rule, test.text, e.ID, e.IDHash, test.want)
		}
	}
}

func TestIDHashIsOfTheText(t *testing.T) {
	e := only(t, `{"id":"a\u0062c"}`, archive.Fields{ID: "/id"})
	if want := archive.Hash(xxh3.HashString128("abc")); e.IDHash != want {
		t.Errorf("hash %v, want %v", e.IDHash, want)
	}
	e = only(t, `{"a":"x","b":12}`, archive.Fields{ID: "/a,/b"})
	joined := append(binary.BigEndian.AppendUint32([]byte("s"), 1), 'x')
	joined = append(binary.BigEndian.AppendUint32(append(joined, 'n'), 2), "12"...)
	if want := archive.Hash(xxh3.Hash128(joined)); e.IDHash != want {
		t.Errorf("hash %v, want %v", e.IDHash, want)
	}
}

func TestJoinedIDsDoNotRunTogether(t *testing.T) {
	seen := map[archive.Hash]string{}
	for _, text := range []string{
		`{"a":"x","b":"y"}`, `{"a":"xy","b":""}`, `{"a":"x","b":"yy"}`, `{"a":"xy","b":"y"}`, `{"a":"1","b":"2"}`, `{"a":1,"b":"2"}`,
		`{"a":"1","b":2}`, `{"a":"x\",\"y","b":"z"}`, `{"a":"x","b":"y\",\"z"}`,
	} {
		e := only(t, text, archive.Fields{ID: "/a,/b"})
		if other, ok := seen[e.IDHash]; ok {
			t.Errorf("%s and %s have one hash", text, other)
		}
		seen[e.IDHash] = text
	}
}

// A key of "-" is nil.
func TestKeysAreDecoded(t *testing.T) {
	for text, want := range map[string]string{
		`{"k":"a"}`:                "a",
		`{"k":"\u0061\/"}`:         "a/",
		`{"k":""}`:                 "",
		`{"k":12.50}`:              "12.50",
		`{"k":false}`:              "false",
		`{"k": { "a" : [1] } }`:    `{ "a" : [1] }`,
		`{"k":[1, 2]}`:             "[1, 2]",
		`{"k":null}`:               "-",
		`{}`:                       "-",
		`{"k":{"x":1},"k":"b"}`:    "b",
		`{"k":"b","k":{"x":[{}]}}`: `{"x":[{}]}`,
	} {
		e := only(t, text, archive.Fields{Key: "/k"})
		if (e.Key == nil) != (want == "-") || (want != "-" && string(e.Key) != want) {
			t.Errorf("of %s came %q, want %q", text, e.Key, want)
		}
	}
}

func TestBodyLeavesVolatileFieldsOut(t *testing.T) {
	f := archive.Fields{Volatile: []archive.Pointer{"/at", "/n/0", "/d", "/d/x"}}
	// Each line is one body, different from all others.
	lines := [][]string{
		{`{"id":1,"at":5}`, `{"id":1,"at":"later"}`, `{"id":1,"at":{"x":[1]}}`, `{"id":1,"at":null}`},
		{`{"id":1}`},
		{`{"id":1,"at" :5}`},
		{`{"at":1,"id":5}`, `{"at":2,"id":5}`},
		{`{"n":[]}`},
		{`{"n":[1]}`, `{"n":[2]}`, `{"n":["x"]}`},
		{`{"n":[1,2]}`, `{"n":[3,2]}`},
		{`{"n":[1,3]}`},
		{`{"d":{"x":1,"y":2}}`, `{"d":{"x":1,"y":3}}`, `{"d":5}`},
		{`{"at":1,"d":2,"n":[3]}`, `{"at":4,"d":{"x":5},"n":[6]}`},
		{`{"at":1,"at":2}`, `{"at":1,"at":3}`}, // the last is the field
		{`{"at":2,"at":2}`},
		{`{"x":{"at":1}}`},
		{`{"x":{"at":2}}`},
	}
	seen := map[uint64]string{}
	for _, line := range lines {
		first := only(t, line[0], f)
		for _, text := range line[1:] {
			if e := only(t, text, f); e.Body != first.Body {
				t.Errorf("%s and %s have two bodies", line[0], text)
			}
		}
		if other, ok := seen[first.Body]; ok {
			t.Errorf("%s and %s have one body", line[0], other)
		}
		seen[first.Body] = line[0]
	}
}

func TestBodyIsTheHashOfTheValue(t *testing.T) {
	for _, f := range []archive.Fields{{}, {Volatile: []archive.Pointer{"/x"}}} {
		text := `{"a": 1 }`
		if e := only(t, text, f); e.Body != xxh3.HashString(text) {
			t.Errorf("with %v: body %x, want the XXH3-64 of the value", f.Volatile, e.Body)
		}
	}
}

func TestIDOfTheBody(t *testing.T) {
	f := archive.Fields{ID: archive.IDBody, Volatile: []archive.Pointer{"/at"}}
	a, b, c := only(t, `{"at":1,"x":2}`, f), only(t, `{"at":3,"x":2}`, f), only(t, `{"at":1,"x":3}`, f)
	if !bytes.Equal(a.ID, b.ID) || a.IDHash != b.IDHash || bytes.Equal(a.ID, c.ID) || a.IDHash == c.IDHash {
		t.Errorf("ids %q, %q and %q", a.ID, b.ID, c.ID)
	}
	plain := only(t, `{}`, archive.Fields{ID: archive.IDBody})
	if sum := xxh3.HashString128("{}"); plain.IDHash != archive.Hash(sum) || string(plain.ID) != fmt.Sprintf("%016x%016x", sum.Hi, sum.Lo) {
		t.Errorf("id %q, hash %v, want the XXH3-128 of the value", plain.ID, plain.IDHash)
	}
}

func TestTimesAreReadInEveryForm(t *testing.T) {
	f := archive.Fields{Time: "/t", Arrival: "/a/at", ByArrival: true}
	tests := []struct{ text, bad, detail string }{
		{`{"t":"2026-11-01T12:00:00.123456789Z","a":{"at":1793534400000}}`, "", ""},
		{`{"t":1,"a":{}}`, archive.BadArrival, "arrival /a/at: missing"},
		{`{"t":1,"a":{"at":"soon"}}`, archive.BadArrival, "arrival /a/at: not a time: want RFC 3339, or a number of s, ms, µs or ns since 1970"},
		{`{"t":-1,"a":{"at":1}}`, archive.BadTime, "event time /t: before 1970"},
		{`{"t":null,"a":{}}`, archive.BadTime, "event time /t: missing"},
		{`{"t":{"t":1}}`, archive.BadTime, "event time /t: not a time: want RFC 3339, or a number of s, ms, µs or ns since 1970"},
	}
	for _, test := range tests {
		e := only(t, test.text, f)
		if e.Bad != test.bad || e.Detail != test.detail || (test.bad != "") != (e.Value == nil) || e.Length != int64(len(test.text)) {
			t.Errorf("of %s came %+v", test.text, e)
		}
		if test.bad == "" && (e.Time != 1793534400123456789 || e.Arrival != 1793534400000000000) {
			t.Errorf("of %s came %d and %d", test.text, e.Time, e.Arrival)
		}
	}
}

func TestAKeyIsNeededWhereTheTargetIsCompacted(t *testing.T) {
	for text, bad := range map[string]string{
		`{"k":"a"}`: "", `{"k":""}`: "", `{"k":0}`: "", `{"k":null}`: archive.BadKey, `{"j":1}`: archive.BadKey,
	} {
		e := only(t, text, archive.Fields{Time: archive.None, Key: "/k", NeedsKey: true})
		if e.Bad != bad || (bad != "") != (e.Value == nil) || (bad != "") != (e.Detail != "") {
			t.Errorf("of %s came %+v", text, e)
		}
		if e := only(t, text, archive.Fields{Time: archive.None, Key: "/k"}); e.Bad != "" {
			t.Errorf("where it is not needed, of %s came %+v", text, e)
		}
	}
}

func TestNoTimeIsNeeded(t *testing.T) {
	for _, none := range []archive.Pointer{archive.None, ""} {
		if e := only(t, `{"none":"x","":1}`, archive.Fields{Time: none}); e.Bad != "" || e.Time != 0 || e.Arrival != 0 {
			t.Errorf("with %q came %+v", none, e)
		}
	}
}

func TestRecordLimitCountsKeyValueAndID(t *testing.T) {
	text := `{"id":"12345","k":"1234567"}`
	f := archive.Fields{ID: "/id", Key: "/k", Time: archive.None}
	exact := len(text) + 5 + 7 + archive.HeaderReserve
	for limit, want := range map[int]string{exact: "", exact - 1: archive.BadOversized, 1 << 40: "", 0: archive.BadOversized, -1: archive.BadOversized} {
		entries := scan(t, JSON{}, strings.NewReader(text), f, limit)
		if len(entries) != 1 || entries[0].Bad != want {
			t.Errorf("with a limit of %d came %+v", limit, entries)
		}
	}
}
