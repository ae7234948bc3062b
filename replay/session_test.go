package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"replayd/archive"
	"replayd/archive/archivetest"
	"replayd/archive/format"
	"replayd/archive/layout"
	"replayd/replay/pace"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// event is a line of a test archive: id i at noon plus the seconds.
func event(id string, after time.Duration) string {
	return fmt.Sprintf("{\"id\":%q,\"t\":%q}\n", id, noon.Add(after).Format(time.RFC3339Nano))
}

// hourly is a small archive in hour folders.
type hourly struct {
	*archivetest.Faulty
	spec Spec
}

func newHourly(files map[string]string) *hourly {
	store := archivetest.NewFaulty(nil)
	for key, text := range files {
		store.Put(key, []byte(text))
	}
	return &hourly{Faulty: store, spec: Spec{
		ID: "test", Archive: "a", Topic: "replay", Fields: archive.Fields{ID: "/id", Time: "/t"},
		Window: Window{On: OnEvent, From: noon, To: noon.Add(2 * time.Hour)}, Before: Duration(time.Hour), After: Duration(time.Hour),
		Settle: Duration(15 * time.Minute), Lateness: Duration(5 * time.Minute), AsOf: noon.Add(24 * time.Hour), Dedupe: true, RecordLimit: 1 << 19,
	}}
}

func (h *hourly) runner(t *testing.T, m *memory) *Runner {
	t.Helper()
	l, err := layout.Named("%Y/%m/%d/%H/")
	if err != nil {
		t.Fatal(err)
	}
	o := fast(t)
	o.chunkRecords = 1
	return &Runner{Sink: m, Options: o, Source: archive.Source{
		Store: h, Layout: l, Format: format.Lines{}, Decoder: func() archive.Decoder { return &format.Decoder{} },
	}}
}

// ids are those of the records, in order.
func (m *memory) ids() string {
	var list []string
	for i := range m.records {
		id, _ := header(&m.records[i], "replay-event-id")
		list = append(list, id)
	}
	return strings.Join(list, " ")
}

func day(files ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(files); i += 2 {
		m["2026/11/01/"+files[i]] = files[i+1]
	}
	return m
}

func refusedItem(err error) string {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return refusal.Item
	}
	return fmt.Sprint("no refusal: ", err)
}

func TestHoursThatMayStillGrowAreRefusedUnlessAllowed(t *testing.T) {
	h := newHourly(day("12/a", event("1", 0), "13/a", event("2", time.Hour), "14/a", event("3", time.Hour)))
	h.spec.AsOf = noon.Add(2*time.Hour + 14*time.Minute) // 13:00 to 14:00 settles at 14:15
	m := &memory{}
	_, err := h.runner(t, m).Run(t.Context(), h.spec)
	if refusedItem(err) != ItemOpenHours || !strings.Contains(err.Error(), "2026-11-01T13Z") || m.commits != 0 {
		t.Fatalf("%d commits, %v", m.commits, err)
	}
	r := h.runner(t, &memory{})
	r.Options.Allow = Allowed{ItemOpenHours}
	receipt, err := r.Run(t.Context(), h.spec)
	if err != nil || !slices.Equal(receipt.OpenHours, []string{"2026-11-01T13Z", "2026-11-01T14Z"}) {
		t.Errorf("%v, %v", receipt.OpenHours, err)
	}
	m = &memory{fate: dieAfter(1)}
	r = h.runner(t, m)
	r.Options.Allow = Allowed{ItemOpenHours}
	if _, err := r.Run(t.Context(), h.spec); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	m.fate = nil
	if _, err := h.runner(t, m).Run(t.Context(), h.spec); err != nil || m.ids() != "1 2 3" {
		t.Errorf("what was allowed is asked again: %s, %v", m.ids(), err)
	}
	h.spec.AsOf = noon.Add(2*time.Hour + 15*time.Minute) // only the slack hour is open
	receipt, err = h.runner(t, &memory{}).Run(t.Context(), h.spec)
	if err != nil || !slices.Equal(receipt.OpenHours, []string{"2026-11-01T14Z"}) {
		t.Errorf("%v, %v", receipt.OpenHours, err)
	}
}

