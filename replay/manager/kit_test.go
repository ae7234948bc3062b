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

	"replayd/archive"
	"replayd/archive/archivetest"
	"replayd/archive/format"
	"replayd/archive/layout"
	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/pace"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// cluster is Kafka to several daemons: a log that each of them reads at its own speed, and topics that take what the newest
// session of a replay commits.
type cluster struct {
	t *testing.T

	mu      sync.Mutex
	rng     *rand.Rand
	log     []func(map[string]*replay.Known, int64)
	grown   chan struct{}
	audit   []replay.Audited
	topics  map[string][]produced
	replays map[string]*taken
	deaf    error                 // what the audit says instead of taking anything
	fate    func(id string) error // of a commit; nil: all go well
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
		t: t, rng: rand.New(rand.NewPCG(seed, 5)), grown: make(chan struct{}), topics: map[string][]produced{}, replays: map[string]*taken{},
	}
}

// append writes a record and returns its offset. The lock is held.
func (c *cluster) append(apply func(map[string]*replay.Known, int64)) int {
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
	known   map[string]*replay.Known
	read    int
	changed chan struct{}
	mine    map[string]bool
	divided chan struct{}
	unready error
	noMore  error // what Source says
	opens   int
	silent  bool // nothing answers it to what it writes to the audit
}

