package dedupe

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zeebo/xxh3"

	"replayd/archive"
	"replayd/replay/shelf"
)

// budgets are from one that freezes each row to one that freezes none.
var budgets = []int64{1, 80 << 10, 300 << 10, 1 << 20, 0}

// small returns an index on a shelf of its own.
func small(t *testing.T, o Options) *Index {
	t.Helper()
	if o.Shelf == nil {
		o.Shelf = shelf.New(shelf.Options{Folder: t.TempDir(), Limit: 1 << 30})
	}
	x := New(o)
	t.Cleanup(x.Close)
	return x
}

// judged looks at an event and remembers it, as a replay does.
func judged(x *Index, id archive.Hash, body uint64, at int64) (Verdict, error) {
	verdict, err := x.Look(id, body, at)
	if err != nil {
		return Unseen, err
	}
	return verdict, x.Insert(id, body, at)
}

func sighted(t *testing.T, x *Index, id archive.Hash, body uint64, at int64) Verdict {
	t.Helper()
	v, err := judged(x, id, body, at)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func hash(s string) archive.Hash { return archive.Hash(xxh3.HashString128(s)) }

// sight plays a line "a/1@0 a/1@90": ids, bodies and merge times in seconds, and returns the verdicts.
func sight(t *testing.T, x *Index, line string) string {
	t.Helper()
	var out []string
	for word := range strings.FieldsSeq(line) {
		id, rest, _ := strings.Cut(word, "/")
		body, at, _ := strings.Cut(rest, "@")
		seconds, _ := strconv.ParseInt(at, 10, 64)
		verdict := sighted(t, x, hash(id), xxh3.HashString(body), seconds*int64(time.Second))
		out = append(out, [...]string{"new", "dup", "conflict"}[verdict])
	}
	return strings.Join(out, " ")
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"same id and body", "a/1@0 a/1@0", "new dup"},
		{"another id", "a/1@0 b/1@0", "new new"},
		{"another body", "a/1@0 a/2@1", "new conflict"},
		{"0.9 horizons apart", "a/1@0 a/1@90", "new dup"},
		{"exactly the horizon", "a/1@0 a/1@100", "new dup"},
		{"1.1 horizons apart", "a/1@0 a/1@110", "new new"},
		{"1.8 horizons, with a copy between that was not produced", "a/1@0 a/1@90 a/1@180", "new dup dup"},
		{"a body seen again after another", "a/1@0 a/2@10 a/1@20 a/2@30", "new conflict dup dup"},
		{"the other body is out of reach", "a/1@0 a/2@110", "new new"},
		{"own body out of reach, another within", "a/1@0 a/2@50 a/1@120", "new conflict conflict"},
		{"the same in one generation", "a/1@1 a/2@20 a/1@115 a/3@118", "new conflict conflict conflict"},
		{"three bodies", "a/1@0 a/2@1 a/3@2 a/2@3 a/3@90 a/1@101", "new conflict conflict dup dup conflict"},
		{"all further bodies out of reach", "a/1@0 a/2@1 a/3@2 a/4@103", "new conflict conflict new"},
		{"before 1970", "a/1@-500 a/1@-450 a/1@-300", "new dup new"},
		{"after a long silence", "a/1@0 a/1@100000 a/2@100050", "new new conflict"},
	} {
		for _, budget := range budgets {
			t.Run(fmt.Sprint(c.name, ", memory ", budget), func(t *testing.T) {
				x := small(t, Options{Horizon: 100 * time.Second, Memory: budget})
				if got := sight(t, x, c.in); got != c.want {
					t.Errorf("%s\n got %s\nwant %s", c.in, got, c.want)
				}
			})
		}
	}
}

func TestHorizonOfZeroFindsOnlyEqualTimes(t *testing.T) {
	if got := sight(t, small(t, Options{}), "a/1@5 a/1@5 a/1@6"); got != "new dup new" {
		t.Error(got)
	}
}

// model is the rule itself: when each body of an id was last sighted.
type model struct {
	horizon int64
	id      func(uint64) archive.Hash
	last    map[uint64]map[uint64]int64
	seen    []event
}

type event struct {
	id, body uint64
	at       int64
}

func (m *model) sight(e event) Verdict {
	verdict := Unseen
	for body, at := range m.last[e.id] {
		switch {
		case e.at-at > m.horizon:
		case body == e.body:
			verdict = Duplicate
		case verdict == Unseen:
			verdict = Conflict
		}
	}
	if m.last[e.id] == nil {
		m.last[e.id] = map[uint64]int64{}
	}
	m.last[e.id][e.body] = e.at
	m.seen = append(m.seen, e)
	return verdict
}

