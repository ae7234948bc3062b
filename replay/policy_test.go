package replay

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"replayd/archive"
	"replayd/archive/archivetest"
)

// TestALimitEndsTheReplayAtTheSameEventInEverySession holds the limited replay against the beginning of the whole one.
func TestALimitEndsTheReplayAtTheSameEventInEverySession(t *testing.T) {
	some(t, func(t *testing.T, a *archivetest.Archive, seed uint64) {
		s := specOf(a.Plan)
		whole := &memory{}
		src := sourceOf(t, a.Plan, archivetest.NewFaulty(a.Files()))
		if _, err := (&Runner{Source: src, Sink: whole, Options: fast(t)}).Run(context.Background(), s); err != nil {
			t.Fatal(err)
		}
		s.Limit = 1 + int64(seeded(seed).IntN(len(whole.records)))
		unbroken := &memory{}
		want, err := (&Runner{Source: src, Sink: unbroken, Options: fast(t)}).Run(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		killed := &memory{fate: dieAfter(2)}
		r := Runner{Source: src, Sink: killed, Options: fast(t)}
		got, err := r.Run(context.Background(), s)
		if errors.Is(err, errKilled) {
			killed.fate = nil
			got, err = r.Run(context.Background(), s)
		}
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(unbroken.records)) != s.Limit || !slices.EqualFunc(unbroken.records, whole.records[:s.Limit], sameRecord) || !slices.EqualFunc(killed.records, unbroken.records, sameRecord) {
			t.Errorf("%d and %d of %d events, want %d", len(unbroken.records), len(killed.records), len(whole.records), s.Limit)
		}
		want.ElapsedSeconds, got.ElapsedSeconds = 0, 0
		if !want.Balanced() || !sameReceipt(want, got) {
			t.Errorf("unbroken %+v\nkilled %+v", want, got)
		}
	})
}

func sameRecord(a, b Record) bool {
	return string(a.Value) == string(b.Value) && string(a.Key) == string(b.Key)
}

func sameReceipt(a, b Receipt) bool {
	return a.Digest == b.Digest && a.Read == b.Read && a.Objects == b.Objects && a.Outside == b.Outside &&
		a.Quarantined == b.Quarantined && slices.Equal(a.Gaps, b.Gaps) && a.State == b.State
}

// odd is an archive with one event of each kind that policies speak of, and ordinary ones between.
func odd() *hourly {
	h := newHourly(day("12/a",
		event("1", 0)+`{"t":"2026-11-01T12:01:00Z"}`+"\n"+event("2", 2*time.Minute)+`{"id":"2","t":"2026-11-01T12:02:30Z","other":1}`+"\n"+
			event("3", 3*time.Minute)+"{broken\n"+event("4", 4*time.Minute)))
	h.spec.Filter = `id != "4" || event.nothing > 1`
	return h
}

func TestAReplayStopsBeforeWhatItIsToStopOnAndGoesOnWithoutThat(t *testing.T) {
	for _, c := range []struct{ on, before, says string }{
		{StopOnMissingID, "1", "an event without id at byte"},
		{StopOnConflict, "1 - 2", "in conflict with an earlier one"},
		{StopOnBad, "", "a bad entry (json)"}, // which has no time and stands at its bound
	} {
		t.Run(c.on, func(t *testing.T) {
			h, m := odd(), &memory{}
			r := h.runner(t, m)
			r.Options.StopOn = []string{c.on}
			for range 2 { // it stops again
				_, err := r.Run(t.Context(), h.spec)
				var on *StoppedOn
				if !errors.As(err, &on) || on.Choice != c.on || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "2026/11/01/12/a") {
					t.Fatal(err)
				}
				if got := withDashes(m); got != c.before {
					t.Fatalf("produced before: %s, want %s", got, c.before)
				}
			}
			r.Options.StopOn = nil
			receipt, err := r.Run(t.Context(), h.spec)
			if err != nil || withDashes(m) != "1 - 2 2 3" || receipt.QuarantinedBy[ReasonFilterError] != 1 || receipt.QuarantinedBy[archive.BadJSON] != 1 {
				t.Errorf("%s, %+v, %v", withDashes(m), receipt.Counters, err)
			}
		})
	}
}