// daemon begins one. What it should not have as it is the caller changes in its options.
func (c *cluster) daemon(name string, mine []string, options ...func(*Options)) *daemon {
	d := &daemon{
		c: c, name: name, known: map[string]*replay.Known{}, changed: make(chan struct{}), mine: map[string]bool{},
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
		if err := d.Run(ctx); err != nil {
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
		if d.readTo(end) {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-grown:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(d.c.short()):
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
	return all
}

func copyOf(k *replay.Known) replay.Known {
	c := *k
	if k.Wish != nil {
		w := *k.Wish
		c.Wish = &w
	}
	if k.Checkpoint != nil {
		p := *k.Checkpoint
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

func (r *registers) Changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

func (r *registers) Ready() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unready
}

// write appends a record and waits until it is read back.
func (r *registers) write(ctx context.Context, apply func(map[string]*replay.Known, int64)) error {
	if (*daemon)(r).isDead() {
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

func signed(w replay.Wish) replay.Wish {
	tokens.Lock()
	defer tokens.Unlock()
	tokens.n++
	w.Token = fmt.Sprint("token ", tokens.n)
	return w
}

func (r *registers) Freeze(ctx context.Context, s *replay.Spec, start replay.Start, w replay.Wish) error {
	spec, w := *s, signed(w)
	err := r.write(ctx, func(known map[string]*replay.Known, at int64) {
		if known[spec.ID] == nil {
			first := w
			known[spec.ID] = &replay.Known{Spec: spec, Start: start, Order: at, Wish: &first}
		}
	})
	if k, ok := r.Find(spec.ID); err == nil && (!ok || k.Start.Key != start.Key || k.Start.By != start.By || k.Spec.AsOf != spec.AsOf) {
		return fmt.Errorf("freeze: %w", &replay.Taken{ID: spec.ID})
	}
	return err
}

func (r *registers) Wish(ctx context.Context, id string, w replay.Wish) error {
	w = signed(w)
	return r.write(ctx, func(known map[string]*replay.Known, _ int64) {
		if k := known[id]; k != nil {
			newest := w
			k.Wish = &newest
		}
	})
}

func (r *registers) Forget(ctx context.Context, id string) error {
	return r.write(ctx, func(known map[string]*replay.Known, _ int64) { delete(known, id) })
}

func (r *registers) Tell(_ context.Context, l replay.Live) error {
	if (*daemon)(r).isDead() {
		return errDead
	}
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	r.c.append(func(known map[string]*replay.Known, _ int64) {
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
	if (*daemon)(r).isDead() {
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

func (r *registers) Audited(context.Context, string, string, int) ([]replay.Audited, string, error) {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	return slices.Clone(r.c.audit), "", nil
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

// sessions are the daemon's. A replay's archive holds as many events as its spec's limit says, one a second.
type sessions daemon

func (s *sessions) Source(_ context.Context, spec *replay.Spec) (archive.Source, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var text strings.Builder
	for i := range spec.Limit {
		fmt.Fprintf(&text, "{\"id\":\"%d\",\"t\":%q}\n", i, noon.Add(time.Duration(i)*time.Second).Format(time.RFC3339))
	}
	l, err := layout.Named("%Y/%m/%d/%H/")
	return archive.Source{
		Store: archivetest.NewFaulty(map[string][]byte{"2026/11/01/12/a": []byte(text.String())}), Layout: l, Format: format.Lines{},
		Decoder: func() archive.Decoder { return &format.Decoder{} },
	}, errors.Join(err, s.noMore)
}

func (s *sessions) Sink(k *replay.Known) Sink {
	return &sink{d: (*daemon)(s), id: k.Spec.ID, topic: k.Spec.Topic}
}

func (s *sessions) Options(k *replay.Known) (replay.Options, error) {
	o := replay.Options{Spill: s.c.t.TempDir()}
	return o, o.Pace.UnmarshalText([]byte(k.Start.Pace))
}

// sink is that of one session.
type sink struct {
	d         *daemon
	id, topic string
	epoch     int
	seq       int
}

// waits takes a moment, for ever at a daemon that is dead.
func (s *sink) waits(ctx context.Context) error {
	select {
	case <-time.After(s.d.c.short()):
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.d.isDead() {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (s *sink) Open(ctx context.Context, _ *replay.Spec) (replay.Durable, error) {
	s.d.mu.Lock()
	s.d.opens++
	s.d.mu.Unlock()
	if err := s.waits(ctx); err != nil {
		return replay.Durable{}, err
	}
	c := s.d.c
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.replays[s.id]
	resumed := t != nil
	if !resumed {
		t = &taken{durable: replay.Durable{Checkpoint: replay.Checkpoint{State: replay.Running}, Hours: map[string]replay.HourRecord{}}}
		c.replays[s.id] = t
	}
	t.epoch++
	s.epoch, s.seq = t.epoch, int(t.durable.Checkpoint.Seq)
	s.write(t.durable.Checkpoint)
	d := t.durable
	d.Resumed, d.Hours = resumed, maps.Clone(d.Hours)
	return d, nil
}

// write lets the log tell of a checkpoint. The lock is held.
func (s *sink) write(checkpoint replay.Checkpoint) {
	s.d.c.append(func(known map[string]*replay.Known, _ int64) {
		if k := known[s.id]; k != nil {
			c := checkpoint
			k.Begun, k.Checkpoint = true, &c
		}
	})
}

func (s *sink) Commit(ctx context.Context, chunk *replay.Chunk) error {
	if err := s.waits(ctx); err != nil {
		return err
	}
	c := s.d.c
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.replays[s.id]
	if t.epoch != s.epoch {
		return &replay.TakenOver{Host: "another", PID: 1}
	}
	if c.fate != nil {
		if err := c.fate(s.id); err != nil {
			return err
		}
	}
	for range chunk.Records {
		s.seq++
		c.topics[s.topic] = append(c.topics[s.topic], produced{s.id, s.seq})
	}
	t.durable.Checkpoint = chunk.Checkpoint
	t.durable.Checkpoint.Commit++
	for _, h := range chunk.Hours {
		t.durable.Hours[h.Hour] = h
	}
	s.write(t.durable.Checkpoint)
	return nil
}

func (s *sink) Watch(context.Context, time.Time, time.Time) string { return "" }

func (s *sink) Close() {}

// desk is the daemon's: of a start it takes id, topic, limit, pace and reason.
type desk daemon

func (d *desk) Spec(_ context.Context, s api.Start) (replay.Spec, replay.Start, error) {
	if s.Topic == "forbidden" {
		p := api.NewProblem(403, "topic forbidden is no target")
		p.Item = "not-allowed"
		return replay.Spec{}, replay.Start{}, p
	}
	return specOf(s.ID, s.Topic, s.Limit), replay.Start{Pace: s.Pace, Size: s.Limit, Allow: s.Allow}, nil
}

func specOf(id, topic string, events int64) replay.Spec {
	spec := replay.Defaults()
	spec.ID, spec.Topic, spec.Archive, spec.Limit = id, topic, "a", events
	spec.Fields = archive.Fields{ID: "/id", Time: "/t"}
	spec.Window.From, spec.Window.To, spec.AsOf = noon, noon.Add(time.Hour), noon.Add(24*time.Hour)
	return spec
}

func (d *desk) Plan(context.Context, api.Start) (api.Plan, error) { return api.Plan{}, nil }

func (d *desk) Archives(context.Context) (api.Page[api.Archive], error) {
	return api.Page[api.Archive]{}, nil
}

func (d *desk) Hours(context.Context, string, api.Span) (api.Page[api.Hour], error) {
	return api.Page[api.Hour]{}, nil
}

func (d *desk) Quarantine(context.Context, string, api.PageQuery) (api.Page[api.Quarantined], error) {
	return api.Page[api.Quarantined]{}, nil
}

func (d *desk) Offsets(context.Context, *replay.Known, time.Time) (api.Offsets, error) {
	return api.Offsets{}, nil
}

func (d *desk) Group(context.Context, *replay.Known, string) (api.Group, error) {
	return api.Group{}, nil
}

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
