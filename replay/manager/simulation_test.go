package manager

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"replayd/replay"
	"replayd/replay/api"
)

const (
	simulatedReplays = 10
	simulatedEvents  = 120
)

var simulatedTopics = []string{"w", "x", "y", "z"}

// fleet are daemons on one cluster that come and go, while people wish and work is divided anew.
type fleet struct {
	t       *testing.T
	c       *cluster
	rng     *rand.Rand
	alive   []*daemon
	all     []*daemon
	asked   int             // acts that were answered without an error
	cancels map[string]bool // that were wished, and may have come too late
	unruly  bool            // commits may end in what waits for a person
	stopped map[string]bool // topics with a replay that did, which has given its place away
}

// TestWhateverHappensToDaemonsEachReplayEndsAsWished lets daemons die, freeze and be divided anew, and brokers refuse commits,
// while people start, pause, resume, change the pace and cancel.
func TestWhateverHappensToDaemonsEachReplayEndsAsWished(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		seed := rapid.Uint64().Draw(r, "seed")
		steps := rapid.IntRange(5, 60).Draw(r, "steps")
		var failure error
		synctest.Test(t, func(t *testing.T) {
			f := &fleet{t: t, c: newCluster(t, seed), rng: rand.New(rand.NewPCG(seed, 9)), cancels: map[string]bool{}, unruly: true, stopped: map[string]bool{}}
			f.c.fate = f.fate
			failure = f.simulate(steps)
		})
		if failure != nil {
			r.Fatalf("seed %d: %v", seed, failure)
		}
	})
}

// fate of a commit; the cluster's lock is held.
func (f *fleet) fate(id string) error {
	switch n := f.c.rng.IntN(240); {
	case n == 0 && f.unruly:
		f.stopped[f.topicOf(id)] = true
		return &replay.StoppedOn{Choice: replay.StopOnLate}
	case n < 5:
		return errors.New("the broker does not answer")
	}
	return nil
}

func (f *fleet) simulate(steps int) error {
	for range 2 + f.rng.IntN(2) {
		f.join()
	}
	f.divide()
	for i := range simulatedReplays {
		f.start(i)
	}
	wait(time.Second) // until all have read of them
	for range steps {
		wait(time.Duration(f.rng.Int64N(int64(8 * time.Second))))
		f.happens()
	}
	f.c.mu.Lock()
	f.unruly = false
	f.c.mu.Unlock()
	for i := range simulatedReplays {
		f.start(i)        // which changes nothing
		wait(time.Second) // until all have read of it
		f.act(fmt.Sprint(i), "resume")
	}
	f.c.mu.Lock()
	f.c.fate = nil
	f.c.mu.Unlock()
	err := f.awaitEnd()
	for _, d := range f.all {
		ends(d)
	}
	return errors.Join(err, f.judge())
}

// join adds a daemon.
func (f *fleet) join() {
	d := f.c.daemon(fmt.Sprint("daemon ", len(f.all)), nil)
	f.all, f.alive = append(f.all, d), append(f.alive, d)
}

// divide gives each topic to one of those that live, and waits until those that had it have let go.
func (f *fleet) divide() {
	parts := make([][]string, len(f.alive))
	for _, topic := range simulatedTopics {
		i := f.rng.IntN(len(f.alive))
		parts[i] = append(parts[i], topic)
	}
	var gains []func()
	for i, d := range f.alive { // first all lose, then all get
		d.mu.Lock()
		kept := slices.DeleteFunc(slices.Clone(parts[i]), func(topic string) bool { return !d.mine[topic] })
		d.mu.Unlock()
		d.gets(kept...)
		gains = append(gains, func() { d.gets(parts[i]...) })
	}
	for _, gain := range gains {
		gain()
	}
}

func (f *fleet) happens() {
	id := fmt.Sprint(f.rng.IntN(simulatedReplays))
	switch f.rng.IntN(13) {
	case 12: // a member does not answer, is divided without, and comes back with what it knew
		i := f.rng.IntN(len(f.alive))
		d := f.alive[i]
		d.freeze(true)
		wait(10 * time.Second)
		f.alive = slices.Delete(f.alive, i, i+1)
		f.divide()
		wait(time.Duration(f.rng.Int64N(int64(20 * time.Second))))
		d.freeze(false)
		wait(time.Duration(f.rng.Int64N(int64(5 * time.Second))))
		d.gets()
		f.alive = append(f.alive, d)
		f.divide()
	case 0:
		f.divide()
	case 1: // a member is lost, and one that comes back is a new one
		i := f.rng.IntN(len(f.alive))
		f.alive[i].kill()
		f.alive = slices.Delete(f.alive, i, i+1)
		f.join()
		wait(time.Duration(f.rng.Int64N(int64(12 * time.Second))))
		f.divide()
	case 2: // a rolling restart
		ends(f.alive[0])
		f.alive = f.alive[1:]
		f.join()
		f.divide()
	case 3:
		f.act(id, "cancel")
	case 4, 5:
		f.act(id, "pause")
	case 6, 7:
		f.act(id, "resume")
	default:
		f.act(id, "pace")
	}
}