// TestANewObjectIsRefusedAndWithLeaveStandsBehind kills a replay, adds an object, and continues.
func TestANewObjectIsRefusedAndWithLeaveStandsBehind(t *testing.T) {
	gap := []string{"2026-11-01T13"}
	for _, c := range []struct {
		name, key string
		gaps      []string
	}{
		{"in an hour with objects", "2026/11/01/12/new", gap},
		{"in an hour that was a gap", "2026/11/01/13/new", []string{}},
		{"in a slack hour", "2026/11/01/11/new", gap},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHourly(day("12/a", event("1", time.Second)+event("2", time.Minute)+event("3", 65*time.Minute)+event("4", 90*time.Minute)))
			h.spec.Horizon = Duration(3 * time.Hour) // nothing is forgotten
			m := &memory{fate: dieAfter(3)}
			if _, err := h.runner(t, m).Run(t.Context(), h.spec); !errors.Is(err, errKilled) || m.ids() != "1 2 3" {
				t.Fatalf("%v after %s", err, m.ids())
			}
			h.Put(c.key, []byte(event("new", 30*time.Second)))
			m.fate = nil
			commits := m.commits
			_, err := h.runner(t, m).Run(t.Context(), h.spec)
			if refusedItem(err) != ItemArchiveChange || !strings.Contains(err.Error(), c.key) || m.commits != commits {
				t.Fatalf("%d commits, %v", m.commits-commits, err)
			}
			m.fate = dieAfter(2) // killed again behind the change, whose commit follows that of the beginning: what was allowed once is known
			r := h.runner(t, m)
			r.Options.Allow = Allowed{ItemArchiveChange}
			if _, err := r.Run(t.Context(), h.spec); !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			m.fate = nil
			receipt, err := h.runner(t, m).Run(t.Context(), h.spec)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(receipt.Gaps, c.gaps) {
				t.Errorf("gaps %v, want %v", receipt.Gaps, c.gaps)
			}
			if m.ids() != "1 2 3 new 4" || !receipt.Changed || !receipt.Balanced() || receipt.Objects != 2 {
				t.Errorf("%s; %+v", m.ids(), receipt)
			}
			if flags, _ := header(&m.records[3], "replay-flags"); flags != "late" {
				t.Errorf("the new event has flags %q", flags)
			}
		})
	}
}

// dieAfter lets n commits go well and kills the session behind the next one.
func dieAfter(n int) func() fate {
	return func() fate {
		n--
		if n > 0 {
			return goesWell
		}
		return diesAfter
	}
}

func TestAChangedOrVanishedObjectIsRefusedWhateverIsAllowed(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*hourly)
	}{
		{"changed", func(h *hourly) { h.Put("2026/11/01/12/b", []byte(event("x", time.Hour))) }},
		{"vanished", func(h *hourly) { h.Remove("2026/11/01/12/b") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHourly(day("12/a", event("1", 0)+event("2", time.Hour), "12/b", event("3", 90*time.Minute)))
			m := &memory{fate: dieAfter(1)}
			if _, err := h.runner(t, m).Run(t.Context(), h.spec); !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			c.change(h)
			m.fate = nil
			r := h.runner(t, m)
			r.Options.Allow = Allowed{ItemArchiveChange}
			if _, err := r.Run(t.Context(), h.spec); refusedItem(err) != ItemArchiveChange || !strings.Contains(err.Error(), "1 changed or gone") {
				t.Error(err)
			}
		})
	}
}

func TestAnObjectThatVanishesWhileItIsReadFailsTheReplayWhichGoesOnOnceItIsBack(t *testing.T) {
	h := newHourly(day("12/a", event("1", 0)+event("2", time.Minute), "13/b", event("3", 65*time.Minute)))
	h.Script(func(r archivetest.Request) archivetest.Fault {
		if r.Key == "2026/11/01/13/b" {
			return archivetest.Fault{Err: fmt.Errorf("gone: %w", fs.ErrNotExist)}
		}
		return archivetest.Fault{}
	})
	m := &memory{}
	_, err := h.runner(t, m).Run(t.Context(), h.spec)
	var stopped *Stopped
	if !errors.As(err, &stopped) || stopped.State != Failed || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "2026/11/01/13/b") {
		t.Fatal(err)
	}
	if c := m.durable.Checkpoint; c.State != Failed || !strings.Contains(c.Reason, "13/b") {
		t.Errorf("checkpoint %+v", c)
	}
	h.Script(nil)
	receipt, err := h.runner(t, m).Run(t.Context(), h.spec)
	if err != nil || m.ids() != "1 2 3" || receipt.State != Completed || receipt.Reason != "" {
		t.Errorf("%s, %v, %+v", m.ids(), err, receipt)
	}
}

