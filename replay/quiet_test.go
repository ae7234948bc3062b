package replay

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"replayd/archive/archivetest"
)

// heard notes the longest silence of a session: between its beginning and its first commit, or between two.
type heard struct {
	*memory

	last    time.Time
	longest time.Duration
	empty   int // commits of no record
}

func (h *heard) Open(ctx context.Context, s *Spec) (Durable, error) {
	h.last = time.Now()
	return h.memory.Open(ctx, s)
}

func (h *heard) Commit(ctx context.Context, c *Chunk) error {
	h.mu.Lock()
	h.longest = max(h.longest, time.Since(h.last))
	h.last = time.Now()
	if len(c.Records) == 0 && !c.Checkpoint.State.Terminal() {
		h.empty++
	}
	h.mu.Unlock()
	return h.memory.Commit(ctx, c)
}

// TestASessionThatWaitsIsHeard every few minutes, for its pace or for its archive, and of what it produces and accounts for nothing
// is otherwise.
func TestASessionThatWaitsIsHeard(t *testing.T) {
	for name, c := range map[string]struct {
		pace   string
		stalls bool
	}{
		"an hour's gap at its own speed": {"x1", false},
		"an event in 20 minutes":         {"x3", false},
		"an archive that gives nothing":  {"unlimited", true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				files := day("12/a", event("0", 0), "13/a", event("1", time.Hour))
				undisturbed := &memory{}
				at := steer(t, newHourly(files), undisturbed, undisturbed, running, func(o *Options) { o.Pace = paceOf(t, "unlimited") })
				if err := at.ends(time.Minute); err != nil {
					t.Fatal(err)
				}
				h, m := newHourly(files), &heard{memory: &memory{}}
				h.Script(func(r archivetest.Request) archivetest.Fault {
					return archivetest.Fault{Stall: c.stalls && !r.List && r.Key == "2026/11/01/13/a" && r.Number == 1}
				})
				s := steer(t, h, m, m.memory, running, func(o *Options) {
					o.Pace, o.MaxGap, o.Stall = paceOf(t, c.pace), 2*time.Hour, 30*time.Minute
				})
				if err := s.ends(2 * time.Hour); err != nil {
					t.Fatal(err)
				}
				if m.longest > quiet || m.empty < 6 || m.empty > 21 {
					t.Errorf("it was silent for %s, and there were %d commits of nothing", m.longest, m.empty)
				}
				m.whole(t, 2)
				s.receipt.ElapsedSeconds, at.receipt.ElapsedSeconds = 0, 0
				if !reflect.DeepEqual(s.receipt, at.receipt) || m.durable.Checkpoint.Seq != 2 {
					t.Errorf("the receipt is %+v, undisturbed %+v", s.receipt, at.receipt)
				}
			})
		})
	}
}

// TestASessionThatGoesOnIsHeardAtOnce, also where nothing is due for long; and one that begins a replay has been heard.
func TestASessionThatGoesOnIsHeardAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, m := seconds(100), &heard{memory: &memory{fate: dieAfter(3)}}
		s := steer(t, h, m, m.memory, running)
		s.at(time.Millisecond)
		if _, n := m.size(); n != 0 {
			t.Errorf("one that begins takes %d commits", n)
		}
		if err := s.ends(time.Minute); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		m.fate, m.empty = nil, 0
		before := m.durable.Checkpoint
		s = steer(t, h, m, m.memory, running, func(o *Options) { o.Pace = paceOf(t, "1/s") })
		s.at(time.Millisecond)
		m.mu.Lock()
		if now := m.durable.Checkpoint; m.empty != 1 || now.Seq != before.Seq || now.Position != before.Position || now.State != Running {
			t.Errorf("%d commits of nothing: at %+v, before at %+v", m.empty, now, before)
		}
		m.mu.Unlock()
		if err := s.ends(5 * time.Minute); err != nil {
			t.Fatal(err)
		}
		m.whole(t, 100)
	})
}

func TestTheDocumentSaysHowLongASessionIsQuiet(t *testing.T) {
	text, err := os.ReadFile("../docs/exactly-once.md")
	if says := fmt.Sprintf("nothing was committed for %g minutes", quiet.Minutes()); err != nil || !strings.Contains(string(text), says) {
		t.Errorf("docs/exactly-once.md does not say %q: %v", says, err)
	}
}
