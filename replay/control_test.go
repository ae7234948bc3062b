package replay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"replayd/archive/archivetest"
	"replayd/replay/pace"
)

// steered is a session that runs beside its test, in fake time.
type steered struct {
	t       *testing.T
	m       *memory
	control *Control
	began   time.Time
	done    chan struct{}
	seen    atomic.Pointer[Progress] // the newest

	receipt Receipt
	err     error
}

// steer begins a session of h under a wish.
func steer(t *testing.T, h *hourly, sink Sink, m *memory, w Wish, options ...func(*Options)) *steered {
	t.Helper()
	s := &steered{t: t, m: m, control: NewControl(w), began: time.Now(), done: make(chan struct{})}
	r := h.runner(t, m)
	r.Sink = sink
	r.Options.chunkRecords = 0
	r.Options.Pace = paceOf(t, "10/s")
	r.Options.Control = s.control
	r.Options.Observe = func(p Progress) { s.seen.Store(&p) }
	for _, set := range options {
		set(&r.Options)
	}
	go func() {
		defer close(s.done)
		s.receipt, s.err = r.Run(t.Context(), h.spec)
	}()
	return s
}

// at waits until so long after the session's beginning, and for all that happens then.
func (s *steered) at(d time.Duration) {
	<-time.After(time.Until(s.began.Add(d)))
	synctest.Wait()
}

// ends waits for the end, which is to come within a time, and returns its error.
func (s *steered) ends(within time.Duration) error {
	s.t.Helper()
	began := time.Now()
	<-s.done
	if took := time.Since(began); took > within {
		s.t.Errorf("it ended after %s, at most %s were to be waited", took, within)
	}
	return s.err
}

// stands holds the newest checkpoint against what it should be.
func (s *steered) stands(state State, reason string, seq int64) {
	s.t.Helper()
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if c := s.m.durable.Checkpoint; c.State != state || c.Reason != reason || c.Seq != seq || int64(len(s.m.records)) != seq {
		s.t.Errorf("after %s: %s, %q, %d events; the topic has %d; want %s, %q, %d",
			time.Since(s.began), c.State, c.Reason, c.Seq, len(s.m.records), state, reason, seq)
	}
}

func paceOf(t *testing.T, text string) pace.Setting {
	t.Helper()
	s, err := pace.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// seconds is an archive of n events, one a second.
func seconds(n int) *hourly {
	var text strings.Builder
	for i := range n {
		text.WriteString(event(fmt.Sprint(i), time.Duration(i)*time.Second))
	}
	return newHourly(day("12/a", text.String()))
}

// whole holds what came out of seconds(n) against it.
func (m *memory) whole(t *testing.T, n int) {
	t.Helper()
	for i := range m.records {
		if id, _ := header(&m.records[i], "replay-event-id"); id != fmt.Sprint(i) {
			t.Fatalf("record %d holds event %s", i, id)
		}
	}
	if len(m.records) != n {
		t.Errorf("%d events came out, want %d", len(m.records), n)
	}
}

func stoppedIn(err error, state State) bool {
	var s *Stopped
	return errors.As(err, &s) && s.State == state
}

var (
	running   = Wish{State: Running}
	paused    = Wish{State: Paused, Signed: Signed{By: "anna", Reason: "looking at the consumer"}}
	cancelled = Wish{State: Cancelled, Signed: Signed{By: "ben", Reason: "wrong topic"}}
)

const (
	pausedByAnna   = "paused by anna: looking at the consumer"
	cancelledByBen = "cancelled by ben: wrong topic"
)

func TestAPauseIsDurableAtOnceAndGoesOnWithoutABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, m := seconds(600), &memory{}
		s := steer(t, h, m, m, running)
		s.at(12550 * time.Millisecond)
		s.control.Wish(paused)
		s.at(12700 * time.Millisecond)
		s.stands(Paused, pausedByAnna, 126)
		if p := s.seen.Load(); p.State != Paused || p.EventsPerSec != 0 || p.BytesPerSec != 0 {
			t.Errorf("progress of a replay that was just paused: %+v", p)
		}
		s.at(42550 * time.Millisecond)
		s.stands(Paused, pausedByAnna, 126)
		if p := s.seen.Load(); p.State != Paused || p.Phase != Waiting || p.HeldBy != HeldByNothing || p.ETA != 0 || p.EventsPerSec != 0 || p.BytesPerSec != 0 {
			t.Errorf("progress of a paused replay: %+v", p)
		}
		s.control.Wish(running)
		s.at(42600 * time.Millisecond)
		s.stands(Running, "", 126)
		s.at(44900 * time.Millisecond) // 2.35 s of 10/s, of which a second may not be committed yet
		if n, _ := m.size(); n < 126+13 || n > 126+24 {
			t.Errorf("%d events after a pause behind 126", n)
		}
		if p := s.seen.Load(); p.State != Running || p.Phase != Producing {
			t.Errorf("progress of a resumed replay: %+v", p)
		}
		if err := s.ends(time.Minute); err != nil || s.receipt.Reason != "" {
			t.Errorf("%v, %+v", err, s.receipt)
		}
		if took := time.Since(s.began).Round(time.Second); took != 90*time.Second {
			t.Errorf("600 events at 10/s and a pause of half a minute took %s", took)
		}
		m.whole(t, 600)
	})
}

func TestAPauseLongerThanAMinuteEndsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, m := seconds(100), &memory{}
		s := steer(t, h, m, m, running)
		s.at(5 * time.Second)
		s.control.Wish(paused)
		err := s.ends(pauseHeld)
		if !stoppedIn(err, Paused) || err.Error() != pausedByAnna || time.Since(s.began) != 5*time.Second+pauseHeld {
			t.Fatalf("after %s: %v", time.Since(s.began), err)
		}
		s.stands(Paused, pausedByAnna, 51)
		if n := h.Unclosed(); n != 0 {
			t.Errorf("%d objects are open", n)
		}
		commits := m.commits
		s = steer(t, h, m, m, running)
		s.at(time.Millisecond)
		s.stands(Running, "", 51)
		if _, now := m.size(); now != commits+1 {
			t.Errorf("that it goes on took %d commits", now-commits)
		}
		if err := s.ends(time.Minute); err != nil {
			t.Fatal(err)
		}
		m.whole(t, 100)
	})
}

// TestAPauseInTheMiddleOfRebuildingLosesNothing lets the archive give nothing of its second object while a session reads its
// horizon again.
func TestAPauseInTheMiddleOfRebuildingLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hours [2]strings.Builder
		for i := range 1200 {
			hours[i/600].WriteString(event(fmt.Sprint(i), time.Duration(i)*5*time.Second+time.Duration(i/600)*10*time.Minute))
		}
		h, m := newHourly(day("12/a", hours[0].String(), "13/b", hours[1].String())), &memory{fate: dieAfter(80)}
		s := steer(t, h, m, m, running)
		if err := s.ends(time.Hour); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		m.fate = nil
		seq, began := int64(len(m.records)), time.Now()
		h.Script(func(r archivetest.Request) archivetest.Fault {
			return archivetest.Fault{Stall: r.Key == "2026/11/01/13/b" && time.Since(began) < 20*time.Second}
		})
		s = steer(t, h, m, m, running)
		s.at(5 * time.Second)
		if p := s.seen.Load(); p.Phase != Rebuilding || seq <= 600 {
			t.Errorf("behind %d events it was to rebuild: %+v", seq, p)
		}
		s.control.Wish(paused)
		s.at(6 * time.Second)
		s.stands(Paused, pausedByAnna, seq)
		s.control.Wish(running)
		s.at(7 * time.Second)
		s.stands(Running, "", seq)
		if err := s.ends(time.Hour); err != nil || !s.receipt.Balanced() || s.receipt.Duplicates != 0 {
			t.Errorf("%v, %+v", err, s.receipt)
		}
		m.whole(t, 1200)
	})
}

func TestThePauseThatIsChangedSaysWhoPausedItLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, m := seconds(100), &memory{}
		s := steer(t, h, m, m, running)
		s.at(5 * time.Second)
		s.control.Wish(paused)
		s.at(10 * time.Second)
		s.control.Wish(Wish{State: Paused, Signed: Signed{By: "ben"}})
		s.at(10100 * time.Millisecond)
		s.stands(Paused, "paused by ben", 51)
		if err := s.ends(time.Minute); time.Since(s.began) != 5*time.Second+pauseHeld {
			t.Errorf("the minute began anew: after %s %v", time.Since(s.began), err)
		}
	})
}

// gone is an archive that cannot even be listed.
func gone(h *hourly) *hourly {
	h.Script(func(archivetest.Request) archivetest.Fault { return archivetest.Fault{Stall: true} })
	return h
}

func TestASessionThatBeginsPausedOrCancelledAsksNothingOfTheArchive(t *testing.T) {
	for _, c := range []struct {
		wish   Wish
		reason string
		want   func(error) bool
	}{
		{paused, pausedByAnna, func(err error) bool { return stoppedIn(err, Paused) }},
		{cancelled, cancelledByBen, func(err error) bool { return err == nil }},
	} {
		t.Run(string(c.wish.State), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, m := seconds(100), &memory{fate: dieAfter(3)}
				s := steer(t, h, m, m, running)
				if err := s.ends(time.Minute); !errors.Is(err, errKilled) {
					t.Fatal(err)
				}
				m.fate = nil
				seq, commits := int64(len(m.records)), m.commits
				for range 2 { // the second finds it so
					s = steer(t, gone(h), m, m, c.wish)
					if err := s.ends(0); !c.want(err) {
						t.Fatal(err)
					}
					s.stands(c.wish.State, c.reason, seq)
				}
				if m.commits != commits+1 {
					t.Errorf("that took %d commits", m.commits-commits)
				}
			})
		})
	}
}

