package merge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// farFeed is a feed that takes 50 ms to list an hour.
type farFeed struct {
	*feed
	fails  map[int]error // by the number of the request, 1 and up
	asked  int
	listed []time.Duration // since it began
	began  time.Time
}

func (f *farFeed) Next(ctx context.Context) ([]*Object, error) {
	f.asked++
	n := f.asked
	select {
	case <-time.After(latency):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := f.fails[n]; err != nil {
		return nil, err
	}
	f.listed = append(f.listed, time.Since(f.began))
	return f.feed.Next(ctx)
}

// hours makes hours of so many objects each of the feed of cfg, far away.
func hours(cfg *Config, objects int) *farFeed {
	oneHour(cfg)
	f := cfg.Feed.(*feed)
	all := f.hours[0]
	f.hours = nil
	for len(all) > 0 {
		n := min(objects, len(all))
		f.hours, all = append(f.hours, all[:n]), all[n:]
	}
	slow := &farFeed{feed: f, began: time.Now()}
	cfg.Feed = slow
	return slow
}

func TestHoursAreListedWhileThoseBeforeThemAreRead(t *testing.T) {
	const n, objects = 40, 10
	took := map[int]time.Duration{}
	for _, most := range []int{0, 32} {
		synctest.Test(t, func(t *testing.T) {
			cfg, store := setup(t, inTurn(n*objects, 100), Rules{To: seconds("1000000")}, ahead(most))
			far(&cfg, store)
			f := hours(&cfg, objects)
			if _, err := merged(t, cfg, 512); err != nil {
				t.Fatal(err)
			}
			took[most] = time.Since(f.began)
		})
	}
	t.Log(took)
	if limit := (n + 6) * latency; took[32] > limit {
		t.Errorf("took %s, at most %s is due", took[32], limit)
	}
	if took[0] < 2*n*latency {
		t.Errorf("the store is not far: without looking ahead it took %s", took[0])
	}
}

func TestNoHourIsListedBeforeThereIsRoomForItsObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, store := setup(t, inTurn(1000, 100), Rules{To: seconds("1000000")}, ahead(8))
		far(&cfg, store)
		f := hours(&cfg, 100)
		m := New(t.Context(), cfg)
		defer m.Close()
		for range 80 {
			if _, err := m.Next(t.Context(), make([]Item, 1)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if f.asked != 1 {
			t.Errorf("%d hours were listed for 40 objects of 100", f.asked)
		}
	})
}

func TestAListingThatFailedAheadIsAskedAgainWhenItIsNeeded(t *testing.T) {
	lost := errors.New("lost")
	for _, c := range []struct {
		name  string
		fails map[int]error
		want  error
		asked int
	}{
		{"once", map[int]error{2: lost}, nil, 5},
		{"twice", map[int]error{2: lost, 3: lost}, lost, 3},
		{"the first time, when it is needed", map[int]error{1: lost}, lost, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg, store := setup(t, inTurn(40, 100), Rules{To: seconds("1000000")}, ahead(32))
				far(&cfg, store)
				f := hours(&cfg, 10)
				f.fails = c.fails
				got, err := merged(t, cfg, 7)
				if !errors.Is(err, c.want) || f.asked != c.asked {
					t.Errorf("%v after %d requests", err, f.asked)
				}
				if ends := strings.Count(got, "|"); c.want == nil && ends != 40 {
					t.Errorf("%d objects: %s", ends, got)
				}
			})
		})
	}
}

func TestClosingEndsAListingUnderWay(t *testing.T) {
	for i := range 20 {
		synctest.Test(t, func(t *testing.T) {
			cfg, store := setup(t, inTurn(100, 100), Rules{To: seconds("1000000")}, ahead(32))
			far(&cfg, store)
			hours(&cfg, 5)
			ctx, cancel := context.WithCancel(t.Context())
			m := New(ctx, cfg) // synctest fails when a goroutine outlives it
			time.AfterFunc(time.Duration(i)*latency/4, cancel)
			items := make([]Item, 3)
			var err error
			for err == nil {
				_, err = m.Next(ctx, items)
			}
			m.Close()
			if !errors.Is(err, context.Canceled) {
				t.Error(fmt.Errorf("closed after %d quarters: %w", i, err))
			}
		})
	}
}
