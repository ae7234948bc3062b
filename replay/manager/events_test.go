package manager

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"replayd/replay"
	"replayd/replay/api"
)

// reader reads events beside its test.
type reader struct {
	mu     sync.Mutex
	events []api.Event
	err    error
	done   chan struct{}
	stop   context.CancelFunc
}

func (d *daemon) reads(id, after string) *reader {
	ctx, stop := context.WithCancel(d.c.t.Context())
	r := &reader{done: make(chan struct{}), stop: stop}
	go func() {
		defer close(r.done)
		for e, err := range d.Events(ctx, id, after) {
			r.mu.Lock()
			r.events, r.err = append(r.events, e), err
			r.mu.Unlock()
		}
	}()
	return r
}

// told are the events since the last call: id:state, or -id for one that is gone, and of which is told what it read and wrote.
func (r *reader) told() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []string
	for _, e := range r.events {
		switch {
		case e.Gone && e.Replay.Archive == "a" && e.Replay.Topic == "x":
			list = append(list, "-"+e.Replay.ID)
		default:
			list = append(list, e.Replay.ID+":"+string(e.Replay.Wanted))
		}
	}
	r.events = nil
	return strings.Join(list, " ")
}

// newest is how the replay stands by the last event.
func (r *reader) newest() api.Replay {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events[len(r.events)-1].Replay
}

func (r *reader) lastID() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events[len(r.events)-1].ID
}

func TestEventsBeginWithWhatThereIsAndGoOnWithWhatChanges(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", nil)
		defer ends(d)
		d.begin("1", "x", 10, "10/s")
		d.begin("2", "x", 10, "10/s")
		wait(time.Second)
		all, one := d.reads("", ""), d.reads("2", "")
		wait(time.Second)
		place := all.lastID()
		if got := all.told() + "," + one.told(); got != "1:running 2:running,2:running" {
			t.Error(got)
		}
		if _, err := d.Cancel(as(t, "ben"), "2", api.Act{}); err != nil {
			t.Fatal(err)
		}
		wait(time.Second)
		if _, err := d.Pause(as(t, "ben"), "1", api.Act{}); err != nil {
			t.Fatal(err)
		}
		wait(time.Second)
		if got := all.told() + "," + one.told(); got != "2:cancelled 1:paused,2:cancelled" {
			t.Error(got)
		}
		for after, want := range map[string]string{place: "2:cancelled 1:paused", "": "2:cancelled 1:paused", "other-7": "2:cancelled 1:paused", place + "0000": "2:cancelled 1:paused"} {
			late := d.reads("", after)
			wait(0)
			if got := late.told(); got != want {
				t.Errorf("behind %q: %s", after, got)
			}
			last := d.reads("", d.news.id(d.news.n))
			wait(0)
			if got := last.told(); got != "" {
				t.Errorf("behind the newest: %s", got)
			}
			late.stop()
			last.stop()
		}
		if err := d.Forget(as(t, "ben"), "2", api.Act{}); err != nil {
			t.Fatal(err)
		}
		wait(time.Second)
		back, anew := d.reads("", place), d.reads("", "")
		wait(0)
		if got := all.told() + "," + one.told() + "," + back.told() + "," + anew.told(); got != "-2,-2,1:paused -2,1:paused" {
			t.Error(got)
		}
		<-one.done // there is nothing more to tell of it
		unknown := d.reads("2", "")
		<-unknown.done
		if problem(unknown.err) != "404" {
			t.Error(unknown.err)
		}
		anew.stop()
		<-anew.done
		ends(d)
		<-all.done // the daemon has ended
		<-back.done
	})
}

func TestEventsOfARunningReplayComeAtMostFourTimesASecond(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		d.begin("1", "x", 10_000, "100/s")
		wait(2 * time.Second)
		r := d.reads("", "")
		wait(0)
		r.told()
		wait(20 * time.Second)
		if n := len(strings.Fields(r.told())); n < 15 || n > 80 {
			t.Errorf("%d events in 20 s", n)
		}
	})
}

