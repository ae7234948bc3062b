package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"replayd/archive"
	"replayd/archive/archivetest"
	"replayd/archive/format"
	"replayd/archive/layout"
	"replayd/replay/pace"
)

// specOf is the spec by which the oracle of plan p judges.
func specOf(p archivetest.Plan) Spec {
	return Spec{
		ID: "test", Headers: []string{HeaderSource}, Archive: "generated", Fields: p.Fields(), Topic: "replay",
		Window: Window{On: p.WindowOn, From: p.From, To: p.To},
		Before: Duration(p.SlackBefore), After: Duration(p.SlackAfter), Lateness: Duration(p.Lateness), Horizon: Duration(p.Horizon),
		AsOf: p.To.Add(100 * 24 * time.Hour), Dedupe: true, RecordLimit: p.EventLimit,
	}
}

func sourceOf(t *testing.T, p archivetest.Plan, store archive.Store) archive.Source {
	t.Helper()
	name := p.Layout
	if name == archivetest.LayoutHive {
		name = "dt=%Y-%m-%d/hr=%H/"
	}
	l, err := layout.Named(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := format.Named(p.Format)
	if err != nil {
		t.Fatal(err)
	}
	return archive.Source{Store: store, Layout: l, Format: f, Decoder: func() archive.Decoder { return &format.Decoder{} }}
}

// memory is a sink that keeps everything, as a topic would, and can be made to die.
type memory struct {
	known   bool
	durable Durable
	records []Record
	bad     []Quarantined
	commits int
	dead    bool // until the next session

	mu sync.Mutex // for tests that look at it while a session runs

	fate func() fate // of each commit; nil: all go well
}

// fate is what happens to a commit.
type fate int

const (
	goesWell fate = iota
	diesBefore
	diesAfter // committed, but nobody is told
	refuses
)

var (
	errKilled  = errors.New("killed")
	errRefused = errors.New("refused")
)

func (m *memory) Open(_ context.Context, s *Spec) (Durable, error) {
	if !m.known {
		m.known = true
		m.durable = Durable{Checkpoint: Checkpoint{State: Running}, Hours: map[string]HourRecord{}}
	}
	m.dead = false
	d := m.durable
	d.Resumed = m.commits > 0
	d.Hours = maps.Clone(d.Hours)
	return d, nil
}

func (m *memory) Commit(_ context.Context, c *Chunk) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errKilled
	}
	f := goesWell
	if m.fate != nil {
		f = m.fate()
	}
	m.dead = f == diesBefore || f == diesAfter
	switch f {
	case diesBefore:
		return errKilled
	case refuses:
		return errRefused
	}
	for _, h := range c.Hours {
		if n := len(Encode(h)); n > maxHourRecord {
			return fmt.Errorf("the record of hour %s has %d bytes", h.Hour, n)
		}
	}
	m.commits++
	for _, r := range c.Records { // the chunk's memory is its own
		r.Value, r.Key, r.Headers = slices.Clone(r.Value), cloneOrNil(r.Key), slices.Clone(r.Headers)
		for i := range r.Headers {
			r.Headers[i].Value = slices.Clone(r.Headers[i].Value)
		}
		m.records = append(m.records, r)
	}
	m.bad = append(m.bad, c.Quarantined...)
	c.Checkpoint.Sessions = m.durable.Checkpoint.Sessions
	m.durable.Checkpoint = c.Checkpoint
	m.durable.Checkpoint.Counters = c.Checkpoint.Counters.clone()
	for _, h := range c.Hours {
		m.durable.Hours[h.Hour] = h
	}
	if f == diesAfter {
		return errKilled
	}
	return nil
}

// size is how much came so far, also while a session runs.
func (m *memory) size() (records, commits int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.records), m.commits
}

func cloneOrNil(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

func header(r *Record, name string) (string, bool) {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value), true
		}
	}
	return "", false
}

// fast are options under which a replay is cut into many small chunks.
func fast(t *testing.T) Options {
	return Options{Pace: pace.Unlimited(), Spill: t.TempDir(), MaxBad: 1, chunkRecords: 23, Memory: 64 << 20}
}

// compare holds what came out against the oracle.
func compare(t *testing.T, m *memory, o *archivetest.Oracle, s Spec) {
	t.Helper()
	n := 0
	var bad []string
	for v := range o.Verdicts() {
		switch v.Fate {
		case archivetest.FateQuarantined:
			bad = append(bad, fmt.Sprint(v.Position, " ", v.Bad, " ", v.Length))
		case archivetest.FateProduced:
			if n >= len(m.records) {
				t.Fatalf("%d events produced, the oracle wants more: %s", n, v.Position)
			}
			if err := sameEvent(&m.records[n], v, s); err != nil {
				t.Fatalf("event %d, %s: %v", n+1, v.Position, err)
			}
			n++
		}
	}
	if n != len(m.records) {
		t.Fatalf("%d events produced, the oracle wants %d; the first too many: %s", len(m.records), n, m.records[n].Value)
	}
	var got []string
	for _, q := range m.bad {
		got = append(got, fmt.Sprint(q.Position, " ", q.Reason, " ", q.Range[1]-q.Range[0]))
	}
	if !slices.Equal(got, bad) {
		t.Fatalf("quarantined\n got %v\nwant %v", got, bad)
	}
}

func sameEvent(r *Record, v archivetest.Verdict, s Spec) error {
	e := v.Event()
	if (r.Key == nil) != (e.Key == nil) || string(r.Key) != string(e.Key) {
		return fmt.Errorf("key %q, want %q", r.Key, e.Key)
	}
	if source, _ := header(r, "replay-source"); source != v.Position.String() {
		return fmt.Errorf("source %s, want %s", source, v.Position)
	}
	if string(r.Value) != string(e.Value) {
		return fmt.Errorf("value\n got %s\nwant %s", r.Value, e.Value)
	}
	id, hasID := header(r, "replay-event-id")
	if hasID != (e.ID != nil) || id != string(e.ID) {
		return fmt.Errorf("id %q %v, want %q", id, hasID, e.ID)
	}
	if flags, _ := header(r, "replay-flags"); flags != v.Flags {
		return fmt.Errorf("flags %q, want %q", flags, v.Flags)
	}
	if seq, _ := header(r, "replay-seq"); seq != fmt.Sprint(v.Seq) {
		return fmt.Errorf("seq %s, want %d", seq, v.Seq)
	}
	if at, _ := header(r, "replay-event-time"); at != fmt.Sprint(time.Unix(0, e.Time).UnixMilli()) {
		return fmt.Errorf("event time %s, want %s", at, time.Unix(0, e.Time).UTC())
	}
	if name, _ := header(r, "replay-id"); name != s.ID {
		return fmt.Errorf("replay-id %q", name)
	}
	return nil
}

// sameCounts holds a receipt against the oracle's.
func sameCounts(t *testing.T, r *Receipt, o *archivetest.Oracle) {
	t.Helper()
	if !r.Balanced() {
		t.Errorf("the receipt does not balance: %+v", r.Counters)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range o.Receipt.Differences(text) {
		t.Error(d)
	}
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 77)) }
