package replay

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"replayd/replay/pace"
)

// deed is what somebody does to a replay at an instant.
type deed struct {
	at   time.Duration
	what string // pause, resume, pace, leave, kill, cancel
	pace int64  // events a second, of pace
}

// allowance is how many events may have been produced: what the pace of each moment gave, and MaxLag's worth wherever
// something began anew.
type allowance struct {
	sum    float64
	rate   float64
	paused bool
	since  time.Time
}

func (a *allowance) settle() {
	if now := time.Now(); !now.Equal(a.since) {
		if !a.paused {
			a.sum += a.rate * now.Sub(a.since).Seconds()
		}
		a.since = now
	}
}

func (a *allowance) anew() { a.settle(); a.sum += 1 + a.rate*(pace.MaxLag+pace.Step).Seconds() }

// driven is a replay that people steer while its sessions come and go.
type driven struct {
	t       *testing.T
	h       *hourly
	m       *memory
	wish    Wish
	control *Control
	kill    context.CancelFunc
	may     allowance
	errs    []error
}

// Commit implements Sink.
func (d *driven) Commit(ctx context.Context, c *Chunk) error {
	if err := ctx.Err(); err != nil { // killed: what was sent is aborted
		return err
	}
	err := d.m.Commit(ctx, c)
	d.may.settle()
	if n := float64(len(d.m.records)); n > d.may.sum {
		d.errs = append(d.errs, fmt.Errorf("%g events are produced at %s where the paces allow %g", n, time.Now().Format("05.000"), d.may.sum))
	}
	return err
}

// Open implements Sink.
func (d *driven) Open(ctx context.Context, s *Spec) (Durable, error) {
	if err := ctx.Err(); err != nil {
		return Durable{}, err
	}
	return d.m.Open(ctx, s)
}

// session runs one, and returns how it ended.
func (d *driven) session() (Receipt, error) {
	ctx, kill := context.WithCancel(d.t.Context())
	defer kill()
	d.kill, d.control = kill, NewControl(d.wish)
	d.may.anew()
	r := d.h.runner(d.t, d.m)
	r.Sink = d
	r.Options.chunkRecords = 20
	r.Options.Control = d.control
	return r.Run(ctx, d.h.spec)
}

func (d *driven) do(x deed) {
	d.may.settle()
	switch x.what {
	case "pause":
		d.wish.State = Paused
	case "resume":
		d.wish.State = Running
	case "cancel":
		d.wish.State = Cancelled
	case "pace":
		d.may.rate = float64(x.pace)
		d.wish.Pace, _ = pace.Parse(fmt.Sprintf("%d/s", x.pace))
		d.may.anew()
	case "leave":
		d.control.Leave()
		return
	case "kill":
		d.kill()
		return
	}
	d.may.paused = d.wish.State == Paused
	d.control.Wish(d.wish)
}

// whole runs sessions until the replay has ended, while deeds are done. An ended replay stays as it is.
func (d *driven) whole(deeds []deed) (Receipt, error) {
	d.may = allowance{rate: 10, since: time.Now()}
	d.wish = Wish{State: Running, Pace: paceOf(d.t, "10/s")}
	d.control, d.kill = NewControl(d.wish), func() {}
	changed := make(chan struct{}, 1000)
	go func() {
		began := time.Now()
		for _, x := range deeds {
			<-time.After(time.Until(began.Add(x.at)))
			synctest.Wait()
			d.do(x)
			changed <- struct{}{}
		}
		close(changed)
	}()
	defer func() {
		for range changed { // people go on after the end
		}
	}()
	for sessions := 0; ; sessions++ {
		receipt, err := d.session()
		switch {
		case err == nil:
			return receipt, errors.Join(d.errs...)
		case stoppedIn(err, Paused):
			for d.wish.State == Paused {
				<-changed
			}
		case !stoppedIn(err, Running) && !errors.Is(err, errKilled) && !errors.Is(err, context.Canceled) || sessions > 1000:
			return receipt, err
		}
	}
}

// TestAReplayThatIsSteeredAndKilledIsTheSame does anything at any instant, and holds what came out against the undisturbed
// replay, or a part of it from its beginning when it was cancelled.
func TestAReplayThatIsSteeredAndKilledIsTheSame(t *testing.T) {
	const events = 300
	rapid.Check(t, func(r *rapid.T) {
		seed := rapid.Uint64().Draw(r, "seed")
		var deeds []deed
		at := time.Duration(0)
		for range rapid.IntRange(0, 12).Draw(r, "deeds") {
			at += time.Duration(rapid.IntRange(0, 90_000).Draw(r, "ms")) * time.Millisecond >> rapid.IntRange(0, 10).Draw(r, "shift")
			deeds = append(deeds, deed{
				at: at, what: rapid.SampledFrom([]string{"pause", "resume", "pace", "pace", "leave", "kill", "cancel"}).Draw(r, "what"),
				pace: rapid.Int64Range(1, 200).Draw(r, "pace"),
			})
			if deeds[len(deeds)-1].what == "cancel" {
				break
			}
		}
		cancels := len(deeds) > 0 && deeds[len(deeds)-1].what == "cancel"
		if !cancels {
			deeds = append(deeds, deed{at: at + time.Minute, what: "resume"})
		}
		var failure error // rapid's own end of a test is for its own goroutine
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			m := &memory{fate: func() fate {
				return []fate{goesWell, goesWell, goesWell, goesWell, goesWell, goesWell, diesBefore, diesAfter}[rng.IntN(8)]
			}}
			d := &driven{t: t, h: seconds(events), m: m}
			receipt, err := d.whole(deeds)
			failure = errors.Join(err, m.judged(&receipt, events, cancels))
		})
		if failure != nil {
			r.Fatal(failure)
		}
	})
}

// judged holds a receipt of seconds(n) and what came out against each other.
func (m *memory) judged(r *Receipt, n int, cancels bool) error {
	for i := range m.records {
		if id, _ := header(&m.records[i], "replay-event-id"); id != fmt.Sprint(i) {
			return fmt.Errorf("record %d holds event %s", i, id)
		}
	}
	produced := len(m.records)
	switch {
	case !r.Balanced() || r.Produced != int64(produced) || m.durable.Checkpoint.Seq != r.Produced:
		return fmt.Errorf("%d events came out, the receipt says %+v", produced, r)
	case r.State != Completed && (r.State != Cancelled || !cancels), r.State == Completed && produced != n:
		return fmt.Errorf("it is %s with %d events of %d", r.State, produced, n)
	}
	return nil
}
