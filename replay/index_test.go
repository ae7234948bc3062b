package replay

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"replayd/archive"
	"replayd/replay/merge"
	"replayd/replay/shelf"
)

// TestTheIndexOfDuplicatesTakesDiskAndGivesItBack in a replay that has little memory, and in one that fails.
func TestTheIndexOfDuplicatesTakesDiskAndGivesItBack(t *testing.T) {
	for _, dies := range []bool{false, true} {
		var text strings.Builder
		for i := range 3000 {
			text.WriteString(event(fmt.Sprint(i%2900), time.Duration(i)*time.Second))
		}
		h, m := newHourly(day("12/a", text.String())), &memory{}
		if dies {
			m.fate = dieAfter(5)
		}
		r := h.runner(t, m)
		r.Options.shares, r.Options.chunkRecords = &shares{step: 4 << 10, chunk: chunkBytes}, 100
		r.Options.complete()
		d, err := m.Open(t.Context(), &h.spec)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.spec.Complete(noon.Add(24 * time.Hour)); err != nil {
			t.Fatal(err)
		}
		p := r.newPipeline(&h.spec, d)
		if _, err := p.run(t.Context()); errors.Is(err, errKilled) != dies {
			t.Error(err)
		}
		if s := p.decide.index.Stats(); s.Written == 0 || s.Rows != 0 {
			t.Errorf("dies %v: %+v", dies, s)
		}
		if u := p.merge.Shelf.Use(); u != (shelf.Use{}) {
			t.Errorf("dies %v: left on the shelf: %+v", dies, u)
		}
	}
}

// TestADiskThatTheIndexCannotUseStopsTheReplayWithItsCure, whether an event is new, sighted before, or known to an earlier
// session.
func TestADiskThatTheIndexCannotUseStopsTheReplayWithItsCure(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	spec := newHourly(nil).spec
	it := &merge.Item{Kind: merge.Event, Position: archive.Position{Time: noon.UnixNano(), Object: "a"}, IDHash: archive.Hash{Hi: 1, Lo: 2}}
	for name, from := range map[string]Checkpoint{
		"new": {}, "recalled": {Begun: true, Position: archive.Position{Time: noon.UnixNano(), Object: "b"}},
	} {
		on := shelf.New(shelf.Options{Folder: folder, Limit: 1 << 30})
		d := newDecider(&spec, &Options{MaxBad: 1}, &from, 1, on)
		defer d.index.Close()
		if _, err := d.judge(it); err == nil || !strings.Contains(err.Error(), "--spill-dir") {
			t.Errorf("%s: %v", name, err)
		}
	}
	on := shelf.New(shelf.Options{Folder: t.TempDir(), Limit: 2 * 32})
	d := newDecider(&spec, &Options{MaxBad: 1}, &Checkpoint{}, 1, on)
	defer d.index.Close()
	var err error
	for range 3 { // the copies, too, are rows of their own when the first is frozen
		if err == nil {
			_, err = d.judge(it)
		}
	}
	if err == nil || !strings.Contains(err.Error(), "limits.spill_size") {
		t.Errorf("copies: %v", err)
	}
}

// TestWhatIsSpilledGoesWhileTheIndexStays has ten hours of objects out of order, of which the disk takes two, and ids that are
// kept for all ten.
func TestWhatIsSpilledGoesWhileTheIndexStays(t *testing.T) {
	objects := map[string]string{}
	rng := rand.New(rand.NewPCG(1, 1))
	const hours, events = 10, 200
	for hour := range hours {
		var text strings.Builder
		for i := range events {
			at := noon.Add(time.Duration(hour)*time.Hour + time.Duration((i*37)%events)*time.Second)
			pad := make([]byte, 400)
			for j := range pad {
				pad[j] = byte(rng.Uint32())
			}
			fmt.Fprintf(&text, `{"id":"%d-%d","t":%q,"pad":"%x"}`+"\n", hour, i, at.Format(time.RFC3339), pad)
		}
		objects[fmt.Sprintf("2026/11/01/%02d/a", 12+hour)] = text.String()
	}
	h, m := newHourly(objects), &memory{}
	h.spec.Window.To = h.spec.Window.From.Add(hours * time.Hour)
	h.spec.Horizon, h.spec.Before, h.spec.After = Duration(hours*time.Hour), 0, 0
	r := h.runner(t, m)
	r.Options.shares, r.Options.chunkRecords = &shares{step: 4 << 10, chunk: chunkBytes}, 100
	r.Options.Disk = 500_000 // an hour takes some 100,000
	receipt, err := r.Run(t.Context(), h.spec)
	if err != nil || receipt.Produced != hours*events {
		t.Errorf("produced %d, %v", receipt.Produced, err)
	}
}
