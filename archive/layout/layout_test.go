package layout

import (
	"context"
	"testing"
	"time"

	"replayd/archive/archivetest"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestHoursOverlapTheRangeHalfOpen(t *testing.T) {
	for _, c := range []struct {
		layout, from, to string
		prefixes         []string
		first            string
	}{
		{"pismo", "2026-11-01T03:00:00Z", "2026-11-01T05:00:00Z", []string{"main_stream/2026/11/01/03/", "main_stream/2026/11/01/04/"}, "2026-11-01T03Z"},
		{"firehose", "2026-12-31T23:30:00Z", "2027-01-01T00:00:01Z", []string{"2026/12/31/23/", "2027/01/01/00/"}, "2026-12-31T23Z"},
		{"firehose", "2026-11-01T03:59:59.999999999Z", "2026-11-01T04:00:00Z", []string{"2026/11/01/03/"}, "2026-11-01T03Z"},
		{"dt=%Y-%m-%d/hr=%H/", "2026-11-01T05:00:00+02:00", "2026-11-01T06:00:00+02:00", []string{"dt=2026-11-01/hr=03/"}, "2026-11-01T03Z"},
		{"dt=%Y-%m-%d/", "2026-11-01T23:00:00Z", "2026-11-02T00:30:00Z", []string{"dt=2026-11-01/", "dt=2026-11-02/"}, "2026-11-01Z"},
		{"jsonl", "2026-11-01T23:00:00Z", "2026-11-02T00:30:00Z", []string{""}, "all"},
	} {
		l, err := Named(c.layout)
		if err != nil {
			t.Fatal(err)
		}
		if l.Name() != c.layout {
			t.Errorf("layout %s calls itself %s", c.layout, l.Name())
		}
		hours := l.Hours(at(c.from), at(c.to))
		var got []string
		for _, h := range hours {
			got = append(got, h.Prefix)
		}
		if len(got) != len(c.prefixes) || hours[0].Name != c.first {
			t.Fatalf("%s %s to %s: got %q, first %s", c.layout, c.from, c.to, got, hours[0].Name)
		}
		for i := range got {
			if got[i] != c.prefixes[i] {
				t.Errorf("%s: hour %d is %s, want %s", c.layout, i, got[i], c.prefixes[i])
			}
		}
	}
}

func TestFirehoseNamesTellTheArrivalOfTheirOldestEvent(t *testing.T) {
	const uuid = "0a1b2c3d-0000-1111-2222-333344445555"
	for name, want := range map[string]string{
		"main_stream/2026/11/01/03/dataplatform-7-1-2026-11-01-03-04-05-" + uuid: "2026-11-01T03:04:05Z",
		"2026/11/01/03/my-stream-12-2026-11-01-03-59-59-" + uuid + ".gz":         "2026-11-01T03:59:59Z",
		"x-1-2026-11-01-03-59-59-" + uuid + ".json.zst":                          "2026-11-01T03:59:59Z",
		"x-1-2026-13-01-03-59-59-" + uuid:                                        "",
		"x-1-2026-11-01-03-59-59":                                                "",
		"part-00000.json":                                                        "",
	} {
		got, ok := Pismo().Time(name)
		if ok != (want != "") || ok && !got.Equal(at(want)) {
			t.Errorf("%s: got %v %v, want %q", name, got, ok, want)
		}
	}
}

func TestNamesThatAreNoLayoutsAreRefused(t *testing.T) {
	for _, name := range []string{"parquet", "%Y/%m/", "%Y/%m/%d/%M/", "%Y%m%d%", "hive"} {
		if l, err := Named(name); err == nil {
			t.Errorf("layout %q was taken for %s", name, l.Name())
		}
	}
}

func TestLayoutsAreRecognisedByTheirFirstKeys(t *testing.T) {
	for _, c := range []struct {
		asked, want string
		keys        []string
	}{
		{"", "pismo", []string{"main_stream/2026/11/01/03/dataplatform-7"}},
		{"", "firehose", []string{"_SUCCESS", "2026/11/01/03/x"}},
		{"", "dt=%Y-%m-%d/hr=%H/", []string{"dt=2026-11-01/hr=03/part"}},
		{"hive", "year=%Y/month=%m/day=%d/hour=%H/", []string{"_temporary/x", "year=2026/month=11/day=01/hour=03/part"}},
		{"hive", "date=%Y-%m-%d/", []string{"date=2026-11-01/part"}},
		{"", "jsonl", []string{"events.jsonl"}},
		{"", "", nil},
		{"hive", "", []string{"events.jsonl"}},
	} {
		files := map[string][]byte{}
		for _, k := range c.keys {
			files[k] = []byte("{}")
		}
		l, err := Resolve(context.Background(), archivetest.NewFaulty(files), c.asked)
		switch {
		case c.want == "" && err == nil:
			t.Errorf("%q of %q was recognised as %s", c.asked, c.keys, l.Name())
		case c.want != "" && (err != nil || l.Name() != c.want):
			t.Errorf("%q of %q: got %v, %v, want %s", c.asked, c.keys, l, err, c.want)
		}
	}
}

func FuzzNamed(f *testing.F) {
	for _, s := range []string{"pismo", "%Y/%m/%d/%H/", "%", "%Y%m%d%%", "dt=%Y-%m-%d/"} {
		f.Add(s)
	}
	from := at("2026-11-01T03:00:00Z")
	f.Fuzz(func(t *testing.T, name string) {
		l, err := Named(name)
		if err != nil {
			return
		}
		if l.Name() != name {
			t.Errorf("%q calls itself %q", name, l.Name())
		}
		if hours := l.Hours(from, from.Add(time.Hour)); len(hours) != 1 {
			t.Errorf("%q has %d hours in an hour", name, len(hours))
		}
		l.Time(name)
	})
}
