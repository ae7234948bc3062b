package manager

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"replayd/replay"
	"replayd/replay/api"
)

func TestTheStandingCountsEachReplayOnce(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x", "y", "z", "w"}, func(o *Options) { o.MaxRunning, o.Memory, o.SecondPerson = 2, 2<<24, sized(5000) })
		other := c.daemon("other", nil)
		defer ends(d, other)
		d.begin("done", "x", 5, "unlimited")
		wait(5 * time.Second)
		d.begin("x-runs", "x", 1000, "10/s")
		d.begin("x-waits", "x", 10, "10/s")
		d.begin("y-is-paused", "y", 1000, "10/s")
		d.begin("z-has-no-place", "z", 10, "10/s")
		d.begin("w-wants-a-second-person", "w", 5001, "10/s")
		wait(3 * time.Second)
		if _, err := d.Pause(as(t, "ben"), "y-is-paused", api.Act{}); err != nil {
			t.Fatal(err)
		}
		wait(10 * time.Second) // its session is held
		s := d.Standing()
		want := map[Kind]int{
			{replay.OwnerDaemon, replay.Completed}: 1, {replay.OwnerDaemon, replay.Running}: 1, {replay.OwnerDaemon, replay.Paused}: 1,
			{replay.OwnerDaemon, replay.Planned}: 3,
		}
		if !maps.Equal(s.Replays, want) || s.Queued != 2 || s.Approval != 1 || s.Blocked != 0 {
			t.Errorf("it stands %+v, and not %+v", s, want)
		}
		if s.MaxRunning != 2 || s.Memory != 2<<24 || s.MemoryUsed != 2<<24 || s.Begun != 3 || s.Ended[Over] != 1 {
			t.Errorf("it stands %+v", s)
		}
		if len(s.Sessions) != 2 || s.Sessions[0].ID != "x-runs" || s.Sessions[0].Archive != "a" || s.Sessions[0].Counters.Produced == 0 ||
			s.Sessions[1].State != replay.Paused {
			t.Errorf("its sessions are %+v", s.Sessions)
		}
		o := other.Standing()
		if !maps.Equal(o.Replays, want) || o.Queued != 0 || o.Approval != 0 || len(o.Sessions) != 0 || o.MemoryUsed != 0 || o.Begun != 0 {
			t.Errorf("another daemon, which has no topic, stands %+v", o)
		}
		wait(2 * time.Minute) // the held session has ended, and the next one has its place
		if s := d.Standing(); s.Ended[Paused] != 1 || s.MemoryUsed > 2<<24 {
			t.Errorf("it stands %+v", s)
		}
	})
}

func TestSessionsAreCountedByHowTheyEnd(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		counts := func(want map[Outcome]int64) {
			t.Helper()
			got := d.Standing().Ended
			for _, o := range Outcomes {
				if got[o] != want[o] {
					t.Errorf("%s: %d sessions, and not %d", o, got[o], want[o])
				}
			}
		}
		refuse := func(err error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.noMore = err
		}
		refuse(&replay.Refusal{Item: "retention", What: "it would be deleted"})
		d.begin("1", "x", 1000, "10/s")
		wait(time.Second)
		counts(map[Outcome]int64{Refused: 1})
		if s := d.Standing(); s.Blocked != 1 {
			t.Errorf("%d replays wait for a person", s.Blocked)
		}
		refuse(errors.New("the store is away"))
		if _, err := d.Resume(as(t, "ben"), "1", api.Resume{}); err != nil {
			t.Fatal(err)
		}
		wait(time.Second)
		counts(map[Outcome]int64{Refused: 1, Failed: 1})
		refuse(nil)
		wait(15 * time.Second) // the second try in a row comes within 10
		d.gets()
		wait(time.Second)
		counts(map[Outcome]int64{Refused: 1, Failed: 1, Left: 1})
		d.gets("x")
		wait(time.Second)
		c.mu.Lock()
		c.replays["1"].epoch++ // as another daemon's session does
		c.mu.Unlock()
		wait(3 * time.Second)
		counts(map[Outcome]int64{Refused: 1, Failed: 1, Left: 1, TakenOver: 1})
	})
}

func TestASessionThatIsAbandonedIsCountedAsThat(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		var log bytes.Buffer
		d := c.daemon("d", []string{"x"}, func(o *Options) { o.Log = zerolog.New(&log) })
		defer ends(d)
		d.begin("1", "x", 100, "10/s")
		wait(3 * time.Second)
		d.mu.Lock()
		d.dead = true // its commits hang
		d.mu.Unlock()
		wait(3 * time.Second)
		d.gets()
		wait(time.Second)
		if s := d.Standing(); s.Ended[Abandoned] != 1 || len(s.Sessions) != 0 {
			t.Errorf("it stands %+v", s)
		}
		synctest.Wait()
		if text := log.String(); !strings.Contains(text, `"how":"abandoned"`) || strings.Contains(text, "canceled") {
			t.Errorf("the log says\n%s", text)
		}
	})
}

// hardOfHearing is an audit that takes some phases only.
type hardOfHearing struct {
	Registers

	deaf []string // to these
}

func (r *hardOfHearing) Audit(ctx context.Context, a replay.Audited) error {
	if slices.Contains(r.deaf, a.Phase) {
		return errors.New("no answer")
	}
	return r.Registers.Audit(ctx, a)
}

func TestWhatTheAuditDoesNotTakeIsCounted(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		var audit *hardOfHearing
		d := c.daemon("d", nil, func(o *Options) {
			audit = &hardOfHearing{Registers: o.Registers}
			o.Registers = audit
		})
		defer ends(d)
		d.begin("1", "x", 10, "10/s")
		audit.deaf = []string{"outcome"}
		if _, err := d.Pause(as(t, "ben"), "1", api.Act{}); err != nil {
			t.Fatal(err)
		}
		audit.deaf = []string{"intent"}
		if _, err := d.Resume(as(t, "ben"), "1", api.Resume{}); problem(err) != "503" {
			t.Fatal(err)
		}
		if s := d.Standing(); s.Unaudited != 1 || s.Untold != 1 {
			t.Errorf("%d acts were refused, and of %d the outcome is not told", s.Unaudited, s.Untold)
		}
	})
}
