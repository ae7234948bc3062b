package replay

import (
	"strings"
	"time"
)

// Ago is a length of time in its largest unit, as people tell how long ago something was: 45s, 10m, 73h.
func Ago(d time.Duration) string {
	switch {
	case d >= time.Hour:
		return strings.TrimSuffix(d.Truncate(time.Hour).String(), "0m0s")
	case d >= time.Minute:
		return strings.TrimSuffix(d.Truncate(time.Minute).String(), "0s")
	}
	return max(0, d).Truncate(time.Second).String()
}
