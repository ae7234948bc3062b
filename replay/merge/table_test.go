package merge

import "testing"

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