// TestACancelEndsWhateverTheSessionDoes, with what it had granted, and a receipt that balances.
func TestACancelEndsWhateverTheSessionDoes(t *testing.T) {
	stall := func(list bool) func(h *hourly) {
		return func(h *hourly) {
			h.Script(func(r archivetest.Request) archivetest.Fault {
				return archivetest.Fault{Stall: r.List == list}
			})
		}
	}
	for _, c := range []struct {
		name  string
		first time.Duration // of a session that is killed before; 0: none
		make  func(h *hourly)
		pace  string
		acts  func(s *steered)
		seq   int64
	}{
		{name: "produces", pace: "10/s", seq: 51},
		{name: "waits for its pace", pace: "1/s", seq: 6},
		{name: "waits for a gap", pace: "x0.001", seq: 1},
		{name: "lists", make: stall(true), seq: 0},
		{name: "waits for a body", make: stall(false), seq: 0},
		{name: "lists again", first: 3450 * time.Millisecond, make: stall(true), seq: 35},
		{name: "rebuilds", first: 3450 * time.Millisecond, make: stall(false), seq: 35},
		{name: "is paused", pace: "10/s", acts: func(s *steered) { s.at(2 * time.Second); s.control.Wish(paused) }, seq: 21},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, m := seconds(100), &memory{}
				if c.first > 0 {
					s := steer(t, h, m, m, running)
					time.AfterFunc(c.first, s.control.Leave)
					_ = s.ends(time.Minute)
				}
				if c.make != nil {
					c.make(h)
				}
				s := steer(t, h, m, m, running, func(o *Options) {
					if c.pace != "" {
						o.Pace, o.MaxGap = paceOf(t, c.pace), 24*time.Hour
					}
				})
				if c.acts != nil {
					c.acts(s)
				}
				s.at(5 * time.Second)
				s.control.Wish(cancelled)
				if err := s.ends(0); err != nil {
					t.Fatal(err)
				}
				s.stands(Cancelled, cancelledByBen, c.seq)
				r := s.receipt
				if r.State != Cancelled || r.Reason != cancelledByBen || r.Produced != c.seq || !r.Balanced() {
					t.Errorf("receipt %+v", r)
				}
				if at := m.durable.Checkpoint; at.Watermark != at.Position.Time {
					t.Errorf("its watermark says that all was read: %d, it stands at %d", at.Watermark, at.Position.Time)
				}
				m.whole(t, int(c.seq))
				s = steer(t, h, m, m, running) // terminal beats wish
				if err := s.ends(0); err != nil || s.receipt.State != Cancelled {
					t.Errorf("wished to run it is %+v, %v", s.receipt, err)
				}
			})
		})
	}
}

func TestACancelledReplayIsNotRefused(t *testing.T) {
	h, m := seconds(10), &memory{}
	h.spec.AsOf = noon.Add(time.Hour) // its window is open
	r := h.runner(t, m)
	r.Options.Control = NewControl(cancelled)
	if receipt, err := r.Run(t.Context(), h.spec); err != nil || receipt.State != Cancelled {
		t.Errorf("%+v, %v", receipt, err)
	}
}

func TestLeaveChangesNoState(t *testing.T) {
	for _, c := range []struct {
		name   string
		wish   Wish
		state  State
		reason string
	}{{"running", running, Running, ""}, {"paused", paused, Paused, pausedByAnna}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, m := seconds(100), &memory{}
				s := steer(t, h, m, m, running)
				s.at(4250 * time.Millisecond)
				s.control.Wish(c.wish)
				s.at(4260 * time.Millisecond)
				s.control.Leave()
				if err := s.ends(0); !stoppedIn(err, Running) || !strings.Contains(err.Error(), "left") {
					t.Fatal(err)
				}
				s.stands(c.state, c.reason, 43)
				s = steer(t, h, m, m, running)
				if err := s.ends(time.Minute); err != nil {
					t.Fatal(err)
				}
				m.whole(t, 100)
			})
		})
	}
}

func TestLeaveEndsAnOpeningAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &absent{}
		s := steer(t, seconds(10), m, &m.memory, running)
		s.at(time.Minute)
		if p := s.seen.Load(); p.HeldBy != HeldByBroker || p.Pace.String() != "10/s" {
			t.Errorf("progress %+v", p)
		}
		s.control.Leave()
		if err := s.ends(0); !stoppedIn(err, Running) || m.commits != 0 {
			t.Errorf("%d commits, %v", m.commits, err)
		}
	})
}