// withDashes are the ids in order, a dash for none.
func withDashes(m *memory) string {
	var ids []string
	for i := range m.records {
		id, ok := header(&m.records[i], "replay-event-id")
		if !ok {
			id = "-"
		}
		ids = append(ids, id)
	}
	return strings.Join(ids, " ")
}

func TestAFilterThatFailsStopsWhereBadEntriesDo(t *testing.T) {
	h := newHourly(day("12/a", event("1", 0)+event("2", time.Minute)))
	h.spec.Filter = `id == "1" || event.nothing > 1`
	r := h.runner(t, &memory{})
	r.Options.StopOn = []string{StopOnBad}
	_, err := r.Run(t.Context(), h.spec)
	var on *StoppedOn
	if !errors.As(err, &on) || !strings.Contains(err.Error(), "the filter fails") {
		t.Error(err)
	}
}

func TestPoliciesThatCannotBeAreRefused(t *testing.T) {
	for says, change := range map[string]func(*Spec){
		"late events":            func(s *Spec) { s.OnLate = Drop },
		"conflicts":              func(s *Spec) { s.OnConflict = "stop" },
		"events without id":      func(s *Spec) { s.OnMissingID = Drop },
		"nothing would be":       func(s *Spec) { s.OnMissingID, s.Fields.ID = Quarantine, archive.None },
		"limit -1":               func(s *Spec) { s.Limit = -1 },
		"filter: unknown":        func(s *Spec) { s.Filter = "typ == 1" },
		"event time zone":        func(s *Spec) { s.Fields.Zone = "Mars/Olympus" },
		`"Local" is no zone`:     func(s *Spec) { s.Fields.Zone = "Local" },
		`"localtime" is no zone`: func(s *Spec) { s.Fields.Zone = "localtime" },
		"not a JSON pointer":     func(s *Spec) { s.Fields.Value = "data" },
	} {
		h := newHourly(day("12/a", event("1", 0)))
		change(&h.spec)
		if _, err := h.runner(t, &memory{}).Run(t.Context(), h.spec); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}

func TestAPartOfTheEventIsProducedAndTheWholeIsCompared(t *testing.T) {
	h := newHourly(day("12/a", `{"id":"1","t":"2026-11-01T12:00:00Z","data":{"x": 1}}`+"\n"+ // one event, its copy, and one that differs outside of its part
		`{"id":"1","t":"2026-11-01T12:00:00Z","data":{"x": 1}}`+"\n"+
		`{"id":"1","t":"2026-11-01T12:00:00Z","data":{"x": 1},"y":2}`+"\n"+
		`{"id":"2","t":"2026-11-01T12:01:00Z"}`+"\n"))
	h.spec.Fields.Value = "/data"
	m := &memory{}
	receipt, err := h.runner(t, m).Run(t.Context(), h.spec)
	if err != nil || len(m.records) != 2 || string(m.records[0].Value) != `{"x": 1}` || receipt.Duplicates != 1 || receipt.Conflicts != 1 {
		t.Errorf("%d records, %+v, %v", len(m.records), receipt.Counters, err)
	}
	if receipt.QuarantinedBy[archive.BadValue] != 1 {
		t.Errorf("quarantined by %v", receipt.QuarantinedBy)
	}
}

func TestTimesWithoutAZoneAreOfTheZoneThatIsSaid(t *testing.T) {
	h := newHourly(day("12/a", `{"id":"1","t":"2026-11-01T09:00:00"}`+"\n"+`{"id":"2","t":"2026-11-01T12:30:00Z"}`+"\n"))
	h.spec.Fields.Zone = "America/Sao_Paulo"
	m := &memory{}
	if _, err := h.runner(t, m).Run(t.Context(), h.spec); err != nil || m.ids() != "1 2" {
		t.Errorf("%s, %v", m.ids(), err)
	}
}
