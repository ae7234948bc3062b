package pace

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSettingsAreWrittenAsTheyAreRead(t *testing.T) {
	for _, text := range []string{
		"unlimited", "1/s", "5000/s", "50k/s", "500k/s", "1M/s", "12345/s", "20MB/s", "20MiB/s", "1GB/s", "1B/s",
		"x1", "x4", "x0.5", "x1000", "x0.001", "5000/s,20MB/s", "5000/s,20MB/s,x4",
	} {
		s, err := Parse(text)
		if err != nil || s.String() != text {
			t.Errorf("%q is read %+v, %v, and written %q", text, s, err, s)
		}
	}
}

func TestSettingsReadOtherSpellings(t *testing.T) {
	for text, want := range map[string]string{
		"50000/s":             "50k/s",
		"1.5k/s":              "1500/s",
		"2.5MB/s":             "2500KB/s",
		"x4, 5000/s":          "5000/s,x4",
		"5000/s,6k/s,4k/s":    "4000/s",
		"x4,x2":               "x2",
		"unlimited,5000/s":    "5000/s",
		"unlimited, x1":       "x1",
		"x1.0":                "x1",
		"10MiB/s,10485761B/s": "10MiB/s",
	} {
		s, err := Parse(text)
		if err != nil || s.String() != want {
			t.Errorf("%q is read %q, %v; want %q", text, s, err, want)
		}
	}
}

func TestSettingErrorsSayWhatIsAccepted(t *testing.T) {
	for _, text := range []string{
		"", ",", "fast", "5000", "5000/m", "/s", "B/s", "0/s", "-1/s", "0.5/s", "2G/s", "20Mb/s", "20mb/s", "0MB/s", "2TB/s",
		"x", "x0", "x-1", "x0.0001", "x1e3", "x0x10", "xNaN", "xInf", "x1000001", "4x", "5000/s,", "x1 5000/s", "Unlimited",
	} {
		s, err := Parse(text)
		if err == nil {
			t.Errorf("%q is read %v, want an error", text, s)
		} else if !strings.Contains(err.Error(), accepted) {
			t.Errorf("%q: %v; want it to say what is accepted", text, err)
		}
	}
}

func TestSettingNotSetIsNotUnlimited(t *testing.T) {
	type spec struct {
		Pace Setting `json:"pace,omitzero"`
	}
	for text, want := range map[string]Setting{`{}`: {}, `{"pace":"unlimited"}`: Unlimited(), `{"pace":"20MB/s"}`: Default()} {
		var got spec
		if err := json.Unmarshal([]byte(text), &got); err != nil || got.Pace != want {
			t.Errorf("%s is read %+v, %v", text, got, err)
		}
		if back, err := json.Marshal(got); err != nil || string(back) != text {
			t.Errorf("%s is written %s, %v", text, back, err)
		}
	}
	if p := New(Setting{}, Options{}); p.State().Setting != Default() {
		t.Errorf("a pacer without a setting holds %v", p.State().Setting)
	}
}

func TestEverySettingSurvivesItsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Setting{
			events: EventsPerSecond(rapid.Int64Range(0, maxEventsPerSecond).Draw(t, "events")),
			bytes:  BytesPerSecond(rapid.Int64Range(0, maxBytesPerSecond).Draw(t, "bytes")),
		}
		if rapid.Bool().Draw(t, "has speed") {
			s.speed = Speed(rapid.Float64Range(minSpeed, maxSpeed).Draw(t, "speed"))
		}
		s.unlimited = s == Setting{}
		text, _ := s.MarshalText()
		var got Setting
		if err := got.UnmarshalText(text); err != nil || got != s {
			t.Fatalf("%+v is written %q and read %+v, %v", s, text, got, err)
		}
	})
}

func FuzzSetting(f *testing.F) {
	for _, seed := range []string{"unlimited", "5000/s", "50k/s,20MB/s", "x0.5", "x1e9", "1.5/s", ",", "x.5"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		if (s == Unlimited()) == (len(s.Paces()) > 0) || s.IsZero() {
			t.Fatalf("%q is read %+v: neither unlimited nor paced", text, s)
		}
		if back, err := Parse(s.String()); err != nil || back != s {
			t.Fatalf("%q is read %v, which is read %v, %v", text, s, back, err)
		}
	})
}

func TestWhatLastsLongerThanADurationHoldsIsTheLongest(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for _, c := range []struct {
		pace   string
		events int64
		window time.Duration
		least  time.Duration
	}{
		{"1/s", 40_000_000_000, time.Hour, 292 * year},
		{"x0.001", 1, 20 * year, 292 * year},
		{"x0.1", 1, 20 * year, 200 * year},
	} {
		s, err := Parse(c.pace)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Lasts(c.events, 1, c.window); got < c.least {
			t.Errorf("%s: %s", c.pace, got)
		}
	}
}
