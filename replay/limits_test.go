package replay

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"replayd/archive"
)

func TestManyOpenHoursFitIntoACheckpoint(t *testing.T) {
	h := newHourly(day("12/a", event("1", 0)))
	h.spec.AsOf = noon
	h.spec.Window.To = noon.Add(3000 * time.Hour)
	r := h.runner(t, &memory{})
	r.Options.Allow = Allowed{ItemOpenHours}
	receipt, err := r.Run(t.Context(), h.spec)
	if err != nil || len(receipt.OpenHours) != maxOpenHours || len(receipt.OpenHours)+receipt.OpenMore != 3002 {
		t.Errorf("%d and %d more, %v", len(receipt.OpenHours), receipt.OpenMore, err)
	}
}

func TestWindowsThatCannotBeCountedAreRefused(t *testing.T) {
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		from, to time.Time
		says     string
	}{
		{noon, year(9999), "from 1970-01-01 to 2200-01-01"},
		{year(1600), noon, "from 1970-01-01 to 2200-01-01"},
		{noon, year(2200), "longer than 20 years"},
	} {
		h := newHourly(day("12/a", event("1", 0)))
		h.spec.Window.From, h.spec.Window.To = c.from, c.to
		if _, err := h.runner(t, &memory{}).Run(t.Context(), h.spec); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s to %s: %v", c.from, c.to, err)
		}
	}
}

func TestASpillFolderThatCannotBeUsedIsSaid(t *testing.T) {
	var text strings.Builder
	for i := range 3000 {
		text.WriteString(event(fmt.Sprint(i), time.Duration(i)*time.Second))
	}
	h := newHourly(day("12/a", text.String()))
	r := h.runner(t, &memory{})
	r.Options.Spill = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(r.Options.Spill, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.Options.shares = &shares{step: 1 << 10, chunk: chunkBytes}
	_, err := r.Run(t.Context(), h.spec)
	var stopped *Stopped
	if !errors.As(err, &stopped) || stopped.State != Failed || !strings.Contains(err.Error(), "--spill-dir") {
		t.Error(err)
	}
}

func TestASourceThatIsNotCompleteIsAnError(t *testing.T) {
	h := newHourly(day("12/a", event("1", 0)))
	for _, cut := range []func(*archive.Source){
		func(s *archive.Source) { s.Store = nil },
		func(s *archive.Source) { s.Layout = nil },
		func(s *archive.Source) { s.Format = nil },
		func(s *archive.Source) { s.Decoder = nil },
	} {
		r := h.runner(t, &memory{})
		cut(&r.Source)
		if _, err := r.Run(t.Context(), h.spec); err == nil {
			t.Error("it ran")
		}
	}
}

func TestTextsThatJSONCannotKeepAreRefused(t *testing.T) {
	for _, change := range []func(*Spec){
		func(s *Spec) { s.Reason = "caf\xe9" },
		func(s *Spec) { s.Targets = []string{"caf\xe9"} },
	} {
		h := newHourly(day("12/a", event("1", 0)))
		change(&h.spec)
		if _, err := h.runner(t, &memory{}).Run(t.Context(), h.spec); err == nil || !strings.Contains(err.Error(), "not valid UTF-8") {
			t.Error(err)
		}
	}
}

func TestNamesThatNoHeaderHoldsAreRefused(t *testing.T) {
	for key, says := range map[string]string{
		"12/" + strings.Repeat("x", 1100): "at most 1024",
		"12/caf\xe9":                      "not valid UTF-8",
	} {
		h := newHourly(day(key, event("1", 0)))
		if _, err := h.runner(t, &memory{}).Run(t.Context(), h.spec); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", key, err)
		}
	}
}