// TestWhoWatchesIsToldOfAnOutage as who asks is: brokers do not answer, so what a session tells does not come back from them.
func TestWhoWatchesIsToldOfAnOutage(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", []string{"x"})
		defer ends(d)
		d.begin("1", "x", 1000, "1/s")
		wait(3 * time.Second)
		d.freeze(true)
		defer d.freeze(false)
		wait(30 * time.Second)
		r := d.reads("1", "")
		defer r.stop()
		wait(0)
		watched, asked := r.newest(), d.stands("1")
		if p := watched.Progress; p.Phase != replay.Waiting || p.HeldBy != replay.HeldByBroker || p.Produced != asked.Progress.Produced {
			t.Errorf("who watches is told %+v, who asks %+v", p, asked.Progress)
		}
		if watched.Daemon != "d" {
			t.Errorf("it runs at %q", watched.Daemon)
		}
		r.told()
		wait(10 * time.Second)
		if n := len(strings.Fields(r.told())); n > 11 {
			t.Errorf("%d events in 10 s", n)
		}
	})
}

func TestAReaderThatIsSlowMissesOnlyWhatWasReplaced(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", nil)
		defer ends(d)
		d.begin("1", "x", 10, "10/s")
		wait(time.Second)
		var got []string
		for e, err := range d.Events(t.Context(), "", "") {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(e.Replay.Wanted))
			if e.Replay.Wanted == replay.Cancelled {
				break
			}
			for _, act := range []string{"pause", "resume", "pause", "cancel"} {
				if err := acts(d)[act](as(t, "ben"), "1", ""); err != nil {
					t.Fatal(err)
				}
				wait(time.Second)
			}
		}
		if fmt.Sprint(got) != "[running cancelled]" {
			t.Error(got)
		}
	})
}

func TestAThousandReadersShareOneEdition(t *testing.T) {
	n := newNews(time.Now())
	all := make([]replay.Known, 2000)
	for i := range all {
		all[i].Spec.ID = fmt.Sprint(i)
	}
	n.publish(time.Now(), all, byName)
	e, _ := n.now()
	if allocs := testing.AllocsPerRun(100, func() {
		if same, _ := n.now(); same != e || len(e.behind(1990)) != 10 {
			t.Error("another edition")
		}
	}); allocs != 0 {
		t.Errorf("%g allocations for a reader", allocs)
	}
}

func TestWhatIsGoneIsForgottenInTime(t *testing.T) {
	n := newNews(time.Now())
	now := time.Now()
	for i := range maxGone + 100 {
		now = now.Add(publishEvery)
		n.publish(now, []replay.Known{{Spec: replay.Spec{ID: "stays"}}, {Spec: replay.Spec{ID: fmt.Sprint(i)}}}, byName)
	}
	if e, _ := n.now(); len(e.items) > maxGone+2 {
		t.Errorf("%d items are kept of 2 replays", len(e.items))
	}
	if n.place(n.id(5)) != 0 {
		t.Error("who has read so little would not be told what is gone")
	}
	if at := n.n - 3; n.place(n.id(at)) != at {
		t.Error("who has read nearly all is told all again")
	}
}

func byName(k *replay.Known) api.Replay {
	return api.Replay{ID: k.Spec.ID, State: k.State(), StartedAt: k.Spec.AsOf}
}

func TestWhatHasEndedIsNotLookedAtAgainUnlessItsIDIsUsedAnew(t *testing.T) {
	n, now, looks := newNews(time.Now()), time.Now(), 0
	see := func(k *replay.Known) api.Replay { looks++; return byName(k) }
	ended := replay.Known{Spec: replay.Spec{ID: "ended", AsOf: noon}, Checkpoint: &replay.Checkpoint{State: replay.Completed}}
	for range 3 {
		now = now.Add(publishEvery)
		n.publish(now, []replay.Known{ended, {Spec: replay.Spec{ID: "runs"}}}, see)
	}
	if looks != 4 || n.n != 2 {
		t.Errorf("%d looks, %d changes", looks, n.n)
	}
	anew := ended
	anew.Spec.AsOf = noon.Add(time.Hour)
	n.publish(now.Add(publishEvery), []replay.Known{anew}, see)
	if looks != 5 || n.n != 4 { // and the other one is gone
		t.Errorf("%d looks, %d changes", looks, n.n)
	}
}