// by is somebody who asks a daemon and does not wait for ever.
func (f *fleet) by() (context.Context, context.CancelFunc, *daemon) {
	ctx, cancel := context.WithTimeout(as(f.t, "anna"), time.Minute)
	return ctx, cancel, f.alive[f.rng.IntN(len(f.alive))]
}

func (f *fleet) start(i int) {
	ctx, cancel, d := f.by()
	defer cancel()
	_, created, err := d.Start(ctx, api.Start{
		IdempotencyKey: fmt.Sprint("key ", i), ID: fmt.Sprint(i), Topic: f.topicOf(fmt.Sprint(i)), Limit: simulatedEvents, Pace: "20/s",
	})
	if err != nil {
		f.t.Errorf("start of %d: %v", i, err)
	}
	if created {
		f.asked++
	}
}

func (f *fleet) topicOf(id string) string {
	i, err := strconv.Atoi(id)
	if err != nil {
		f.t.Error(err)
	}
	return simulatedTopics[i%len(simulatedTopics)]
}

func (f *fleet) act(id, name string) {
	ctx, cancel, d := f.by()
	defer cancel()
	err := acts(d)[name](ctx, id, "")
	switch {
	case err == nil:
		f.asked++
		f.cancels[id] = f.cancels[id] || name == "cancel"
	case problem(err) != "409": // it has ended, or is being cancelled
		f.t.Errorf("%s of %s: %v", name, id, err)
	}
}

// awaitEnd waits until all replays have ended.
func (f *fleet) awaitEnd() error {
	for range 600 {
		wait(time.Second)
		page, err := f.alive[0].Replays(f.t.Context(), api.Query{})
		if err != nil {
			return err
		}
		if len(page.Items) == simulatedReplays && !slices.ContainsFunc(page.Items, func(r api.Replay) bool { return !r.State.Terminal() }) {
			return nil
		}
	}
	page, err := f.alive[0].Replays(f.t.Context(), api.Query{})
	var list []string
	for _, r := range page.Items {
		list = append(list, fmt.Sprintf("%s %s wanted %s queued %q reason %q at %s", r.ID, r.State, r.Wanted, r.Queued, r.Reason, r.Daemon))
	}
	return errors.Join(err, fmt.Errorf("not ended after 10 minutes:\n%s", strings.Join(list, "\n")))
}

// judge holds topics, checkpoints and audit against what was wished.
func (f *fleet) judge() error {
	var errs []error
	produced := map[string]int{}
	for _, topic := range simulatedTopics {
		seen := map[string]int{}
		for i, p := range f.c.topics[topic] {
			if seen[p.id]++; p.seq != seen[p.id] {
				errs = append(errs, fmt.Errorf("record %d of %s is event %d of replay %s, which has %d before it", i, topic, p.seq, p.id, seen[p.id]-1))
			}
			if i > 0 && p.seq > 1 && f.c.topics[topic][i-1].id != p.id && !f.stopped[topic] {
				errs = append(errs, fmt.Errorf("replays %s and %s are mixed in %s", f.c.topics[topic][i-1].id, p.id, topic))
			}
			produced[p.id]++
		}
	}
	for i := range simulatedReplays {
		id := fmt.Sprint(i)
		k, ok := (*registers)(f.alive[0]).Find(id)
		state := k.State()
		switch {
		case !ok || state != replay.Cancelled && state != replay.Completed || state == replay.Cancelled && !f.cancels[id]:
			errs = append(errs, fmt.Errorf("replay %s is %s, cancelled %v", id, state, f.cancels[id]))
		case state == replay.Completed && produced[id] != simulatedEvents:
			errs = append(errs, fmt.Errorf("replay %s is completed with %d events", id, produced[id]))
		case k.Checkpoint != nil && (int64(produced[id]) != k.Checkpoint.Counters.Produced || !k.Checkpoint.Counters.Balanced()):
			errs = append(errs, fmt.Errorf("replay %s has %d events and %+v", id, produced[id], k.Checkpoint.Counters))
		}
	}
	return errors.Join(append(errs, f.audited())...)
}

// audited holds the audit against what was asked: each act has its intent, and behind it its outcome.
func (f *fleet) audited() error {
	under, done := map[string]int{}, 0
	for _, a := range f.c.audit {
		key := a.ID + " " + a.Act
		if a.Phase == "intent" {
			under[key]++
			continue
		}
		if under[key]--; under[key] < 0 {
			return fmt.Errorf("an outcome without an intent: %+v", a)
		}
		if strings.HasPrefix(a.Result, "done") {
			done++
		}
	}
	for key, n := range under {
		if n != 0 {
			return fmt.Errorf("%d intents of %s have no outcome", n, key)
		}
	}
	if done != f.asked {
		return fmt.Errorf("%d acts were answered, the audit has %d outcomes", f.asked, done)
	}
	return nil
}
