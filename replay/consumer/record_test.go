package consumer

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// record has the headers name, value, name, value, …
func record(headers ...string) *kgo.Record {
	r := &kgo.Record{}
	for i := 0; i < len(headers); i += 2 {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: headers[i], Value: []byte(headers[i+1])})
	}
	return r
}

func TestWhatHeadersTell(t *testing.T) {
	r := record("trace", "x", "replay-id", "p-0300", "replay-seq", "9007199254740993", "replay-event-time", "1793535296789",
		"replay-event-id", `["a",1]`, "replay-flags", "no-id,late,of-a-later-version", "replay-targets", "billing,search")
	if !IsReplay(r) || ID(r) != "p-0300" || Seq(r) != 9007199254740993 {
		t.Errorf("is replay %v, id %q, seq %d", IsReplay(r), ID(r), Seq(r))
	}
	if id, ok := EventID(r); id != `["a",1]` || !ok {
		t.Errorf("event id %q, %v", id, ok)
	}
	if at, ok := EventTime(r); !ok || at.UnixMilli() != 1793535296789 || at.Location() != time.UTC {
		t.Errorf("event time %s, %v", at, ok)
	}
	if got := Flags(r); !slices.Equal(got, []string{NoID, Late, "of-a-later-version"}) {
		t.Errorf("flags %q", got)
	}
	if got := Targets(r); !slices.Equal(got, []string{"billing", "search"}) {
		t.Errorf("targets %q", got)
	}
}

func TestWhatALiveRecordTells(t *testing.T) {
	for name, r := range map[string]*kgo.Record{
		"no headers":    record(),
		"other headers": record("id", "x", "trace", "y"),
		"an empty id":   record("replay-id", ""),
		"what was one":  record("replay-prev-id", "p-0300", "replay-prev-seq", "7"),
	} {
		_, hasID := EventID(r)
		_, hasTime := EventTime(r)
		if IsReplay(r) || ID(r) != "" || Seq(r) != 0 || hasID || hasTime || Flags(r) != nil || Targets(r) != nil {
			t.Errorf("%s: taken for a replay", name)
		}
		if !ShouldProcess(r, "any") {
			t.Errorf("%s: not processed", name)
		}
	}
}

func TestHeadersThatAreNotAReplays(t *testing.T) {
	for _, bad := range []string{"", "x", "1.5", "-1", "0", "99999999999999999999"} {
		if got := Seq(record("replay-id", "a", "replay-seq", bad)); got != 0 {
			t.Errorf("seq %q is %d", bad, got)
		}
	}
	for _, bad := range []string{"", "now", "1.5", "99999999999999999999"} {
		if at, ok := EventTime(record("replay-id", "a", "replay-event-time", bad)); ok {
			t.Errorf("event time %q is %s", bad, at)
		}
	}
	if at, ok := EventTime(record("replay-event-time", "0")); !ok || !at.Equal(time.Unix(0, 0)) {
		t.Errorf("an event of the first millisecond of 1970: %s, %v", at, ok)
	}
}

func TestTheLastHeaderOfANameCounts(t *testing.T) {
	if got := ID(record("replay-id", "archived", "replay-id", "ours")); got != "ours" {
		t.Errorf("id %q", got)
	}
}

func TestWhoShouldProcess(t *testing.T) {
	tests := []struct {
		targets []string // nil: no header
		group   string
		want    bool
	}{
		{nil, "billing", true},
		{[]string{""}, "billing", true}, // names nobody
		{[]string{"billing"}, "billing", true},
		{[]string{"search,billing"}, "billing", true},
		{[]string{"search, billing"}, "billing", true},
		{[]string{"search"}, "billing", false},
		{[]string{"billing-2"}, "billing", false},
	}
	for _, test := range tests {
		r := record("replay-id", "a")
		for _, value := range test.targets {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: "replay-targets", Value: []byte(value)})
		}
		if got := ShouldProcess(r, test.group); got != test.want {
			t.Errorf("targets %q, group %s: %v", test.targets, test.group, got)
		}
	}
}
