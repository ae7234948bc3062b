package dedupe

import (
	"math/rand/v2"
	"slices"
	"testing"

	"replayd/archive"
)

// rowsOf draws rows whose keys are uniform, or all alike in their leading bits.
func rowsOf(rng *rand.Rand, n int, alike bool) []row {
	out := make([]row, n)
	for i := range out {
		out[i] = row{archive.Hash{Hi: rng.Uint64(), Lo: rng.Uint64N(4)}, rng.Uint64N(3), rng.Int64N(100)}
		if alike {
			out[i].key.Hi %= 40
		}
	}
	return out
}

func all(t *testing.T, c cursor) (out []row) {
	t.Helper()
	for {
		r, err := c.next()
		if err != nil {
			t.Fatal(err)
		}
		if r == nil {
			return out
		}
		out = append(out, *r)
	}
}

func TestATableIsSorted(t *testing.T) {
	var s sorter // whose memory is used again
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 5))
		var table table
		want := map[archive.Hash]row{}
		for _, r := range rowsOf(rng, rng.IntN(2000), seed%2 == 0) {
			if table.find(r.key) == nil {
				table.add(r, &memory{})
				want[r.key] = r
			}
		}
		got := all(t, s.sort(&table))
		if !slices.IsSortedFunc(got, func(a, b row) int { return a.compare(&b) }) {
			t.Errorf("seed %d: not in order", seed)
		}
		for _, r := range got {
			if want[r.key] != r {
				t.Errorf("seed %d: got %+v, want %+v", seed, r, want[r.key])
			}
		}
		if len(got) != len(want) {
			t.Errorf("seed %d: %d rows, want %d", seed, len(got), len(want))
		}
	}
}

func TestMergingFoldsRowsOfTheSameKeyAndBody(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 6))
		type place struct {
			key  archive.Hash
			body uint64
		}
		want := map[place]int64{}
		var from []cursor
		for range rng.IntN(6) {
			rows := rowsOf(rng, rng.IntN(200), true)
			slices.SortFunc(rows, func(a, b row) int { return a.compare(&b) })
			from = append(from, &sorted{rows})
			for _, r := range rows {
				at, there := want[place{r.key, r.body}]
				if !there {
					at = r.at
				}
				want[place{r.key, r.body}] = max(at, r.at)
			}
		}
		m, err := merge(from)
		if err != nil {
			t.Fatal(err)
		}
		got := all(t, m)
		for i, r := range got {
			if i > 0 && got[i-1].compare(&r) >= 0 {
				t.Errorf("seed %d: %+v behind %+v", seed, r, got[i-1])
			}
			if want[place{r.key, r.body}] != r.at {
				t.Errorf("seed %d: %+v, want %d", seed, r, want[place{r.key, r.body}])
			}
		}
		if len(got) != len(want) {
			t.Errorf("seed %d: %d rows, want %d", seed, len(got), len(want))
		}
	}
}
