package manager

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/pace"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// cluster is Kafka to several daemons: a log that each of them reads at its own speed, and topics that take what the newest
// session of a replay commits.
type cluster struct {
	t *testing.T

	mu        sync.Mutex
	rng       *rand.Rand
	spill     string // folder; made before any daemon, so it is removed behind the last of their sessions
	log       []func(map[string]*entry, int64)
	grown     chan struct{}
	audit     []replay.Audited
	topics    map[string][]produced
	replays   map[string]*taken
	told      map[string]int        // words of sessions, and of waiting for one, by replay
	deaf      error                 // what the audit says instead of taking anything
	unrefused error                 // what is said instead of writing that a replay waits for a person
	fate      func(id string) error // of a commit; nil: all go well
	lost      bool                  // the targets: a session only ends a replay
}

// produced is a record of a topic.
type produced struct {
	id  string
	seq int
}

// taken is a replay as its sessions see it.
type taken struct {
	epoch   int
	durable replay.Durable
}

func newCluster(t *testing.T, seed uint64) *cluster {
	return &cluster{
		t: t, rng: rand.New(rand.NewPCG(seed, 5)), spill: t.TempDir(), grown: make(chan struct{}), topics: map[string][]produced{}, replays: map[string]*taken{}, told: map[string]int{},
	}
}

// entry is a replay as a daemon has read of it.
type entry struct {
	replay.Known
	wanted replay.Wishes
}

// append writes a record and returns its offset. The lock is held.
func (c *cluster) append(apply func(map[string]*entry, int64)) int {
	c.log = append(c.log, apply)
	close(c.grown)
	c.grown = make(chan struct{})
	return len(c.log) - 1
}

// short is a time that something takes.
func (c *cluster) short() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Duration(c.rng.Int64N(int64(100 * time.Millisecond)))
}

// daemon is one on the cluster, with what it reads of the log, and the topics that it has.
type daemon struct {
	*Manager
	c    *cluster
	name string
	stop context.CancelFunc
	runs chan struct{} // closed when Run has returned

	mu      sync.Mutex
	dead    bool
	frozen  bool
	lag     time.Duration // how old what is known of all is when it is told
	slow    time.Duration // how long a sink takes to open
	opening time.Duration // the same of an archive
	known   map[string]*entry
	read    int
	changed chan struct{}
	mine    map[string]bool
	divided chan struct{}
	unready error
	stale   time.Time     // until when the control topics were read
	skew    time.Duration // of its clock
	gone    error         // the control topics, of which it says so
	half    string        // the id of a replay of which only its progress was read
	unread  bool          // the control topics, up to where they were at the beginning
	noMore  error         // what Source says
	more    bool          // the archives have an object more than before
	opens   int
	worked  []replay.Start // what each session that began was to work with
	silent  bool           // nothing answers it to what it writes to the audit
	late    chan struct{}  // what it writes of a refusal does not come before this is closed; nil: at once
}

// daemon begins one. What it should not have as it is the caller changes in its options.
func (c *cluster) daemon(name string, mine []string, options ...func(*Options)) *daemon {
	d := &daemon{
		c: c, name: name, known: map[string]*entry{}, changed: make(chan struct{}), mine: map[string]bool{},
		divided: make(chan struct{}), runs: make(chan struct{}),
	}
	for _, topic := range mine {
		d.mine[topic] = true
	}
	o := Options{
		Registers: (*registers)(d), Work: (*work)(d), Sessions: (*sessions)(d), Desk: (*desk)(d), MaxRunning: 3, Memory: 3 << 24,
		By: func(ctx context.Context) string { name, _ := ctx.Value(byKey{}).(string); return name }, Daemon: name, Log: zerolog.Nop(),
	}
	for _, set := range options {
		set(&o)
	}
	d.Manager = New(o)
	ctx, stop := context.WithCancel(c.t.Context())
	d.stop = stop
	var both sync.WaitGroup
	both.Go(func() { d.follow(ctx) })
	both.Go(func() {
		if err := d.Run(ctx); !errors.Is(err, (*registers)(d).Gone()) {
			c.t.Error(err)
		}
	})
	go func() { both.Wait(); close(d.runs) }()
	return d
}

type byKey struct{}

func as(t *testing.T, name string) context.Context {
	return context.WithValue(t.Context(), byKey{}, name)
}

// follow reads the log, a little behind it.
func (d *daemon) follow(ctx context.Context) {
	for {
		d.c.mu.Lock()
		grown, end := d.c.grown, len(d.c.log)
		d.c.mu.Unlock()
		if !d.isFrozen() && d.readTo(end) {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-grown:
		}
		for again := true; again; again = d.isFrozen() {
			select {
			case <-ctx.Done():
				return
			case <-time.After(d.c.short()):
			}
		}
	}
}

func (d *daemon) readTo(end int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.read >= end {
		return false
	}
	d.c.mu.Lock()
	records := d.c.log[d.read:end]
	d.c.mu.Unlock()
	for i, apply := range records {
		apply(d.known, int64(d.read+i))
	}
	d.read = end
	close(d.changed)
	d.changed = make(chan struct{})
	return true
}