func TestTooManyBadEntriesStopBeforeTheOneTooManyAndALargerShareGoesOn(t *testing.T) {
	var text strings.Builder
	for i := range 3000 {
		if i%100 == 99 || i > 1500 && i%10 == 0 { // 1 %, then more
			text.WriteString("{broken\n")
			continue
		}
		text.WriteString(event(fmt.Sprint(i), time.Duration(i)*time.Second))
	}
	h := newHourly(day("12/a", text.String()))
	m := &memory{}
	r := h.runner(t, m)
	r.Options.MaxBad, r.Options.chunkRecords = 0.05, 100
	_, err := r.Run(t.Context(), h.spec)
	var stopped *Stopped
	if !errors.As(err, &stopped) || stopped.State != Failed || !strings.Contains(err.Error(), "--max-bad") || !strings.Contains(err.Error(), "2026/11/01/12/a") {
		t.Fatal(err)
	}
	c := m.durable.Checkpoint.Counters
	if bad, all := c.Quarantined, c.Read-c.Outside; float64(bad) > 0.05*float64(all) || float64(bad+1) <= 0.05*float64(all+1) {
		t.Errorf("stopped at %d of %d", bad, all)
	}
	r = h.runner(t, m)
	r.Options.MaxBad, r.Options.chunkRecords = 0.5, 100
	receipt, err := r.Run(t.Context(), h.spec)
	if err != nil || receipt.Read != 3000 || !receipt.Balanced() || receipt.State != CompletedWithQuarantine {
		t.Errorf("%v, %+v", err, receipt)
	}
}

func TestAChunkThatCannotBeCommittedFailsTheReplayWhichSaysSoAndCanGoOn(t *testing.T) {
	h := newHourly(day("12/a", event("1", 0)+event("2", time.Minute)+event("3", time.Hour)))
	n := 0
	m := &memory{fate: func() fate {
		if n++; n == 2 {
			return refuses
		}
		return goesWell
	}}
	_, err := h.runner(t, m).Run(t.Context(), h.spec)
	var stopped *Stopped
	if !errors.As(err, &stopped) || stopped.State != Failed || !errors.Is(err, errRefused) {
		t.Fatal(err)
	}
	if c := m.durable.Checkpoint; c.State != Failed || c.Reason != "refused" || c.Seq != 1 || m.ids() != "1" {
		t.Errorf("%s; checkpoint %+v", m.ids(), c)
	}
	receipt, err := h.runner(t, m).Run(t.Context(), h.spec)
	if err != nil || m.ids() != "1 2 3" || receipt.State != Completed || receipt.Reason != "" {
		t.Errorf("%s, %v, %+v", m.ids(), err, receipt)
	}
}

// slowSink commits when it is let.
type slowSink struct {
	*memory
	let chan struct{}
}

func (s *slowSink) Commit(ctx context.Context, c *Chunk) error {
	<-s.let
	return s.memory.Commit(ctx, c)
}

// TestStopWhileAChunkWaitsForTheOneBeforeLosesNothing stops when one chunk is being committed and the next is full.
func TestStopWhileAChunkWaitsForTheOneBeforeLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		for i := range 100 {
			text.WriteString(event(fmt.Sprint(i), time.Duration(i)*time.Second))
		}
		h := newHourly(day("12/a", text.String()))
		m := &slowSink{memory: &memory{}, let: make(chan struct{})}
		r := h.runner(t, m.memory)
		r.Sink = m
		stop := make(chan struct{})
		r.Options.Stop, r.Options.chunkRecords = stop, 10
		go func() {
			synctest.Wait() // the first chunk is being committed, the second waits
			close(stop)
			synctest.Wait()
			close(m.let)
		}()
		_, err := r.Run(t.Context(), h.spec)
		var stopped *Stopped
		if !errors.As(err, &stopped) || int64(len(m.records)) != m.durable.Checkpoint.Seq || len(m.records) < 20 {
			t.Fatalf("%v: %d records, checkpoint %+v", err, len(m.records), m.durable.Checkpoint)
		}
		receipt, err := h.runner(t, m.memory).Run(t.Context(), h.spec)
		if err != nil || len(m.records) != 100 || receipt.Produced != 100 {
			t.Errorf("%v: %d records, %+v", err, len(m.records), receipt)
		}
	})
}

func TestNamesThatAreNotUTF8AreRefused(t *testing.T) {
	h := newHourly(day("12/caf\xe9", event("1", 0)))
	_, err := h.runner(t, &memory{}).Run(t.Context(), h.spec)
	var permanent *archive.Permanent
	if !errors.As(err, &permanent) || !strings.Contains(err.Error(), `caf\xe9`) || !strings.Contains(err.Error(), "Rename it") {
		t.Errorf("got %v", err)
	}
}

