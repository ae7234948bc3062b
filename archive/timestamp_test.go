package archive

import (
	"math/rand/v2"
	"testing"
	"time"
)

// checkPlain holds what is read the short way to what time.Parse, and the long way with numbers, make of the same text.
func checkPlain(t *testing.T, text []byte) {
	if got, ok := plainTimestamp(text); ok {
		want, err := time.Parse(time.RFC3339Nano, string(text))
		if err != nil || want.UnixNano() != got {
			t.Errorf("%q is %d, for package time %d, %v", text, got, want.UnixNano(), err)
		}
	}
	if got, ok := plainMilliseconds(text); ok {
		d := parseDecimal(text)
		want, err := d.nanoseconds()
		if err != nil || want != got*int64(time.Millisecond) || !isNumber(text) {
			t.Errorf("%q is %d ms, the long way %d ns, %v", text, got, want, err)
		}
	}
}

func FuzzPlainTimes(f *testing.F) {
	for _, s := range []string{
		"2026-11-01T12:00:00Z", "2026-11-01T12:00:00.123456789Z", "2024-02-29T23:59:59.9+23:59", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
		"1970-01-01T00:00:00-00:00", "1970-01-01T00:00:00+00:01", "2199-12-31T23:59:59.999999999Z", "2199-12-31T23:59:59-01:00", "2026-11-01T24:00:00Z",
		"2026-11-01T12:00:60Z", "2026-11-01T12:00:00.Z", "2026-11-01T12:00:00,5Z", "2026-11-01T12:00:00+1:00", "2026-13-01T12:00:00Z", "2O26-11-01T12:00:00Z",
		"1761998400123", "0761998400123", "7258118400000", "9999999999999", "176199840012a",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(checkPlain)
}

func TestEveryDayIsReadThePlainWay(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for day := Earliest; day.Before(Latest); day = day.AddDate(0, 0, 1) {
		at := day.Add(time.Duration(rng.Int64N(int64(24 * time.Hour)))).In(time.FixedZone("", 60*(rng.IntN(2*14*60)-14*60)))
		if at.Before(Earliest) || !at.Before(Latest) {
			continue
		}
		text := []byte(at.Format(time.RFC3339Nano))
		if ns, ok := plainTimestamp(text); !ok || ns != at.UnixNano() {
			t.Fatalf("%s is %d, %v, not %d", text, ns, ok, at.UnixNano())
		}
	}
}
