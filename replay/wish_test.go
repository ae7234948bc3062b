package replay

import (
	"testing"
	"time"
)

// TestAWordIsAboutTheWishThatItIsToldUnder whatever the clocks of two daemons say.
func TestAWordIsAboutTheWishThatItIsToldUnder(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	w := Wish{Signed: Signed{Token: "b", At: now}}
	for _, c := range []struct {
		word Live
		want bool
	}{
		{Live{Wish: "b", At: now.Add(-time.Hour)}, true},
		{Live{Wish: "b", At: now.Add(time.Hour)}, true},
		{Live{Wish: "a", At: now.Add(time.Hour)}, false},
		{Live{At: now}, true},
		{Live{At: now.Add(-time.Second)}, false},
	} {
		if got := c.word.Under(&w); got != c.want {
			t.Errorf("%+v: %v", c.word, got)
		}
	}
}