// gets gives the daemon other topics, as a group that is divided anew does: it leaves those that it loses first.
func (d *daemon) gets(topics ...string) {
	d.mu.Lock()
	lost := maps.Clone(d.mine)
	clear(d.mine)
	for _, topic := range topics {
		d.mine[topic] = true
		delete(lost, topic)
	}
	d.mu.Unlock()
	if len(lost) > 0 {
		d.Leave(func(topic string) bool { return lost[topic] })
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.divided)
	d.divided = make(chan struct{})
}

// kill makes of the daemon one that does nothing any more and is told nothing.
func (d *daemon) kill() {
	d.mu.Lock()
	d.dead = true
	d.mu.Unlock()
	d.stop()
}

func (d *daemon) isDead() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead
}

// freeze stops all that the daemon does with its cluster, or lets it go on: as SIGSTOP and SIGCONT do, but for its own clock.
func (d *daemon) freeze(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.frozen = on
}

func (d *daemon) isFrozen() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.frozen
}

var errDead = errors.New("this daemon is dead")

// registers are the daemon's.
type registers daemon

func (r *registers) All() []replay.Known {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []replay.Known
	for _, k := range r.known {
		all = append(all, copyOf(k))
	}
	slices.SortFunc(all, func(a, b replay.Known) int { return int(a.Order - b.Order) })
	lag := r.lag
	r.mu.Unlock()
	time.Sleep(lag) // of fake time
	r.mu.Lock()
	return all
}

func copyOf(e *entry) replay.Known {
	c := e.Known
	c.Wish = e.wanted.Wish()
	if c.Refused != nil && (c.Refused.Wish != c.Wish.Token || c.Refused.Overtaken(c.Checkpoint)) {
		c.Refused = nil
	}
	if c.Checkpoint != nil {
		p := *c.Checkpoint
		c.Checkpoint = &p
	}
	return c
}

func (r *registers) Find(id string) (replay.Known, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.known[id]
	if k == nil {
		return replay.Known{}, false
	}
	return copyOf(k), true
}

func (r *registers) Doubtful(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.half == id && r.known[id] == nil
}

func (r *registers) Changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

func (r *registers) Whole() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.unread
}

func (r *registers) Stale() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stale
}

func (r *registers) Gone() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gone
}

func (r *registers) Ready() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unready
}

