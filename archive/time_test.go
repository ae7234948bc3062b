package archive

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strconv"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		berlin = time.FixedZone("CET", 3600)
	}
	const noon = 1793534400 // 2026-11-01T12:00:00Z
	tests := []struct {
		raw  string
		zone *time.Location
		want int64
	}{
		{`"2026-11-01T12:00:00Z"`, nil, noon * 1e9},
		{`"2026-11-01T12:00:00.5Z"`, nil, noon*1e9 + 500_000_000},
		{`"2026-11-01T12:00:00.123456789Z"`, nil, noon*1e9 + 123_456_789},
		{`"2026-11-01T12:00:00.1234567899Z"`, nil, noon*1e9 + 123_456_789},
		{`"2026-11-01T14:30:00+02:30"`, berlin, noon * 1e9},
		{`"2026-11-01T14:30:00+0230"`, nil, noon * 1e9},
		{`"2026-11-01T12:00:00.250-0000"`, nil, noon*1e9 + 250_000_000},
		{`"2026-11-01 12:00:00Z"`, nil, noon * 1e9},
		{`"2026-11-01 12:00:00.000001+00:00"`, nil, noon*1e9 + 1000},
		{`"2026-11-01 12:00:00"`, nil, noon * 1e9},
		{`"2026-11-01T12:00:00.001"`, time.UTC, noon*1e9 + 1_000_000},
		{`"2026-11-01T13:00:00"`, berlin, noon * 1e9},
		{`"2026-11-01T12:00Z"`, nil, noon * 1e9},
		{`"2026-11-01T13:00"`, berlin, noon * 1e9},
		{`"2026-11-01"`, nil, (noon - 12*3600) * 1e9},
		{`"2026-11-01"`, berlin, (noon - 13*3600) * 1e9},
		{`"2026-11-01T14:00:00\u002b02:00"`, nil, noon * 1e9},
		{`"1970-01-01T00:00:00Z"`, nil, 0},
		{`"2199-12-31T23:59:59.999999999Z"`, nil, endOfTime*1e9 - 1},

		{`1793534400`, nil, noon * 1e9},
		{`1793534400.123456789`, nil, noon*1e9 + 123_456_789},
		{`1793534400.1234567899999`, nil, noon*1e9 + 123_456_789},
		{`1793534400.000000001`, nil, noon*1e9 + 1},
		{`1793534400123`, nil, noon*1e9 + 123_000_000},
		{`1793534400123.456789`, nil, noon*1e9 + 123_456_789},
		{`1793534400123456`, nil, noon*1e9 + 123_456_000},
		{`1793534400123456.7`, nil, noon*1e9 + 123_456_700},
		{`1793534400123456789`, nil, noon*1e9 + 123_456_789},
		{`1793534400123456789.9`, nil, noon*1e9 + 123_456_789},
		{`"1793534400123"`, berlin, noon*1e9 + 123_000_000},
		{`"1793534400.5"`, nil, noon*1e9 + 500_000_000},
		{`1.793534400e9`, nil, noon * 1e9},
		{`1793534400123e-3`, nil, noon*1e9 + 123_000_000},
		{`17935344E+2`, nil, noon * 1e9},
		{`0`, nil, 0},
		{`-0.0`, nil, 0},
		{`0e99999999999999999999`, nil, 0},
		{`0.0000000019`, nil, 1},
		{`1e-100`, nil, 0},
		{`1`, nil, 1e9},
		{`7258118399.999999999`, nil, endOfTime*1e9 - 1},
		// The edges of the units.
		{`1000000000000`, nil, 1e18},
		{`1000000000000000`, nil, 1e18},
		{`1000000000000000000`, nil, 1e18},
	}
	for _, test := range tests {
		if got, err := ParseTime([]byte(test.raw), test.zone); got != test.want || err != nil {
			t.Errorf("ParseTime(%s, %v) = %d, %v; want %d", test.raw, test.zone, got, err, test.want)
		}
	}
}

func TestParseTimeRefuses(t *testing.T) {
	tests := map[error][]string{
		errNoTime: {``, `null`},
		errNotTime: {
			`""`, `" "`, `"soon"`, `"2026-11-01T25:00:00Z"`, `"2026-02-30"`, `"2026-11-01T12:00:00Z "`, `"12:00:00"`, `"2026-11"`,
			`"2026-11-01T12:00:00 UTC"`, `"\u0031x"`, `"0x10"`, `"1e"`, `"017935344"`, `"+1793534400"`, `"\`, `"`, `true`, `{}`, `[1793534400]`, `.5`, `1.`, `-`, `1793534400x`,
		},
		errBefore1970: {`-1`, `-1e-9`, `-0.0000000001`, `"-1793534400"`, `"1969-12-31T23:59:59.999Z"`, `"0001-01-01T00:00:00Z"`, `"1970-01-01T00:00:00+01:00"`},
		errAfter2199: {
			`7258118400`, `"2200-01-01T00:00:00Z"`, `"9999-12-31T23:59:59Z"`, `7258118400000`, `7258118400000000000`, `9223372036854775808`,
			`999999999999`, `999999999999999`, `999999999999999999`, `1e30`, `1e99999999999999999999`, `"99999999999999999999999"`, `123456789012345678901234567890.5`,
		},
	}
	for want, list := range tests {
		for _, raw := range list {
			if got, err := ParseTime([]byte(raw), nil); err != want || got != 0 {
				t.Errorf("ParseTime(%s) = %d, %v; want %v", raw, got, err, want)
			}
		}
	}
}

