package manager

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"replayd/replay"
	"replayd/replay/api"
)

// fixed are Registers that hold what they are given.
type fixed struct {
	Registers

	all []replay.Known
}

func (f fixed) All() []replay.Known { return slices.Clone(f.all) }

func (f fixed) Whole() bool { return true }

func (f fixed) Stale() time.Time { return time.Time{} }

// idle is Work that has nothing.
type idle struct{ Work }

func (idle) Mine(string) bool { return false }

// some are replays in the order of Registers.All; of every third nothing but checkpoints is left.
func some(rng *rand.Rand, n int) []replay.Known {
	all := make([]replay.Known, n)
	for i := range all {
		k := &all[i]
		k.Spec.ID = fmt.Sprintf("r%02d", i)
		if rng.IntN(3) == 0 {
			k.Err = errors.New("its spec is lost")
			continue
		}
		k.Spec.Topic, k.Order = "x", rng.Int64N(1000)
	}
	slices.SortFunc(all, func(a, b replay.Known) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Spec.ID, b.Spec.ID))
	})
	return all
}

// pages are the ids that a manager lists, page after page.
func pages(t *testing.T, m *Manager, limit int) (ids []string) {
	t.Helper()
	for q := (api.Query{PageQuery: api.PageQuery{Limit: limit}}); ; {
		page, err := m.Replays(t.Context(), q)
		if err != nil || len(page.Items) > limit || page.Next != "" && len(page.Items) < limit {
			t.Fatalf("behind %q come %d of %d, next %q: %v", q.After, len(page.Items), limit, page.Next, err)
		}
		for _, r := range page.Items {
			ids = append(ids, r.ID)
		}
		if q.After = page.Next; q.After == "" {
			return ids
		}
	}
}

// TestPagesHoldEachReplayOnce whatever is left of it.
func TestPagesHoldEachReplayOnce(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for range 30 {
		all := some(rng, rng.IntN(12))
		m := New(Options{Registers: fixed{all: all}, Work: idle{}})
		var want []string
		for _, k := range slices.Backward(all) {
			want = append(want, k.Spec.ID)
		}
		for limit := 1; limit <= len(all)+1; limit++ {
			if got := pages(t, m, limit); !slices.Equal(got, want) {
				t.Fatalf("by %d there are %q, want %q", limit, got, want)
			}
		}
	}
}

// TestPagesAreFullOfWhatMayBeSeen as if there was nothing else.
func TestPagesAreFullOfWhatMayBeSeen(t *testing.T) {
	var all []replay.Known
	for i := range 100 {
		k := replay.Known{Order: int64(i)}
		k.Spec.ID, k.Spec.Archive, k.Spec.Topic = fmt.Sprintf("r%02d", i), "payments", "x"
		if i%30 == 0 {
			k.Spec.Archive = "orders"
		}
		all = append(all, k)
	}
	m := New(Options{Registers: fixed{all: all}, Work: idle{}})
	q := api.Query{PageQuery: api.PageQuery{Limit: 2}, Seen: func(archive, topic string) bool { return archive == "orders" && topic == "x" }}
	for _, want := range [][3]string{{"r90", "r60", "60/r60"}, {"r30", "r00", ""}} {
		page, err := m.Replays(t.Context(), q)
		if err != nil || len(page.Items) != 2 || page.Items[0].ID != want[0] || page.Items[1].ID != want[1] || page.Next != want[2] {
			t.Errorf("want %q: %+v, %v", want, page, err)
		}
		q.After = page.Next
	}
}

func TestAListForNobodyIsGivenUp(t *testing.T) {
	m := New(Options{Registers: fixed{all: some(rand.New(rand.NewPCG(1, 1)), 5)}, Work: idle{}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Replays(ctx, api.Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestWhatIsNoPlaceInTheListIsToldAsThat(t *testing.T) {
	m := New(Options{Registers: fixed{all: some(rand.New(rand.NewPCG(1, 1)), 5)}, Work: idle{}})
	for _, after := range []string{"x", "5", "5/", "/r01", "-1/r01", "05/r01", "5/../x", "99999999999999999999/r01", "5/r01 "} {
		if _, err := m.Replays(t.Context(), api.Query{PageQuery: api.PageQuery{After: after}}); problem(err) != "422 query.after" {
			t.Errorf("after %q: %v", after, err)
		}
	}
	if _, err := m.Replays(t.Context(), api.Query{PageQuery: api.PageQuery{After: "7/one-that-is-gone"}}); err != nil {
		t.Errorf("a page goes on behind one that was forgotten: %v", err)
	}
}