// write appends a record and waits until it is read back.
func (r *registers) write(ctx context.Context, apply func(map[string]*entry, int64)) error {
	if d := (*daemon)(r); d.isDead() || d.isFrozen() {
		return errDead
	}
	r.c.mu.Lock()
	at := r.c.append(apply)
	r.c.mu.Unlock()
	for {
		r.mu.Lock()
		read, changed := r.read, r.changed
		r.mu.Unlock()
		if read > at {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

var tokens struct {
	sync.Mutex
	n int
}

func signed(s replay.Signed) replay.Signed {
	tokens.Lock()
	defer tokens.Unlock()
	tokens.n++
	s.Token = fmt.Sprint("token", tokens.n)
	return s
}

func (r *registers) Freeze(ctx context.Context, s *replay.Spec, start replay.Start, w replay.Wish) error {
	spec := *s
	w.Signed = signed(w.Signed)
	var holder string // of the key
	err := r.write(ctx, func(known map[string]*entry, at int64) {
		of := ""
		for id, k := range known {
			if id != spec.ID && start.KeyHash() != "" && k.Start.KeyHash() == start.KeyHash() {
				of = id
			}
		}
		if of == "" && known[spec.ID] == nil {
			first := w
			known[spec.ID] = &entry{replay.Known{Spec: spec, Start: start, Order: at, Incarnation: first.Token}, replay.Wishes{State: &first}}
		}
		r.c.mu.Lock()
		holder = of // which each daemon finds
		r.c.mu.Unlock()
	})
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	if holder != "" {
		return fmt.Errorf("freeze: %w", &replay.Taken{ID: holder})
	}
	if k, ok := r.Find(spec.ID); err == nil && (!ok || k.Start.Key != start.Key || k.Start.By != start.By || k.Spec.AsOf != spec.AsOf) {
		return fmt.Errorf("freeze: %w", &replay.Taken{ID: spec.ID})
	}
	return err
}

func (r *registers) Choose(ctx context.Context, id, name string, c replay.Choice) error {
	c.Signed = signed(c.Signed)
	return r.write(ctx, func(known map[string]*entry, _ int64) {
		if e := known[id]; e != nil && e.Incarnation == c.Incarnation {
			e.Choices = maps.Clone(e.Choices)
			if e.Choices == nil {
				e.Choices = map[string]replay.Choice{}
			}
			e.Choices[name] = c
		}
	})
}

// want writes to one of the registers of the replay that by means.
func (r *registers) want(ctx context.Context, id string, by replay.Signed, set func(*replay.Wishes)) error {
	err := r.write(ctx, func(known map[string]*entry, _ int64) {
		if e := known[id]; e != nil && e.Incarnation == by.Incarnation {
			set(&e.wanted)
		}
	})
	if k, ok := r.Find(id); err == nil && ok && k.Incarnation != by.Incarnation {
		return &replay.Conflict{Err: &replay.Another{ID: id}}
	}
	return err
}

func (r *registers) Wish(ctx context.Context, id string, w replay.Wish) error {
	w.Signed = signed(w.Signed)
	return r.want(ctx, id, w.Signed, func(all *replay.Wishes) { all.State = &w })
}

func (r *registers) SetPace(ctx context.Context, id string, p replay.PaceWish) error {
	p.Signed = signed(p.Signed)
	return r.want(ctx, id, p.Signed, func(all *replay.Wishes) { all.Pace = &p })
}

func (r *registers) Cancel(ctx context.Context, id string, by replay.Signed) error {
	by = signed(by)
	return r.want(ctx, id, by, func(all *replay.Wishes) { all.Cancel = &by })
}

func (r *registers) Approve(ctx context.Context, id string, by replay.Signed) error {
	by = signed(by)
	return r.want(ctx, id, by, func(all *replay.Wishes) { all.Approval = &by })
}

func (r *registers) ForgetSilent(ctx context.Context, id, incarnation string) error {
	return r.Forget(ctx, id, incarnation)
}

func (r *registers) Refuse(ctx context.Context, id string, refused replay.Refused) error {
	r.c.mu.Lock()
	deaf := r.c.unrefused
	r.c.mu.Unlock()
	if deaf != nil {
		return deaf
	}
	if r.late != nil {
		<-r.late
	}
	err := r.write(ctx, func(known map[string]*entry, _ int64) {
		if e := known[id]; e != nil && e.Incarnation == refused.Incarnation {
			e.Refused = &refused
		}
	})
	if k, ok := r.Find(id); err == nil && (!ok || k.Incarnation != refused.Incarnation) {
		return &replay.Conflict{Err: &replay.Another{ID: id}}
	}
	return err
}

func (r *registers) Forget(ctx context.Context, id, incarnation string) error {
	if k, ok := r.Find(id); ok && incarnation != "" && incarnation != k.Incarnation {
		return &replay.Conflict{Err: &replay.Another{ID: id}}
	}
	return r.write(ctx, func(known map[string]*entry, _ int64) { delete(known, id) })
}

func (r *registers) Tell(_ context.Context, l replay.Live) error {
	if d := (*daemon)(r); d.isDead() || d.isFrozen() {
		return errDead
	}
	l.At = l.At.Add(r.skew)
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	r.c.told[l.ID]++
	r.c.append(func(known map[string]*entry, _ int64) {
		if k := known[l.ID]; k != nil {
			word := l
			k.Live = &word
			if l.State.Terminal() {
				k.Live = nil
			}
		}
	})
	return nil
}

func (r *registers) Audit(ctx context.Context, a replay.Audited) error {
	if d := (*daemon)(r); d.isDead() || d.isFrozen() {
		return errDead
	}
	if r.silent {
		<-ctx.Done()
		return ctx.Err()
	}
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	if r.c.deaf == nil {
		r.c.audit = append(r.c.audit, a)
	}
	return r.c.deaf
}

func (r *registers) Audited(_ context.Context, _ string, from int64, limit int) (acts []replay.Audited, next int64, err error) {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	acts = slices.Clone(r.c.audit[min(from, int64(len(r.c.audit))):])
	if len(acts) > limit {
		return acts[:limit], from + int64(limit), nil
	}
	return acts, 0, nil
}

// work is the daemon's.
type work daemon

func (w *work) Mine(topic string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mine[topic]
}

func (w *work) Changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.divided
}

func (w *work) Ready() error { return nil }

// wait lets fake time pass, and all that happens in it.
func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// begin starts a replay of n events at a daemon.
func (d *daemon) begin(id, topic string, n int64, setting string) {
	d.c.t.Helper()
	_, created, err := d.Start(as(d.c.t, "anna"), api.Start{ID: id, Archive: "a", Topic: topic, Limit: n, Pace: setting})
	if err != nil || !created {
		d.c.t.Fatal(created, err)
	}
}

// stands returns a replay as the daemon sees it.
func (d *daemon) stands(id string) api.Replay {
	d.c.t.Helper()
	r, err := d.Replay(d.c.t.Context(), id)
	if err != nil {
		d.c.t.Fatal(err)
	}
	return r
}

// words is how often something was told of each replay.
func (c *cluster) words() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.told)
}

// came is how many records each replay has in a topic, in the order of the replays; it fails when they are mixed or not whole.
func (c *cluster) came(topic string) string {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	var parts []string
	for i, p := range c.topics[topic] {
		last := i+1 == len(c.topics[topic]) || c.topics[topic][i+1].id != p.id
		if first := i == 0 || c.topics[topic][i-1].id != p.id; first && p.seq != 1 || !first && p.seq != c.topics[topic][i-1].seq+1 {
			c.t.Errorf("record %d of %s is %+v", i, topic, p)
		}
		if last {
			parts = append(parts, fmt.Sprint(p.id, ":", p.seq))
		}
	}
	return strings.Join(parts, " ")
}

func mustPace(t *testing.T, text string) pace.Setting {
	t.Helper()
	s, err := pace.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
