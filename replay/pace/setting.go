package pace

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"replayd/replay/pace/quantity"
)

// Bounds of a setting. They only keep typing errors and overflow away: no Kafka takes a terabyte a second, and at a
// thousandth of the speed an hour lasts six weeks.
const (
	maxEventsPerSecond = 1_000_000_000
	maxBytesPerSecond  = 1_000_000_000_000
	minSpeed           = 0.001
	maxSpeed           = 1_000_000
)

// accepted is what every error about a pace ends with.
const accepted = "a pace is 5000/s, 50k/s, 20MB/s, 20MiB/s, x1, x0.5, unlimited, or several with commas, of which the slowest holds"

// Setting is a pace as people write it, the same in flags, JSON and YAML. The zero Setting is "not set", which is not
// "unlimited". Settings are comparable, and equal settings have equal texts.
type Setting struct {
	unlimited bool // said so, and nothing else
	events    EventsPerSecond
	bytes     BytesPerSecond
	speed     Speed
}

// Unlimited is the setting that never waits.
func Unlimited() Setting { return Setting{unlimited: true} }

// Default is what holds where nothing was set, 20MB/s: slow enough for a live cluster, and an hour's archive is
// through in minutes. Full speed must be asked for.
func Default() Setting { return Setting{bytes: 20_000_000} }

// Parse reads what String writes, and every other way to write it: 50000/s, 2.5MB/s, "x4, 5000/s". Of two paces of
// one kind the slower is kept.
func Parse(text string) (Setting, error) {
	var s Setting
	for part := range strings.SplitSeq(text, ",") {
		if err := s.add(strings.TrimSpace(part)); err != nil {
			return Setting{}, fmt.Errorf("pace %q: %w; %s", text, err, accepted)
		}
	}
	s.unlimited = s == Setting{}
	return s, nil
}

// IsZero reports whether nothing was set.
func (s Setting) IsZero() bool { return s == Setting{} }

// Lasts is about how long it takes to produce so many events of so many bytes from a window of the given length that has no
// long gaps; 0 when the setting does not tell, and no more than a Duration holds.
func (s Setting) Lasts(events, bytes int64, window time.Duration) time.Duration {
	longest := 0.0
	if s.events > 0 {
		longest = max(longest, float64(events)/float64(s.events))
	}
	if s.bytes > 0 {
		longest = max(longest, float64(bytes)/float64(s.bytes))
	}
	if s.speed > 0 {
		longest = max(longest, window.Seconds()/float64(s.speed))
	}
	return time.Duration(min(longest, longestDuration) * float64(time.Second))
}

// longestDuration is what a time.Duration holds, in seconds: 292 years.
const longestDuration = float64(math.MaxInt64/int64(time.Second) - 1)

// Paces are the paces that hold together, none for unlimited and for the zero Setting.
func (s Setting) Paces() []Pace {
	var list []Pace
	if s.events > 0 {
		list = append(list, s.events)
	}
	if s.bytes > 0 {
		list = append(list, s.bytes)
	}
	if s.speed > 0 {
		list = append(list, s.speed)
	}
	return list
}

// String is the shortest usual spelling, empty for the zero Setting.
func (s Setting) String() string {
	if s.unlimited {
		return "unlimited"
	}
	var parts []string
	for _, p := range s.Paces() {
		parts = append(parts, fmt.Sprint(p))
	}
	return strings.Join(parts, ",")
}

// MarshalText writes String.
func (s Setting) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is Parse, but takes an empty text for "not set".
func (s *Setting) UnmarshalText(text []byte) (err error) {
	*s = Setting{}
	if len(text) > 0 {
		*s, err = Parse(string(text))
	}
	return err
}

// String is the rate as Parse reads it; thousands are shortened from 10k/s on.
func (r EventsPerSecond) String() string {
	if r < 10_000 {
		return strconv.FormatInt(int64(r), 10) + "/s"
	}
	return quantity.Format(int64(r), quantity.Count) + "/s"
}

// String is the rate as Parse reads it.
func (r BytesPerSecond) String() string {
	return quantity.Format(int64(r), quantity.Bytes) + "/s"
}

// String is the speed as Parse reads it.
func (s Speed) String() string {
	return "x" + strconv.FormatFloat(float64(s), 'f', -1, 64)
}

// add narrows the setting by one of the paces that stand between commas.
func (s *Setting) add(part string) error {
	if part == "unlimited" {
		return nil
	}
	if factor, ok := strings.CutPrefix(part, "x"); ok {
		return s.addSpeed(factor)
	}
	rate, ok := strings.CutSuffix(part, "/s")
	switch {
	case !ok:
		return fmt.Errorf("%q is no pace", part)
	case strings.HasSuffix(strings.ToUpper(rate), "B"): // 20mb/s means bytes too, and is to be told so
		return addRate(&s.bytes, rate, quantity.Bytes, maxBytesPerSecond)
	}
	return addRate(&s.events, rate, quantity.Count, maxEventsPerSecond)
}

func (s *Setting) addSpeed(factor string) error {
	f, err := strconv.ParseFloat(factor, 64)
	if err != nil || strings.Trim(factor, "0123456789.") != "" {
		return fmt.Errorf("%q is not a factor", factor)
	}
	if f < minSpeed || f > maxSpeed {
		return fmt.Errorf("x%s is not within x%v and x%d", factor, minSpeed, maxSpeed)
	}
	s.speed = slower(s.speed, Speed(f))
	return nil
}

func addRate[R EventsPerSecond | BytesPerSecond](to *R, text string, units []quantity.Unit, most int64) error {
	n, err := quantity.Parse(text, units)
	if err != nil {
		return err
	}
	if n < 1 || n > most {
		return fmt.Errorf("%s/s is not within 1 and %s a second", text, quantity.Format(most, units))
	}
	*to = slower(*to, R(n))
	return nil
}

// slower is the smaller of two paces, each of which may not be set.
func slower[R EventsPerSecond | BytesPerSecond | Speed](a, b R) R {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