func idOf(n uint64) archive.Hash {
	return archive.Hash(xxh3.Hash128(binary.BigEndian.AppendUint64(nil, n)))
}

// crowded are ids of one shard, so that its tables and segments are large.
func crowded(n uint64) archive.Hash {
	id := idOf(n)
	id.Hi >>= shardBits
	return id
}

// TestAgreesWithTheRuleAndAfterEachRebuild has ids with many bodies and few, in every memory, and indexes that a continued
// replay makes anew.
func TestAgreesWithTheRuleAndAfterEachRebuild(t *testing.T) {
	for seed := range uint64(2) {
		for _, of := range []struct {
			ids, bodies uint64
			id          func(uint64) archive.Hash
		}{{150, 3, idOf}, {5000, 2, idOf}, {5000, 2, crowded}, {1, 4, idOf}, {3, 2000, idOf}, {1, 1, idOf}} {
			for _, budget := range budgets {
				t.Run(fmt.Sprintf("seed %d, %d ids, %d bodies, memory %d", seed, of.ids, of.bodies, budget), func(t *testing.T) {
					rng := rand.New(rand.NewPCG(seed, 1))
					m := &model{horizon: 1000, id: of.id, last: map[uint64]map[uint64]int64{}}
					o := Options{Horizon: 1000, BitsPerID: 2, Memory: budget}
					x := small(t, o)
					at := int64(-5000)
					for range 2000 {
						at += rng.Int64N(3) * rng.Int64N(3)
						if rng.IntN(400) == 0 {
							at += rng.Int64N(1500)
						}
						e := event{rng.Uint64N(of.ids), rng.Uint64N(of.bodies), at}
						if got, want := sighted(t, x, of.id(e.id), e.body, at), m.sight(e); got != want {
							t.Fatalf("event %+v: got %v, want %v", e, got, want)
						}
						if rng.IntN(700) == 0 {
							x = rebuild(t, o, rng, m, at)
						}
					}
				})
			}
		}
	}
}

// rebuild makes an index as a continued replay does: from the sightings within the horizon, in any order.
func rebuild(t *testing.T, o Options, rng *rand.Rand, m *model, at int64) *Index {
	t.Helper()
	x := small(t, o)
	for _, i := range rng.Perm(len(m.seen)) {
		if e := m.seen[i]; at-e.at <= m.horizon {
			if err := x.Insert(m.id(e.id), e.body, e.at); err != nil {
				t.Fatal(err)
			}
		}
	}
	return x
}

func TestFalsePositivesDropNothing(t *testing.T) {
	x := small(t, Options{Horizon: time.Hour, BitsPerID: 1, Memory: 2 << 20})
	const n = 200_000
	for i := range uint64(n) {
		if v := sighted(t, x, idOf(i), 0, int64(i)*int64(100*time.Millisecond)); v != Unseen {
			t.Fatalf("event %d: verdict %d", i, v)
		}
	}
	if got := x.Stats().FalsePositives; got < 5_000 {
		t.Errorf("the filter was asked to fail and gave only %d false positives: this test proves nothing", got)
	}
}

func TestFilterSizedByDefaultIsRight(t *testing.T) {
	x := small(t, Options{Horizon: time.Hour})
	const n = 300_000
	for i := range uint64(n) {
		sighted(t, x, idOf(i), 0, 0)
	}
	if rate := float64(x.Stats().FalsePositives) / n; rate > 0.005 {
		t.Errorf("%.2f %% false positives", rate*100)
	}
}

// TestOneIDWithManyBodiesCostsNoTime has an archive whose id is the same in all events: quadratic work would not end, and
// what is on the shelf is not read for each.
func TestOneIDWithManyBodiesCostsNoTime(t *testing.T) {
	for _, budget := range []int64{0, 2 << 20} {
		x := small(t, Options{Horizon: time.Hour, Memory: budget})
		const n = 60_000
		for i := range uint64(n) {
			want := Conflict
			if i == 0 {
				want = Unseen
			}
			if v := sighted(t, x, idOf(1), i, int64(i)*int64(10*time.Millisecond)); v != want {
				t.Fatalf("event %d: verdict %d", i, v)
			}
		}
		if s := x.Stats(); s.Rows < n || s.Reads > n/100 {
			t.Errorf("memory %d: %+v", budget, s)
		}
	}
}

