package config

import (
	"encoding"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"replayd/replay/pace/quantity"
)

// The units are the same in flags, environment, JSON and YAML: text.
var (
	_ encoding.TextUnmarshaler = (*Size)(nil)
	_ encoding.TextUnmarshaler = (*Duration)(nil)
	_ encoding.TextUnmarshaler = (*Slack)(nil)
	_ encoding.TextMarshaler   = Secret("")
	_ encoding.TextMarshaler   = Address("")
)

// Size is a number of bytes: 512MiB, 20MB, or plain 1048576.
type Size int64

// UnmarshalText reads a size, exactly.
func (s *Size) UnmarshalText(text []byte) error {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		n, err = quantity.Parse(string(text), quantity.Bytes)
	}
	if err != nil || n < 0 {
		return fmt.Errorf("%q is not a size such as 512MiB, 20MB or 1048576", text)
	}
	*s = Size(n)
	return nil
}

// MarshalText writes String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String is the size in its largest whole unit.
func (s Size) String() string { return quantity.Format(int64(s), quantity.Bytes) }

// Duration is a length of time, not negative: 90s, 15m, 1h30m, 2d, 1d12h. A day has 24 hours.
type Duration time.Duration

const day = 24 * time.Hour

// maxDays keeps durations far from overflow; no archive is older.
const maxDays = 36_500

// UnmarshalText reads a duration.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := parseDuration(string(text))
	if err != nil || v < 0 || v > maxDays*day {
		return fmt.Errorf("%q is not a duration such as 90s, 15m, 1h or 2d", text)
	}
	*d = Duration(v)
	return nil
}

func parseDuration(text string) (time.Duration, error) {
	days, rest, found := strings.Cut(text, "d")
	if !found {
		return time.ParseDuration(text)
	}
	n, err := strconv.ParseUint(days, 10, 32)
	if err != nil || n > maxDays {
		return 0, fmt.Errorf("%q days", days)
	}
	if rest == "" {
		return time.Duration(n) * day, nil
	}
	clock, err := time.ParseDuration(rest)
	if clock < 0 {
		return 0, fmt.Errorf("negative %q", rest)
	}
	return time.Duration(n)*day + clock, err
}

// MarshalText writes String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String is time.Duration's without the zeros at its end: 1h, not 1h0m0s.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Slack is how far outside the window's hours objects are still read: "1h,30m" is an hour before and half an hour
// after, "30m" is both.
type Slack struct{ Before, After Duration }

// UnmarshalText reads one duration or two.
func (s *Slack) UnmarshalText(text []byte) error {
	before, after, two := strings.Cut(string(text), ",")
	if !two {
		after = before
	}
	var read Slack
	if err := read.Before.UnmarshalText([]byte(strings.TrimSpace(before))); err != nil {
		return err
	}
	if err := read.After.UnmarshalText([]byte(strings.TrimSpace(after))); err != nil {
		return err
	}
	*s = read
	return nil
}

// MarshalText writes String.
func (s Slack) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String writes both durations.
func (s Slack) String() string { return s.Before.String() + "," + s.After.String() }

// Secret is a text that is printed, logged and marshalled as ***. Reveal is the only way to it.
type Secret string

const masked = "***"

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String is *** or, when there is none, empty.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// MarshalText writes String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Format keeps every verb from the secret: fmt falls back to the value itself for verbs that do not fit.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// Address is a URL whose query is a secret, as far as anybody knows: it is printed, logged and marshalled as ***. Reveal is the only
// way to it.
type Address string

// Reveal returns the whole address.
func (a Address) Reveal() string { return string(a) }

// String is the address, with *** for its query.
func (a Address) String() string {
	if place, _, found := strings.Cut(string(a), "?"); found {
		return place + "?" + masked
	}
	return string(a)
}

// MarshalText writes String.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Format keeps every verb from the query.
func (a Address) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.String()) }
