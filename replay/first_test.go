package replay

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"replayd/archive"
	"replayd/archive/archivetest"
	"replayd/archive/layout"
)

// firstCommit is a sink that notes what the store had been asked for when the first events came.
type firstCommit struct {
	memory
	store *archivetest.Far
	end   context.CancelFunc
	came  bool
	use   archivetest.Use
}

func (f *firstCommit) Commit(ctx context.Context, c *Chunk) error {
	if len(c.Records) > 0 {
		f.came = true
		synctest.Wait() // what is under way beside the first event is asked for, too
		f.use = f.store.Use()
		f.end()
	}
	return ctx.Err()
}

// first replays one hour of an archive of so many days, up to the first event. Its folders hold so many objects each, and
// lie as folders says; the replay goes by l.
func first(t *testing.T, l, folders archive.Layout, days, objects, open int) archivetest.Use {
	t.Helper()
	sink := &firstCommit{}
	synctest.Test(t, func(t *testing.T) {
		end := noon.Truncate(24*time.Hour).AddDate(0, 0, 1)
		sink.store = &archivetest.Far{Latency: 50 * time.Millisecond, Store: &archivetest.Calendar{
			Layout: folders, From: end.AddDate(0, 0, -days), To: end, Objects: objects, Events: 5,
		}}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		sink.end = cancel
		h := newHourly(nil)
		h.spec.Window.To = h.spec.Window.From.Add(time.Hour)
		r := h.runner(t, &sink.memory)
		r.Sink, r.Options.Open = sink, open
		r.Source.Store, r.Source.Layout = sink.store, l
		if _, err := r.Run(ctx, h.spec); err == nil || !sink.came {
			t.Fatal("no event came", err)
		}
	})
	return sink.use
}

func layoutOf(t *testing.T, name string) archive.Layout {
	t.Helper()
	l, err := layout.Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestTheFirstEventOfAYearCostsWhatThatOfADayDoes(t *testing.T) {
	const objects = 1100       // two pages of a listing
	const least, most = 2, 256 // objects open
	const ahead = 128          // room for what is fetched ahead, and for what follows the first event at once
	for _, name := range []string{"firehose", "dt=%Y-%m-%d/hr=%H/", "dt=%Y-%m-%d/"} {
		t.Run(name, func(t *testing.T) {
			l := layoutOf(t, name)
			day, year := first(t, l, l, 1, objects, least), first(t, l, l, 366, objects, least)
			t.Logf("measured: %d LIST and %d GET requests, %d bytes of bodies, of layout %s", day.Pages, day.Gets, day.Bytes, name)
			if day != year {
				t.Errorf("of a day %+v, of a year %+v", day, year)
			}
			// Of what is fetched ahead it is chance how far it has come. One hour is listed ahead.
			for _, days := range []int{1, 366} {
				u := first(t, l, l, days, objects, most)
				if u.Pages < day.Pages || u.Pages > day.Pages+2 || u.Gets < day.Gets-least || u.Gets > day.Gets+ahead {
					t.Errorf("of %d days, fetched ahead, %+v; not ahead %+v", days, u, day)
				}
			}
		})
	}
}

func TestAFolderWithoutHoursIsListedAndReadWhole(t *testing.T) {
	flat, folders := layoutOf(t, "jsonl"), layoutOf(t, "firehose")
	for days, pages := range map[int]int{1: 2, 2: 3} {
		before := (24*days - 12) * 60 // objects whose names come before that of the first event
		if u := first(t, flat, folders, days, 60, 256); u.Pages != pages || u.Gets < before {
			t.Errorf("of %d days: %+v", days, u)
		}
	}
}
