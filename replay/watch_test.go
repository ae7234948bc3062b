package replay

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"replayd/replay/pace"
)

// TestAReplayThatLastsIsWatched warns in the minutes 3 to 5 and 8, of ten.
func TestAReplayThatLastsIsWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		for i := range 600 {
			text.WriteString(event(fmt.Sprint(i), time.Duration(i)*6*time.Second)) // all of the window, at an even rate
		}
		h := newHourly(day("12/a", text.String()))
		h.spec.Window.To = h.spec.Window.From.Add(time.Hour)
		m := &memory{}
		r := h.runner(t, m)
		r.Options.chunkRecords = 0
		r.Options.Pace, _ = pace.Parse("1/s")
		began := time.Now()
		minute := func() int { return int(time.Since(began).Minutes()) }
		var asked, told, shown []int
		r.Options.Watch = func(_ context.Context, now, end time.Time) string {
			n := minute()
			asked = append(asked, n)
			if early := n == 0; end.IsZero() != early || !early && end.Sub(began).Round(time.Minute) != 10*time.Minute || !now.Equal(time.Now()) {
				t.Errorf("in minute %d: now %s, end %s", n, now, end)
			}
			if n >= 3 && n <= 5 || n == 8 {
				return fmt.Sprint("warning ", n)
			}
			return ""
		}
		r.Options.Notice = func(string) { told = append(told, minute()) }
		r.Options.Observe = func(p Progress) {
			settled := time.Since(began)%time.Minute > time.Second // behind what is asked in the same instant
			if settled && len(p.Warnings) == 1 && !slices.Contains(shown, minute()) {
				shown = append(shown, minute())
			}
		}
		receipt, err := r.Run(t.Context(), h.spec)
		if err != nil || receipt.Produced != 600 {
			t.Fatalf("%v, %+v", err, receipt)
		}
		if !slices.Equal(asked, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) || !slices.Equal(told, []int{3, 8}) || !slices.Equal(shown, []int{3, 4, 5, 8}) {
			t.Errorf("asked in the minutes %v, told in %v, shown in %v", asked, told, shown)
		}
	})
}
