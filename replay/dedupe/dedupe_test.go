package dedupe

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zeebo/xxh3"

	"replayd/archive"
)

func hash(s string) archive.Hash {
	h := xxh3.HashString128(s)
	return archive.Hash{Hi: h.Hi, Lo: h.Lo}
}

// sight plays a line "a/1@0 a/1@90": ids, bodies and merge times in seconds, and returns the verdicts.
func sight(x *Index, line string) string {
	var out []string
	for word := range strings.FieldsSeq(line) {
		id, rest, _ := strings.Cut(word, "/")
		body, at, _ := strings.Cut(rest, "@")
		seconds, _ := strconv.ParseInt(at, 10, 64)
		verdict := x.Sight(hash(id), xxh3.HashString(body), seconds*int64(time.Second))
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
		{"three bodies", "a/1@0 a/2@1 a/3@2 a/2@3 a/3@90 a/1@101", "new conflict conflict dup dup conflict"},
		{"before 1970", "a/1@-500 a/1@-450 a/1@-300", "new dup new"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sight(New(Options{Horizon: 100 * time.Second}), c.in); got != c.want {
				t.Errorf("%s\n got %s\nwant %s", c.in, got, c.want)
			}
		})
	}
}

func TestHorizonOfZeroFindsOnlyEqualTimes(t *testing.T) {
	if got := sight(New(Options{}), "a/1@5 a/1@5 a/1@6"); got != "new dup new" {
		t.Error(got)
	}
}

// model is the rule itself: all sightings, searched one by one.
type model struct {
	horizon int64
	seen    []event
}

type event struct {
	id, body uint64
	at       int64
}

func (m *model) sight(e event) Verdict {
	verdict := Unseen
	for _, s := range m.seen {
		if s.id != e.id || e.at-s.at > m.horizon {
			continue
		}
		if s.body == e.body {
			verdict = Duplicate
			break
		}
		verdict = Conflict
	}
	m.seen = append(m.seen, e)
	return verdict
}

func idOf(n uint64) archive.Hash {
	h := xxh3.Hash128(binary.BigEndian.AppendUint64(nil, n))
	return archive.Hash{Hi: h.Hi, Lo: h.Lo}
}

func TestAgreesWithTheRuleAndAfterEachRebuild(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			m := &model{horizon: 1000}
			x := New(Options{Horizon: 1000, BitsPerID: 2})
			at := int64(0)
			for range 3000 {
				at += rng.Int64N(20)
				e := event{rng.Uint64N(150), rng.Uint64N(3), at}
				if got, want := x.Sight(idOf(e.id), e.body, at), m.sight(e); got != want {
					t.Fatalf("event %+v: got %v, want %v", e, got, want)
				}
				if rng.IntN(500) == 0 {
					x = rebuild(rng, m, at)
				}
			}
		})
	}
}

// rebuild makes an index as a continued replay does: from the sightings within the horizon, in any order.
func rebuild(rng *rand.Rand, m *model, at int64) *Index {
	x := New(Options{Horizon: 1000, BitsPerID: 2})
	for _, i := range rng.Perm(len(m.seen)) {
		if e := m.seen[i]; at-e.at <= m.horizon {
			x.Insert(idOf(e.id), e.body, e.at)
		}
	}
	return x
}

func TestFalsePositivesDropNothing(t *testing.T) {
	x := New(Options{Horizon: time.Hour, BitsPerID: 1})
	const n = 200_000
	for i := range uint64(n) {
		if v := x.Sight(idOf(i), 0, int64(i)*int64(100*time.Millisecond)); v != Unseen {
			t.Fatalf("event %d: verdict %d", i, v)
		}
	}
	if got := x.Stats().FalsePositives; got < 5_000 {
		t.Errorf("the filter was asked to fail and gave only %d false positives: this test proves nothing", got)
	}
}

func TestFilterSizedByDefaultIsRight(t *testing.T) {
	x := New(Options{Horizon: time.Hour})
	const n = 300_000
	for i := range uint64(n) {
		x.Sight(idOf(i), 0, 0)
	}
	if rate := float64(x.Stats().FalsePositives) / n; rate > 0.01 {
		t.Errorf("%.2f %% false positives", rate*100)
	}
}

func TestOneIDWithManyBodiesCostsNoTime(t *testing.T) {
	x := New(Options{Horizon: time.Hour})
	for i := range uint64(200_000) { // quadratic work would not end
		x.Sight(idOf(1), i, int64(i))
	}
	if got := x.Stats().IDs; got != 200_000 {
		t.Errorf("%d sightings held", got)
	}
}

func TestGenerationsBeyondTheHorizonAreDropped(t *testing.T) {
	x := New(Options{Horizon: time.Minute})
	for i := range uint64(100_000) {
		x.Sight(idOf(i), 0, int64(i)*int64(time.Second))
	}
	if got := x.Stats().IDs; got > 60*(generations+1)/generations+1 {
		t.Errorf("%d sightings held for a horizon of 60", got)
	}
}

func BenchmarkSight(b *testing.B) {
	x := New(Options{Horizon: time.Hour})
	at := int64(0)
	ids := make([]archive.Hash, 1<<20)
	for i := range ids {
		ids[i] = idOf(uint64(i))
	}
	b.ReportAllocs()
	for i := range b.N {
		if i%32 == 0 {
			x.Warm(ids[i&(1<<20-1) : i&(1<<20-1)+32])
		}
		at += int64(4 * time.Millisecond)
		x.Sight(ids[i&(1<<20-1)], uint64(i), at)
	}
}
