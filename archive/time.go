package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
)

// Why a value is no usable time. None of them repeats the value: events hold what not everybody may read.
var (
	errNoTime     = errors.New("missing")
	errNotTime    = errors.New("not a time: want RFC 3339, or a number of s, ms, µs or ns since 1970")
	errBefore1970 = errors.New("before 1970")
	errAfter2199  = errors.New("not before the year 2200")
)

// endOfTime is 2200-01-01T00:00:00Z in seconds since 1970. What claims to be later is a mistake of its writer, and
// nanoseconds in an int64 end in 2262.
const endOfTime = 7258118400

// Earliest and Latest bound what the time of an event can be, the latter not included.
var (
	Earliest = time.Unix(0, 0).UTC()
	Latest   = time.Unix(endOfTime, 0).UTC()
)

// ParseTime reads a time from raw, a JSON value as it stands in an event, and returns nanoseconds since 1970.
//
// Strings are RFC 3339; a space may stand for the T, and fraction, seconds, zone or the whole time of day may be
// missing. Without a zone they are local to zone (nil: UTC). Numbers, and strings that hold one, count s, ms, µs or ns
// since 1970, whichever their size says (the rule of Secor): from 1e18 on ns, from 1e15 on µs, from 1e12 on ms, below
// s. Decimals are exact; what is finer than a nanosecond is cut off.
//
// An empty raw or null, what is no time, and times before 1970 or from 2200 on are errors.
func ParseTime(raw []byte, zone *time.Location) (int64, error) {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return 0, errNoTime
	case raw[0] != '"':
		return parseEpoch(raw)
	}
	text, ok := unquoted(raw)
	if !ok {
		return 0, errNotTime
	}
	if ns, ok := plainTimestamp(text); ok {
		return ns, nil
	}
	if isNumber(text) {
		return parseEpoch(text)
	}
	return parseTimestamp(string(text), zone)
}

// unquoted is the text of a JSON string. Escapes in a time are rare enough for the slow way.
func unquoted(raw []byte) ([]byte, bool) {
	if len(raw) > 1 && bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], true
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, false
	}
	return []byte(s), true
}

// timestampLayouts beside RFC 3339, tried in this order. Parsing accepts a fraction behind the seconds of each.
var timestampLayouts = []struct {
	text  string
	zoned bool
}{
	{"2006-01-02T15:04:05", false},
	{"2006-01-02T15:04:05Z0700", true},
	{"2006-01-02T15:04Z07:00", true}, // java.time leaves out seconds that are zero
	{"2006-01-02T15:04", false},
	{"2006-01-02", false},
}

// Local returns the instants at which clocks in zone show wall, whose own zone is of no account: one, two where the clocks
// are put back, the earlier first, and none where they are put forward over it.
func Local(wall time.Time, zone *time.Location) []time.Time {
	var found []time.Time
	for _, near := range []time.Duration{-24 * time.Hour, 24 * time.Hour} { // before and behind a change of the clocks
		_, offset := wall.Add(near).In(zone).Zone()
		t := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		if _, same := t.Zone(); same == offset && (len(found) == 0 || !found[0].Equal(t)) {
			found = append(found, t)
		}
	}
	return found
}

// earliest is the first instant at which clocks in zone show wall; where they are put forward over it, that at which they
// would have shown it. Package time leaves open which it is.
func earliest(wall time.Time, zone *time.Location) time.Time {
	if found := Local(wall, zone); len(found) > 0 {
		return found[0]
	}
	_, offset := wall.Add(-24 * time.Hour).In(zone).Zone()
	return wall.Add(-time.Duration(offset) * time.Second)
}

