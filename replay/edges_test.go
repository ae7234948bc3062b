package replay

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"replayd/archive"
	"replayd/archive/layout"
)

func TestAReplayThatALimitEndsHasReachedItsLastEventAndNoFurther(t *testing.T) {
	for limit, want := range map[int64]time.Time{0: noon.Add(2 * time.Hour), 2: noon.Add(time.Minute)} {
		h, m := newHourly(day("12/a", event("1", 0)+event("2", time.Minute)+event("3", 2*time.Minute))), &memory{}
		h.spec.Limit = limit
		if _, err := h.runner(t, m).Run(t.Context(), h.spec); err != nil {
			t.Fatal(err)
		}
		if got := time.Unix(0, m.durable.Checkpoint.Watermark).UTC(); !got.Equal(want) {
			t.Errorf("limit %d: nothing earlier than %s can still come, want %s", limit, got, want)
		}
	}
}

// TestAnHourThatIsFirstAndLastReachesAsFarAsTheShorterSlack: an event that lies further out than half of either slack tells
// that there may be others beyond it.
func TestAnHourThatIsFirstAndLastReachesAsFarAsTheShorterSlack(t *testing.T) {
	l, err := layout.Named("%Y/%m/%d/")
	if err != nil {
		t.Fatal(err)
	}
	for _, slack := range [][2]time.Duration{{time.Hour, 3 * time.Hour}, {3 * time.Hour, time.Hour}} {
		s := newHourly(nil).spec
		s.Before, s.After = Duration(slack[0]), Duration(slack[1])
		h := newHours(&s, archive.Source{Layout: l}, nil, Durable{}, nil)
		outermost, reach := h.outermost(h.list[0], 0)
		if len(h.list) != 1 || !outermost || time.Duration(reach) != 30*time.Minute {
			t.Errorf("slack %v: %d days, outermost %v, reach %s", slack, len(h.list), outermost, time.Duration(reach))
		}
	}
}

func TestWhatIsAdmittedToAnHourMustFitIntoItsRecord(t *testing.T) {
	for _, c := range []struct {
		keys, length int
		want         bool
	}{
		{maxLate, 8, false},
		{maxLate + 1, 8, true},
		{maxHourRecord / (maxKey + 32), maxKey, false}, // each with its quotes, and its bound of 19 digits
		{maxHourRecord / (maxKey + 16), maxKey, true},
	} {
		r := HourRecord{Hour: "2026-11-01T12Z", LateBounds: map[string]int64{}}
		for i := range c.keys {
			r.LateBounds[fmt.Sprintf("%0*d", c.length, i)] = noon.UnixNano()
		}
		if got := r.tooMany(); got != c.want {
			t.Errorf("%d keys of %d bytes: too many is %v", c.keys, c.length, got)
		}
	}
}

// stuck is a sink that refuses what it is given, and does not answer when that is told.
type stuck struct{ *memory }

func (s stuck) Commit(ctx context.Context, c *Chunk) error {
	if c.Checkpoint.State != Failed {
		return errRefused
	}
	<-ctx.Done()
	return ctx.Err()
}

func TestTheNewsOfAFailureIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHourly(day("12/a", event("1", 0)))
		r := h.runner(t, &memory{})
		r.Sink = stuck{&memory{}}
		var told []string
		r.Options.Notice = func(text string) { told = append(told, text) }
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := r.Run(ctx, h.spec)
		if err == nil || !strings.Contains(err.Error(), errRefused.Error()) {
			t.Error(err)
		}
		if took := time.Since(began); took.Round(time.Second) != failingCommit {
			t.Errorf("it waited %s", took)
		}
		if len(told) != 1 || !strings.Contains(told[0], "could not be written") {
			t.Errorf("told: %q", told)
		}
	})
}
