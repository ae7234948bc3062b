package replay

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"replayd/archive"
)

func (h *hourly) objects(t *testing.T) []archive.Object {
	t.Helper()
	var list []archive.Object
	for o, err := range h.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, o)
	}
	return list
}

func TestASampleCountsWhatARunWouldMeet(t *testing.T) {
	line := func(id, key string, at, arrival time.Duration) string {
		return fmt.Sprintf(`{"id":%q,"k":%q,"t":%q,"at":%q}`+"\n", id, key, noon.Add(at).Format(time.RFC3339), noon.Add(at+arrival).Format(time.RFC3339))
	}
	h := newHourly(day(
		"11/a", line("0", "x", -time.Minute, 2*time.Minute), // happened before the window, arrived in it
		"12/a", line("1", "x", 10*time.Minute, 0)+line("2", "y", 4*time.Minute, 30*time.Second)+line("1", "x", 10*time.Minute, 0)+"rubbish\n",
		"13/a", line("2", "y", 61*time.Minute, 0)+event("3", 62*time.Minute),
	))
	h.spec.Fields.Key, h.spec.Fields.Arrival, h.spec.Filter = "/k", "/at", `id != "3"`
	if err := h.spec.Complete(noon); err != nil {
		t.Fatal(err)
	}
	s, err := Look(t.Context(), &h.spec, h.runner(t, &memory{}).Source, h.objects(t))
	if err != nil {
		t.Fatal(err)
	}
	want := Sample{
		Objects: 3, Bytes: s.Bytes, Plain: s.Plain, Entries: 7, InWindow: 5, OtherTime: 5, Bad: 1, NoKey: 1, Keys: 2, Duplicates: 1, Conflicts: 1,
		Filtered: 1, ValueBytes: s.ValueBytes, Delay: 30, Disorder: 360,
	}
	if *s != want || s.Plain == 0 || s.Bytes < s.Plain || s.ValueBytes == 0 {
		t.Errorf("got  %+v\nwant %+v", *s, want)
	}
}

func TestASampleTellsOnWhatTheFilterFails(t *testing.T) {
	h := newHourly(day("12/a", event("1", 0)+event("2", time.Minute)+event("2", time.Minute)+event("3", 2*time.Minute)))
	h.spec.Filter = `id == "1" || event.nothing > 1`
	if err := h.spec.Complete(noon); err != nil {
		t.Fatal(err)
	}
	s, err := Look(t.Context(), &h.spec, h.runner(t, &memory{}).Source, h.objects(t))
	if err != nil || s.Failed != 2 || s.Duplicates != 1 || s.InWindow != 4 || s.Filtered != 0 || s.ValueBytes != int64(len(event("1", 0))-1) {
		t.Errorf("%+v, %v", s, err)
	}
	if !strings.Contains(s.FilterError, "invalid operation") {
		t.Errorf("it says %q", s.FilterError)
	}
}

// TestDisorderIsThatOfEventsOfTheWindowInOneObject has an object that is earlier than the one before it, and, by arrival, a
// clock that is hours ahead: neither makes the others late.
func TestDisorderIsThatOfEventsOfTheWindowInOneObject(t *testing.T) {
	line := func(id string, at, arrival time.Duration) string {
		return fmt.Sprintf(`{"id":%q,"t":%q,"at":%q}`+"\n", id, noon.Add(at).Format(time.RFC3339), noon.Add(arrival).Format(time.RFC3339))
	}
	h := newHourly(day(
		"12/a", line("1", 50*time.Minute, 51*time.Minute),
		"12/b", line("2", 5*time.Hour, 10*time.Minute)+line("3", 9*time.Minute, 10*time.Minute)+line("4", 8*time.Minute, 11*time.Minute),
	))
	h.spec.Fields.Arrival, h.spec.Window.On = "/at", OnArrival
	if err := h.spec.Complete(noon); err != nil {
		t.Fatal(err)
	}
	s, err := Look(t.Context(), &h.spec, h.runner(t, &memory{}).Source, h.objects(t))
	if err != nil || s.InWindow != 4 || s.Disorder != 60 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestASampleOfManyOrLargeObjectsIsSmall(t *testing.T) {
	large := strings.Repeat(event("1", 0), 3*samplePlain/len(event("1", 0)))
	files := map[string]string{}
	for i := range 50 {
		files[fmt.Sprintf("2026/11/01/12/%02d", i)] = event(fmt.Sprint(i), 0)
	}
	files["2026/11/01/13/large"] = large
	h := newHourly(files)
	if err := h.spec.Complete(noon); err != nil {
		t.Fatal(err)
	}
	s, err := Look(t.Context(), &h.spec, h.runner(t, &memory{}).Source, h.objects(t))
	if err != nil || s.Objects != sampleObjects || s.Plain < samplePlain || s.Plain > samplePlain+4096 || s.Bytes > 2*samplePlain {
		t.Errorf("%+v, %v", s, err)
	}
}
