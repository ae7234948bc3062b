package pace

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPacesAreDueWhereTheyShould(t *testing.T) {
	for _, test := range []struct {
		pace Pace
		at   Progress
		want time.Duration
	}{
		{EventsPerSecond(1), Progress{}, 0},
		{EventsPerSecond(1), Progress{Events: 1}, time.Second},
		{EventsPerSecond(5000), Progress{Events: 5000, Bytes: 1 << 40, Archive: time.Hour}, time.Second},
		{EventsPerSecond(3), Progress{Events: 1}, 333_333_333},
		{EventsPerSecond(3), Progress{Events: 3e9}, 1e9 * time.Second},
		{EventsPerSecond(500_000), Progress{Events: 1}, 2 * time.Microsecond},
		{EventsPerSecond(1), Progress{Events: math.MaxInt64}, never},
		{BytesPerSecond(20_000_000), Progress{Events: 1 << 40, Bytes: 10_000_000}, 500 * time.Millisecond},
		{BytesPerSecond(1), Progress{Bytes: math.MaxInt64}, never},
		{Speed(1), Progress{Archive: time.Hour}, time.Hour},
		{Speed(0.5), Progress{Archive: time.Hour}, 2 * time.Hour},
		{Speed(1000), Progress{Archive: 3 * time.Hour}, 10800 * time.Millisecond},
		{Speed(0.3), Progress{Archive: 3 * time.Second}, 10 * time.Second},
		{Speed(0.001), Progress{Archive: math.MaxInt64}, never},
	} {
		if got := test.pace.Due(test.at); got != test.want {
			t.Errorf("%v is due at %v after %v, want %v", test.pace, test.at, got, test.want)
		}
	}
}

func TestRampGrowsLinearly(t *testing.T) {
	const r = Ramp(time.Minute)
	for _, test := range []struct{ full, want time.Duration }{
		{0, 0},
		{1875 * time.Millisecond, 15 * time.Second}, // a quarter of the ramp: a sixteenth of its 30 s
		{7500 * time.Millisecond, 30 * time.Second}, // half of it: a quarter
		{30 * time.Second, time.Minute},
		{31 * time.Second, 61 * time.Second},
		{time.Hour, time.Hour + 30*time.Second},
	} {
		if got := r.Due(test.full); got != test.want {
			t.Errorf("due after %v in full, after %v with the ramp, want %v", test.full, got, test.want)
		}
		if got := r.Done(test.want); got != test.full {
			t.Errorf("after %v the ramp has done %v, want %v", test.want, got, test.full)
		}
		if got := Ramp(0).Due(test.full); got != test.full {
			t.Errorf("without a ramp %v became %v", test.full, got)
		}
	}
}

func TestRampHasDoneWhatIsDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Ramp(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "ramp"))
		d := time.Duration(rapid.Int64Range(0, int64(1000*time.Hour)).Draw(t, "due"))
		if done := r.Done(r.Due(d)); done < d || done > d+1 {
			t.Fatalf("ramp %d: what is due after %d finds %d done", r, d, done)
		}
	})
}
