package replay

import (
	"testing"
	"time"
)

func TestALengthOfTimeIsToldInItsLargestUnit(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": -time.Hour, "59s": time.Minute - 1, "1m": time.Minute, "10m": 10*time.Minute + time.Second, "30m": 30 * time.Minute, "10h": 10*time.Hour + 59*time.Minute, "73h": 73 * time.Hour,
	} {
		if got := Ago(d); got != want {
			t.Errorf("%s is told as %s, and not %s", d, got, want)
		}
	}
}