func parseTimestamp(s string, zone *time.Location) (int64, error) {
	if zone == nil {
		zone = time.UTC
	}
	if len(s) > 10 && s[10] == ' ' {
		s = s[:10] + "T" + s[11:]
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	for i := 0; err != nil && i < len(timestampLayouts); i++ {
		if t, err = time.Parse(timestampLayouts[i].text, s); err == nil && !timestampLayouts[i].zoned && zone != time.UTC {
			t = earliest(t, zone)
		}
	}
	switch {
	case err != nil:
		return 0, errNotTime
	case t.Unix() < 0:
		return 0, errBefore1970
	case t.Unix() >= endOfTime:
		return 0, errAfter2199
	}
	return t.UnixNano(), nil
}

// maxExponent is far beyond what any time has; larger ones are cut to it so that nothing overflows.
const maxExponent = 100_000

// decimal is a number as it is written: ±0.d₁d₂d₃… · 10^point, without leading zeros.
type decimal struct {
	negative bool
	digits   [maxDigits]byte // '0' to '9'
	n        int
	point    int
}

// maxDigits is how many digits of a number can matter: 19 make any nanosecond before 2200.
const maxDigits = 19

// parseEpoch reads a JSON number of s, ms, µs or ns since 1970. It never goes through a float, which would move
// 1761998400.123456789 by some hundred nanoseconds.
func parseEpoch(raw []byte) (int64, error) {
	if ms, ok := plainMilliseconds(raw); ok {
		return ms * int64(time.Millisecond), nil
	}
	if !isNumber(raw) {
		return 0, errNotTime
	}
	d := parseDecimal(raw)
	switch {
	case d.n == 0:
		return 0, nil
	case d.negative:
		return 0, errBefore1970
	}
	return d.nanoseconds()
}

// nanoseconds reads the number by its size.
func (d *decimal) nanoseconds() (int64, error) {
	whole := d.point // digits before the point, in nanoseconds
	switch {
	case d.point > 18: // at least 1e18
	case d.point > 15:
		whole += 3
	case d.point > 12:
		whole += 6
	default:
		whole += 9
	}
	if whole > maxDigits {
		return 0, errAfter2199
	}
	var ns uint64
	for i := range whole {
		ns *= 10
		if i < d.n {
			ns += uint64(d.digits[i] - '0')
		}
	}
	if ns >= endOfTime*1e9 {
		return 0, errAfter2199
	}
	return int64(ns), nil
}

// parseDecimal takes a valid JSON number apart.
func parseDecimal(raw []byte) (d decimal) {
	fraction := false
	for i, c := range raw {
		switch {
		case c == '-':
			d.negative = true
		case c == '.':
			fraction = true
		case c == 'e' || c == 'E':
			d.point += parseExponent(raw[i+1:])
			return d
		default:
			d.append(c, fraction)
		}
	}
	return d
}

func (d *decimal) append(c byte, fraction bool) {
	leading := d.n == 0 && c == '0'
	if fraction == leading { // 0.001 and 100 move the point, 0100 and .1 do not
		if fraction {
			d.point--
		} else {
			d.point++
		}
	}
	if !leading && d.n < maxDigits {
		d.digits[d.n] = c
		d.n++
	}
}

func parseExponent(raw []byte) int {
	e, sign := 0, 1
	for _, c := range raw {
		switch c {
		case '+':
		case '-':
			sign = -1
		default:
			e = min(e*10+int(c-'0'), maxExponent)
		}
	}
	return sign * e
}

// isNumber reports whether b is a number by the grammar of JSON.
func isNumber(b []byte) bool {
	if len(b) > 0 && b[0] == '-' {
		b = b[1:]
	}
	whole := digits(b)
	if whole == 0 || (whole > 1 && b[0] == '0') {
		return false
	}
	b = b[whole:]
	if len(b) > 0 && b[0] == '.' {
		n := digits(b[1:])
		if n == 0 {
			return false
		}
		b = b[1+n:]
	}
	return len(b) == 0 || isExponent(b)
}

func isExponent(b []byte) bool {
	if b[0] != 'e' && b[0] != 'E' {
		return false
	}
	b = b[1:]
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		b = b[1:]
	}
	return len(b) > 0 && digits(b) == len(b)
}

// digits is how many digits b begins with.
func digits(b []byte) int {
	for i, c := range b {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(b)
}