func TestGenerationsBeyondTheHorizonAreDropped(t *testing.T) {
	on := shelf.New(shelf.Options{Folder: t.TempDir(), Limit: 1 << 30, Volume: 4 << 10})
	x := small(t, Options{Horizon: time.Minute, Memory: 1, Shelf: on})
	most := int64(0)
	for i := range uint64(20_000) {
		sighted(t, x, idOf(i), 0, int64(i)*int64(time.Second))
		most = max(most, x.Stats().Rows)
		if u := on.Use(); u.Bytes > 16<<10 {
			t.Fatalf("on the shelf for %d rows: %+v", x.Stats().Rows, u)
		}
	}
	if most > 60*generations/(generations-1)+1 {
		t.Errorf("%d sightings held for a horizon of 60", most)
	}
	if v, err := x.Look(idOf(1), 0, 1<<60); v != Unseen || err != nil {
		t.Error(v, err)
	}
	if u := on.Use(); u != (shelf.Use{}) {
		t.Errorf("behind the horizon there is left: %+v", u)
	}
}

func TestCloseGivesAllBack(t *testing.T) {
	on := shelf.New(shelf.Options{Folder: t.TempDir(), Limit: 1 << 30})
	x := New(Options{Horizon: time.Hour, Memory: 1, Shelf: on})
	for i := range uint64(1000) {
		sighted(t, x, idOf(i), 0, int64(i)*int64(4*time.Second))
	}
	if u := on.Use(); u.Files != 1 {
		t.Errorf("on the shelf: %+v", u)
	}
	x.Close()
	if u := on.Use(); u != (shelf.Use{}) {
		t.Errorf("left on the shelf: %+v", u)
	}
}

// TestSightingsThatNoLookCanReachAreNotHeld inserts, as only a rebuild could, what lies too far back.
func TestSightingsThatNoLookCanReachAreNotHeld(t *testing.T) {
	x := small(t, Options{Horizon: time.Minute})
	const young, old = 100 * time.Hour, 100*time.Hour - 80*time.Second // four generations apart: in the same lane
	for _, at := range []time.Duration{old, young, old} {
		for i := range uint64(100) {
			if err := x.Insert(idOf(i), uint64(at), int64(at)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if s := x.Stats(); s.Rows != 100 {
		t.Errorf("%+v", s)
	}
	if v := sighted(t, x, idOf(5), uint64(young), int64(young)); v != Duplicate {
		t.Error(v)
	}
}

func TestAFullShelfComesWithItsCure(t *testing.T) {
	x := small(t, Options{Horizon: time.Hour, Memory: 1, Shelf: shelf.New(shelf.Options{Folder: t.TempDir(), Limit: 100 * rowSize})})
	var err error
	for i := uint64(0); i < 1000 && err == nil; i++ {
		_, err = judged(x, idOf(i), 0, 0)
	}
	if err == nil || !strings.Contains(err.Error(), "Raise limits.spill_size") {
		t.Error(err)
	}
}

func TestAShelfThatCannotBeWrittenComesWithItsCure(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	x := small(t, Options{Memory: 1, Shelf: shelf.New(shelf.Options{Folder: folder, Limit: 1 << 30})})
	if _, err := judged(x, idOf(1), 0, 0); err == nil || !strings.Contains(err.Error(), "--spill-dir") {
		t.Error(err)
	}
}

// TestAShelfThatCannotBeReadComesWithItsCure closes the files under an index, one for each segment.
func TestAShelfThatCannotBeReadComesWithItsCure(t *testing.T) {
	x := New(Options{Horizon: time.Hour, Memory: 1, Shelf: shelf.New(shelf.Options{Folder: t.TempDir(), Limit: 1 << 30, Volume: 1})})
	for i := range uint64(few) { // all in one cell
		sighted(t, x, archive.Hash{Hi: 7, Lo: i<<58 | 1}, 0, 0)
	}
	for _, s := range x.shards[0].cells[0].segments {
		s.part.Drop()
	}
	says := func(what string, err error) {
		if err == nil || !strings.Contains(err.Error(), "read the index of duplicates: ") || !strings.Contains(err.Error(), "--spill-dir") {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := x.Look(archive.Hash{Hi: 7, Lo: 1}, 0, 0)
	says("look", err)
	says("merge", x.Insert(archive.Hash{Hi: 7, Lo: few << 58}, 0, 0))
	says("filter", x.shards[0].refilter(8, &x.memory))
}