// TestHoursThatWereOpenAtAKillDrainAfterIt ends an hour in the second session whose objects ended in both.
func TestHoursThatWereOpenAtAKillDrainAfterIt(t *testing.T) {
	h := newHourly(day("12/a", event("1", 0)+event("2", time.Minute), "12/b", event("3", 30*time.Minute), "13/c", event("4", 90*time.Minute)))
	m := &memory{fate: dieAfter(3)} // behind the end of 12/a
	if _, err := h.runner(t, m).Run(t.Context(), h.spec); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	if r := m.durable.Hours["2026-11-01T12Z"]; r.DrainedAt != nil {
		t.Fatalf("the hour drained before the kill: this proves nothing: %+v", r)
	}
	m.fate = nil
	if _, err := h.runner(t, m).Run(t.Context(), h.spec); err != nil {
		t.Fatal(err)
	}
	if r := m.durable.Hours["2026-11-01T12Z"]; r.DrainedAt == nil {
		t.Errorf("the hour never drains: %+v", r)
	}
}

func TestTooManyNewObjectsAreRefusedBeforeAnythingIsCommitted(t *testing.T) {
	h := newHourly(day("12/a", event("1", 0)+event("2", time.Hour)))
	m := &memory{fate: dieAfter(1)}
	if _, err := h.runner(t, m).Run(t.Context(), h.spec); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	for i := range maxLate + 1 {
		h.Put(fmt.Sprintf("2026/11/01/12/new%05d", i), nil)
	}
	m.fate = nil
	commits := m.commits
	r := h.runner(t, m)
	r.Options.Allow = Allowed{ItemArchiveChange}
	if _, err := r.Run(t.Context(), h.spec); refusedItem(err) != ItemArchiveChange || m.commits != commits {
		t.Errorf("%d commits, %v", m.commits-commits, err)
	}
}

func TestStopEndsAtTheNextCommitAndItGoesOnFromThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		for i := range 600 {
			text.WriteString(event(fmt.Sprint(i), time.Duration(i)*time.Second))
		}
		h := newHourly(day("12/a", text.String()))
		m := &memory{}
		r := h.runner(t, m)
		r.Options.chunkRecords = 0
		r.Options.Pace, _ = pace.Parse("10/s")
		stop := make(chan struct{})
		r.Options.Stop = stop
		time.AfterFunc(12550*time.Millisecond, func() { close(stop) })
		_, err := r.Run(t.Context(), h.spec)
		var stopped *Stopped
		if !errors.As(err, &stopped) || stopped.State != Paused || stopped.Reason != "interrupted" {
			t.Fatal(err)
		}
		if c := m.durable.Checkpoint; c.State != Paused || c.Reason != "interrupted" || c.Seq != 126 {
			t.Errorf("stopped at %+v", c)
		}
		if m.commits < 12 || m.commits > 14 {
			t.Errorf("%d commits in 12.5 s: a chunk closes a second after its first event was due", m.commits)
		}
		r = h.runner(t, m)
		r.Options.chunkRecords = 0
		receipt, err := r.Run(t.Context(), h.spec)
		if err != nil || receipt.Produced != 600 || len(m.records) != 600 || receipt.Reason != "" {
			t.Errorf("%v, %+v", err, receipt)
		}
	})
}

// TestAStalledArchiveDoesNotHoldBackWhatIsDue lets the second object stall: what came before is committed all the same.
func TestAStalledArchiveDoesNotHoldBackWhatIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHourly(day("12/a", event("1", 0)+event("2", time.Minute), "13/b", event("3", 65*time.Minute)))
		began := time.Now()
		h.Script(func(r archivetest.Request) archivetest.Fault {
			if r.Key == "2026/11/01/13/b" && time.Since(began) < time.Minute {
				return archivetest.Fault{Err: archivetest.ErrUnavailable}
			}
			return archivetest.Fault{}
		})
		m := &memory{}
		r := h.runner(t, m)
		r.Options.chunkRecords = 0
		var held []Holder
		r.Options.Observe = func(p Progress) {
			if s := time.Since(began); s > 5*time.Second && s < 50*time.Second {
				held = append(held, p.HeldBy)
				if m.commits == 0 {
					t.Errorf("nothing is committed after %s", s)
				}
			}
		}
		receipt, err := r.Run(t.Context(), h.spec)
		if err != nil || m.ids() != "1 2 3" {
			t.Fatalf("%s, %v, %+v", m.ids(), err, receipt)
		}
		if len(held) == 0 || slices.ContainsFunc(held, func(h Holder) bool { return h != HeldByArchive }) {
			t.Errorf("held by %v", held)
		}
	})
}

