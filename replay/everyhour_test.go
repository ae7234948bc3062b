package replay

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestWhatIsReplayedHourByHourMissesNothing replays each hour so long behind its end, of an archive that writes what has arrived a
// few minutes later. By event time, what happens in an hour arrives as long behind it as the slack reaches: who begins before that
// hour of slack is complete misses it for good, and nothing but a notice says so.
func TestWhatIsReplayedHourByHourMissesNothing(t *testing.T) {
	line := func(id string, at, arrival time.Duration) string {
		return fmt.Sprintf(`{"id":%q,"t":%q,"at":%q}`+"\n", id, noon.Add(at).Format(time.RFC3339), noon.Add(arrival).Format(time.RFC3339))
	}
	written := []struct {
		at        time.Duration
		key, text string
	}{
		{15 * time.Minute, "2026/11/01/12/a", line("1", 10*time.Minute, 12*time.Minute)},
		{65 * time.Minute, "2026/11/01/13/a", line("2", 59*time.Minute, 59*time.Minute)}, // on its way at the end of the hour
		{105 * time.Minute, "2026/11/01/13/b", line("3", 50*time.Minute, 100*time.Minute) + line("4", 95*time.Minute, 96*time.Minute)},
	}
	for _, test := range []struct {
		on     string
		behind time.Duration
		want   string
	}{
		{OnArrival, 20 * time.Minute, "1 2 3 4"},
		{OnEvent, 20 * time.Minute, "1 2 4"}, // 3 is lost
		{OnEvent, 80 * time.Minute, "1 2 3 4"},
	} {
		var ids []string
		for hour := range 2 {
			from := noon.Add(time.Duration(hour) * time.Hour)
			h := newHourly(nil)
			h.spec.Fields.Arrival, h.spec.Window = "/at", Window{On: test.on, From: from, To: from.Add(time.Hour)}
			h.spec.AsOf = h.spec.Window.To.Add(test.behind)
			for _, o := range written {
				if !noon.Add(o.at).After(h.spec.AsOf) {
					h.Put(o.key, []byte(o.text))
				}
			}
			m := &memory{}
			if _, err := h.runner(t, m).Run(t.Context(), h.spec); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, strings.Fields(m.ids())...)
		}
		slices.Sort(ids)
		if got := strings.Join(ids, " "); got != test.want {
			t.Errorf("by %s, %s behind each hour: %q is produced, want %q", test.on, test.behind, got, test.want)
		}
	}
}
