package replay

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"replayd/archive/archivetest"
	"replayd/replay/pace"
)

// ahead is a window of an hour by arrival, with an event whose clock is hours ahead: its merge time is clamped to four minutes
// behind the window.
func ahead() *hourly {
	line := func(id string, at, arrival time.Duration) string {
		return fmt.Sprintf(`{"id":%q,"t":%q,"at":%q}`+"\n", id, noon.Add(at).Format(time.RFC3339), noon.Add(arrival).Format(time.RFC3339))
	}
	h := newHourly(day("12/a", line("1", 0, time.Minute)+line("2", 5*time.Hour, 59*time.Minute)))
	h.spec.Fields.Arrival, h.spec.Window.On, h.spec.Window.To = "/at", OnArrival, noon.Add(time.Hour)
	return h
}

func TestWhatIsClampedBehindTheWindowNeitherWaitsNorShowsBeyondIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, m := ahead(), &memory{}
		r := h.runner(t, m)
		r.Options.Pace, _ = pace.Parse("x1")
		r.Options.MaxGap = 24 * time.Hour
		var last Progress
		r.Options.Observe = func(p Progress) { last = p }
		began := time.Now()
		if _, err := r.Run(t.Context(), h.spec); err != nil || m.ids() != "1 2" {
			t.Fatal(m.ids(), err)
		}
		if at := m.records[1].MergeTime; at <= h.spec.Window.To.UnixNano() {
			t.Fatalf("the second was to be clamped behind the window, and stands at %s", time.Unix(0, at).UTC())
		}
		if took := time.Since(began).Round(time.Minute); took != time.Hour {
			t.Errorf("at x1 an hour took %s", took)
		}
		if !last.Event.Equal(h.spec.Window.To) || last.Percent != 100 {
			t.Errorf("at its end it shows %s, %g %%", last.Event, last.Percent)
		}
	})
}

func TestWhatAReplayLosesAgainstItsPaceIsSaid(t *testing.T) {
	var text strings.Builder
	for i := range 100 {
		text.WriteString(event(fmt.Sprint(i), time.Duration(i)*time.Second))
	}
	for _, test := range []struct {
		setting string
		commit  time.Duration
		held    bool // the pace is
	}{{"10/s", 0, true}, {"10/s", 3 * time.Second, false}, {"unlimited", 3 * time.Second, true}} {
		synctest.Test(t, func(t *testing.T) {
			h, m := newHourly(day("12/a", text.String())), &memory{}
			m.fate = func() fate { time.Sleep(test.commit); return goesWell } // of the fake clock
			r := h.runner(t, m)
			r.Options.Pace, _ = pace.Parse(test.setting)
			var last Progress
			r.Options.Observe = func(p Progress) { last = p }
			if _, err := r.Run(t.Context(), h.spec); err != nil {
				t.Fatal(err)
			}
			if test.held != (last.Lost == 0) {
				t.Errorf("%s with commits of %s: %s lost", test.setting, test.commit, last.Lost)
			}
		})
	}
}

func TestWhatHoldsAReplayIsSaid(t *testing.T) {
	var text strings.Builder
	for i := range 100 {
		text.WriteString(event(fmt.Sprint(i), time.Duration(i)*time.Second))
	}
	for setting, want := range map[string]Holder{"10/s": HeldByPace, "unlimited": HeldByBroker} {
		t.Run(setting, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, m := newHourly(day("12/a", text.String())), &memory{}
				r := h.runner(t, m)
				if setting == "unlimited" {
					m.fate = func() fate { time.Sleep(100 * time.Millisecond); return goesWell } // of the fake clock
					h.Script(func(r archivetest.Request) archivetest.Fault {
						if r.List || r.Number > 1 {
							return archivetest.Fault{}
						}
						return archivetest.Fault{Err: archivetest.ErrUnavailable} // which is over long before the commits are
					})
				}
				r.Options.Pace, _ = pace.Parse(setting)
				seen, all := map[Holder]int{}, 0
				r.Options.Observe = func(p Progress) {
					if p.Elapsed >= judgedAfter {
						seen[p.HeldBy]++
						all++
					}
					if p.Error != "" && p.HeldBy != HeldByArchive {
						t.Errorf("held by %s it waits for %s", p.HeldBy, p.Error)
					}
				}
				if _, err := r.Run(t.Context(), h.spec); err != nil {
					t.Fatal(err)
				}
				if all < 50 || seen[want] < all*9/10 {
					t.Errorf("at %s it was held by %v", setting, seen)
				}
			})
		})
	}
}