func TestEventsWithoutTimesStandInOrderOfObjectAndOffset(t *testing.T) {
	store := archivetest.NewFaulty(map[string][]byte{"b": []byte("{\"id\":3}\n{\"id\":1}"), "a/x": []byte("{\"id\":9}\n{\"id\":8}\n{\"id\":9}")})
	m := &memory{}
	r := (&hourly{Faulty: store}).runner(t, m)
	r.Source.Layout = layout.Flat{}
	receipt, err := r.Run(t.Context(), Spec{
		ID: "test", Archive: "a", Topic: "replay", Fields: archive.Fields{ID: "/id", Time: archive.None}, Window: Window{On: OnEvent},
		Dedupe: true, RecordLimit: 1 << 19,
	})
	if err != nil || m.ids() != "9 8 3 1" || receipt.Duplicates != 1 {
		t.Fatalf("%s, %v, %+v", m.ids(), err, receipt)
	}
	if flags, _ := header(&m.records[0], "replay-flags"); flags != "time-missing" {
		t.Errorf("flags %q", flags)
	}
	if at, ok := header(&m.records[0], "replay-event-time"); ok {
		t.Errorf("event time %q", at)
	}
}

// TestResumeReadsOnlyWhatIsNeeded ends hours and objects before the horizon of a checkpoint and looks at what is opened.
func TestResumeReadsOnlyWhatIsNeeded(t *testing.T) {
	files := map[string]string{}
	for i := range 400 { // more than an hour record names
		files[fmt.Sprintf("2026/11/01/12/%03d", i)] = event(fmt.Sprint("a", i), time.Duration(i)*time.Second)
	}
	files["2026/11/01/12/long"] = event("first", 0) + event("last", 119*time.Minute) // keeps its hour open
	files["2026/11/01/13/z"] = event("z", 100*time.Minute)
	h := newHourly(files)
	h.spec.Horizon = Duration(10 * time.Minute)
	m := &memory{fate: dieAfter(402)} // behind z
	r := h.runner(t, m)
	if _, err := r.Run(t.Context(), h.spec); !errors.Is(err, errKilled) || !strings.HasSuffix(m.ids(), " z") {
		t.Fatalf("%v after %s", err, m.ids())
	}
	m.fate = nil
	before := h.Requests("2026/11/01/12/007")
	receipt, err := h.runner(t, m).Run(t.Context(), h.spec)
	if err != nil || receipt.Produced != 403 || len(m.records) != 403 || !receipt.Balanced() {
		t.Fatalf("%v, %+v", err, receipt)
	}
	if again := h.Requests("2026/11/01/12/007") - before; again != 0 {
		t.Errorf("an object that ended long before the checkpoint is opened again, %d times", again)
	}
}

// TestFeedLeavesTheErrorOfACommitToTheCommitter ends the committer before the last chunk: whichever goroutine is first
// with its error, the commit's must be the one that is told.
func TestFeedLeavesTheErrorOfACommitToTheCommitter(t *testing.T) {
	h := newHourly(day("12/a", event("1", 0)))
	r := h.runner(t, &memory{})
	r.Options.complete()
	if err := h.spec.Complete(noon); err != nil {
		t.Fatal(err)
	}
	p := r.newPipeline(&h.spec, Durable{Checkpoint: Checkpoint{State: Running}})
	close(p.committed)
	p.full <- &batch{err: io.EOF}
	if err := p.feed(t.Context()); err != nil {
		t.Errorf("feed has an error of its own: %v", err)
	}
}

// TestWhatASessionMustReadOfDrainedHoursStaysSmall looks at the records of hours that no session will list again.
func TestWhatASessionMustReadOfDrainedHoursStaysSmall(t *testing.T) {
	h := newHourly(day("12/a", event("1", 0), "12/b", event("2", time.Minute), "13/a", event("3", time.Hour), "14/a", event("4", 2*time.Hour+time.Minute)))
	h.spec.Horizon = Duration(30 * time.Minute)
	m := &memory{}
	if _, err := h.runner(t, m).Run(t.Context(), h.spec); err != nil {
		t.Fatal(err)
	}
	from := m.durable.Checkpoint.Position.Time - int64(h.spec.Horizon)
	forgotten := 0
	for name, r := range m.durable.Hours {
		outlived := r.DrainedAt != nil && *r.DrainedAt < from
		if outlived && r.Objects > 0 {
			forgotten++
		}
		if outlived != (r.Listed == nil) && r.Objects > 0 {
			t.Errorf("hour %s, forgotten %v, names %d bytes of objects", name, outlived, len(r.Listed))
		}
	}
	if forgotten == 0 {
		t.Error("no hour was forgotten: the test does not test")
	}
}