func TestAPaceHoldsAtOnceAndNeverBursts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, m := seconds(3000), &memory{}
		s := steer(t, h, m, m, running)
		since := 0
		// count looks at what was produced since the last look, between two commits, which are a second apart.
		count := func(want int) {
			t.Helper()
			all, _ := m.size()
			n := all - since
			if since = all; n < want-want/5-2 || n > want+want/5+2 {
				t.Errorf("after %s: %d events since the last look, want about %d at %s", time.Since(s.began), n, want, s.seen.Load().Pace)
			}
		}
		s.at(10 * time.Second)
		count(100)
		s.control.Wish(Wish{State: Running, Pace: paceOf(t, "100/s")})
		s.at(20 * time.Second)
		count(1000)
		s.control.Share(paceOf(t, "20/s")) // of the daemon
		s.at(30 * time.Second)
		count(200)
		s.control.Share(pace.Setting{})
		s.control.Wish(running) // the pace of its options again
		s.at(40 * time.Second)
		count(100)
		s.control.Leave()
		_ = s.ends(0)
		m.whole(t, len(m.records))
	})
}

func TestAGapCapCanBeChangedWhileItIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHourly(day("12/a", event("0", 0)+event("1", time.Hour)))
		m := &memory{}
		s := steer(t, h, m, m, running, func(o *Options) { o.Pace, o.MaxGap = paceOf(t, "x1"), time.Hour })
		s.at(time.Minute)
		s.stands(Running, "", 1)
		s.control.Wish(Wish{State: Running, MaxGap: Duration(10 * time.Second)})
		if err := s.ends(time.Second); err != nil {
			t.Error(err)
		}
		m.whole(t, 2)
	})
}

// TestAPauseIsNoPartOfAGap: what of it was left before a pause is waited for behind it.
func TestAPauseIsNoPartOfAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHourly(day("12/a", event("0", 0)+event("1", time.Minute)))
		m := &memory{}
		s := steer(t, h, m, m, running, func(o *Options) { o.Pace, o.MaxGap = paceOf(t, "x1"), time.Hour })
		s.at(20 * time.Second)
		s.control.Wish(paused)
		s.at(50 * time.Second)
		s.control.Wish(running)
		if err := s.ends(time.Minute); err != nil {
			t.Error(err)
		}
		if took := time.Since(s.began).Round(time.Second); took != 90*time.Second {
			t.Errorf("a minute at x1 and a pause of half a minute took %s", took)
		}
		m.whole(t, 2)
	})
}

// TestACommitUnderWayIsAwaitedWhateverIsWished lets a broker hang, while the replay is paused, and then cancelled or left.
func TestACommitUnderWayIsAwaitedWhateverIsWished(t *testing.T) {
	for _, leave := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			h := seconds(100)
			m := &slowSink{memory: &memory{}, let: make(chan struct{})}
			s := steer(t, h, m, m.memory, running)
			s.at(1050 * time.Millisecond)
			s.control.Wish(paused)
			s.at(30 * time.Second)
			s.control.Wish(cancelled)
			if leave {
				s.control.Wish(paused)
				s.control.Leave()
			}
			s.at(time.Minute)
			select {
			case <-s.done:
				t.Fatal("it did not wait for the commit: ", s.err)
			default:
			}
			close(m.let)
			err := s.ends(0)
			if leave && !stoppedIn(err, Running) || !leave && (err != nil || s.receipt.State != Cancelled) {
				t.Fatal(err, s.receipt)
			}
			m.whole(t, 11)
		})
	}
}

func TestACommitThatFailsInAPauseFailsTheReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, m := seconds(100), &memory{}
		s := steer(t, h, m, m, running)
		s.at(5 * time.Second)
		n := 0
		m.fate = func() fate {
			if n++; n == 1 {
				return refuses
			}
			return goesWell
		}
		s.control.Wish(paused)
		if err := s.ends(0); !stoppedIn(err, Failed) || !errors.Is(err, errRefused) {
			t.Error(err)
		}
		if c := m.durable.Checkpoint; c.State != Failed || c.Reason != "refused" {
			t.Errorf("checkpoint %+v", c)
		}
	})
}

func TestWishesAfterTheEndChangeNothing(t *testing.T) {
	h, m := seconds(10), &memory{}
	r := h.runner(t, m)
	c := NewControl(running)
	r.Options.Control = c
	if _, err := r.Run(context.Background(), h.spec); err != nil {
		t.Fatal(err)
	}
	c.Wish(cancelled)
	c.Leave()
	if m.durable.Checkpoint.State != Completed {
		t.Errorf("it is %s", m.durable.Checkpoint.State)
	}
}
