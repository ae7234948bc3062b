package merge

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"unsafe"
)

// TestATableHoldsItsEntriesWhereTheyWere fills a table beyond its rows, twice.
func TestATableHoldsItsEntriesWhereTheyWere(t *testing.T) {
	var of table
	for round := range 2 {
		var first *entry
		for i := range 3*rowEntries + 7 {
			of.add(&entry{offset: int64(i)})
			if i == rowEntries-1 {
				first = of.at(0)
			}
		}
		if of.at(0) != first {
			t.Errorf("round %d: entries of a full row have moved", round)
		}
		for i := range of.size {
			if at := of.at(i).offset; at != int64(i) {
				t.Fatalf("round %d: entry %d is %d", round, i, at)
			}
		}
		room := 0
		for _, row := range of.rows {
			room += cap(row)
		}
		if of.size != 3*rowEntries+7 || room > of.size+rowEntries {
			t.Errorf("round %d: room for %d entries of %d", round, room, of.size)
		}
		of.empty()
	}
}

// TestAnUnsortedRunHoldsNoMoreThanItIsCharged has an object of many short events in no order: its entries, and what sorting them
// takes, are most of what it holds.
func TestAnUnsortedRunHoldsNoMoreThanItIsCharged(t *testing.T) {
	const n, seed = 50_000, 11
	rng, text := rand.New(rand.NewPCG(seed, 1)), []string(nil)
	for range n {
		text = append(text, strconv.Itoa(rng.IntN(1000)))
	}
	cfg, _ := setup(t, "a 0:"+strings.Join(text, " "), Rules{To: seconds("1000"), Lateness: seconds("1000")}, func(c *Config) { c.Step = 600 })
	m := New(t.Context(), cfg)
	defer m.Close()
	if _, err := m.Next(t.Context(), make([]Item, 1)); err != nil {
		t.Fatal(err)
	}
	r := m.heap[0].run.(*resident)
	held := len(r.order) * placeSize
	for _, row := range r.entries.rows {
		held += cap(row) * int(unsafe.Sizeof(entry{}))
	}
	for _, page := range r.pages {
		held += cap(page)
	}
	row := rowEntries * int(unsafe.Sizeof(entry{})) // the last is not full
	if charged := cfg.Memory - m.budget.left.Load(); len(r.order) < n || int64(held) > charged+int64(row) {
		t.Errorf("%d events in no order hold %d bytes, and %d are charged", len(r.order), held, charged)
	}
}