func TestTimesWithoutZoneAreLocal(t *testing.T) {
	zone := time.FixedZone("somewhere", -5*3600)
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05.000", "2006-01-02 15:04", "2006-01-02"} {
		at := time.Date(2026, 11, 1, 0, 0, 0, 0, zone)
		raw := strconv.Quote(at.Format(layout))
		if got, err := ParseTime([]byte(raw), zone); got != at.UnixNano() || err != nil {
			t.Errorf("ParseTime(%s) = %d, %v; want %d", raw, got, err, at.UnixNano())
		}
	}
}

// epoch is what the rule says of a number, by exact arithmetic.
func epoch(raw string) (*big.Int, bool) {
	x, ok := new(big.Rat).SetString(raw)
	if !ok {
		return nil, false
	}
	power := func(n int64) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil) }
	scale := int64(9)
	for _, unit := range []int64{12, 15, 18} {
		if x.Cmp(new(big.Rat).SetInt(power(unit))) >= 0 {
			scale -= 3
		}
	}
	x.Mul(x, new(big.Rat).SetInt(power(scale)))
	return new(big.Int).Quo(x.Num(), x.Denom()), true
}

func FuzzParseTime(f *testing.F) {
	for _, raw := range []string{`1793534400.123456789`, `-1`, `1e12`, `"2026-11-01 12:00:00"`, `"1793534400123"`, `0.000e5`, `12345678901234567890`, `1e-5`, `null`, `"\u0031"`, `"`} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := ParseTime(raw, nil)
		if got < 0 || got >= endOfTime*1e9 || (err != nil && got != 0) {
			t.Fatalf("ParseTime(%s) = %d, %v", raw, got, err)
		}
		if !json.Valid(raw) || !isNumber(raw) || len(raw) > 40 || exponentIsLarge(raw) {
			return
		}
		want, ok := epoch(string(raw))
		switch {
		case !ok:
			t.Fatalf("%s is no number", raw)
		case want.Sign() < 0 || raw[0] == '-' && err != nil:
			if err != errBefore1970 {
				t.Fatalf("ParseTime(%s) = %d, %v, before 1970", raw, got, err)
			}
		case want.Cmp(big.NewInt(endOfTime*1e9)) >= 0:
			if err != errAfter2199 {
				t.Fatalf("ParseTime(%s) = %d, %v, after 2199", raw, got, err)
			}
		case err != nil || want.Int64() != got:
			t.Fatalf("ParseTime(%s) = %d, %v; want %d", raw, got, err, want)
		}
	})
}

// exponentIsLarge keeps exact arithmetic from taking forever.
func exponentIsLarge(raw []byte) bool {
	i := bytes.IndexAny(raw, "eE")
	return i >= 0 && len(raw)-i > 4
}

// TestTimesAroundAChangeOfTheClocksAreTheSameEverywhere fixes what Go leaves open for times that exist twice or not at all.
func TestTimesAroundAChangeOfTheClocksAreTheSameEverywhere(t *testing.T) {
	for _, c := range []struct{ zone, text, want string }{
		{"Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"}, // twofold: the earlier
		{"America/New_York", "2026-11-01T01:30:00", "2026-11-01T05:30:00Z"},
		{"Australia/Sydney", "2026-04-05T02:30:00", "2026-04-04T15:30:00Z"},
		{"Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z"}, // none: as if the clocks were put forward later
		{"America/New_York", "2026-03-08T02:30:00", "2026-03-08T07:30:00Z"},
		{"Australia/Sydney", "2026-10-04T02:30:00", "2026-10-03T16:30:00Z"},
		{"America/Sao_Paulo", "2026-11-01T12:00:00", "2026-11-01T15:00:00Z"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseTime([]byte(`"`+c.text+`"`), zone)
		if at := time.Unix(0, got).UTC().Format(time.RFC3339); err != nil || at != c.want {
			t.Errorf("%s in %s is %s, want %s; %v", c.text, c.zone, at, c.want, err)
		}
	}
}
