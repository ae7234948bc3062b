// Package dedupe tells whether an event was sighted before, within a horizon of merge time.
//
//	id -> shard -> filter: which generations may hold it? -> table in memory, segments on the shelf -> verdict
//
// Sightings are kept in four generations, slices of merge time that are dropped whole once the horizon has passed them. Each
// shard, of the 256 that the first bits of an id choose from, has a blocked Bloom filter with a lane for each generation.
// One read of it answers "never", as it does for nearly all ids, or tells where to look. What is there decides: a false
// positive of the filter costs a look and never drops an event.
//
// New sightings stand in tables in memory. When an index holds more than it may, the largest table, one of an old generation
// first, is frozen: written to the shelf as a segment, in the order of its keys, with a sparse index in memory. What
// is frozen never changes. A further sighting of the same id is a new row in a table, and what is asked for is looked for in
// all places.
//
// Invariants:
//
//   - verdicts are a function of what was sighted and when: never of memory, or of what was frozen or merged;
//   - a filter knows every key that stands in a table or a segment of its shard;
//   - the index is a cache of the archive: after a crash it is rebuilt by inserting the events of the horizon again, in any
//     order, up to the checkpoint and no further. An index that knew more than the checkpoint would drop events that were
//     never produced.
package dedupe

import (
	"iter"
	"math"
	"slices"
	"time"

	"replayd/archive"
	"replayd/replay/shelf"
)

// Verdict says what an event is to those sighted before it.
type Verdict uint8

// The verdicts. An event that is both is a Duplicate.
const (
	Unseen    Verdict = iota
	Duplicate         // the same id with the same body was sighted within the horizon
	Conflict          // the same id was, but only with other bodies
)

// Options of an Index.
type Options struct {
	Horizon   time.Duration // the longest distance in merge time between an event and its duplicate
	Memory    int64         // bytes that the index holds before it freezes; 0: no limit
	Shelf     *shelf.Shelf  // takes what is frozen; needed when Memory is set
	BitsPerID int           // of the Bloom filters, as long as half of Memory is enough; default 16
}

// Index remembers sightings. It serves one goroutine. The zero value is not usable: see New. After an error, which is the
// shelf's and says how to go on, it is of no more use than to be closed.
type Index struct {
	horizon   int64
	bitsPerID int
	shards    [shards]shard
	timeline  timeline
	memory    memory
	freezer   freezer
	pages     pages
	falseHits int64
	warmed    uint64 // so that nobody finds the reads of Warm to be of no use
}

// Stats count the work of an index.
type Stats struct {
	Rows           int64 // held now: one for each pair of id and body, more for those sighted again after they were frozen
	Frozen         int64 // of them, on the shelf
	Written        int64 // rows written to the shelf so far, by freezing and by merging
	Reads          int64 // of pages from the shelf
	FalsePositives int64 // hits of a Bloom filter that the exact index refuted
	Memory         int64 // bytes held now
}

// New returns an empty index.
func New(o Options) *Index {
	if o.BitsPerID == 0 {
		o.BitsPerID = 16
	}
	x := &Index{
		horizon: int64(o.Horizon), bitsPerID: o.BitsPerID, timeline: newTimeline(int64(o.Horizon)),
		memory: memory{limit: o.Memory}, freezer: freezer{shelf: o.Shelf},
	}
	for i := range x.shards {
		x.shards[i].filter = newFilter(leastBlocks, &x.memory)
	}
	return x
}

// Close gives the shelf back what is held on it.
func (x *Index) Close() {
	for lane := range generations {
		x.drop(lane)
	}
}

// Look judges an event by its id, the hash of its body and its merge time; Insert remembers it. Merge times of calls to Look never
// descend, nor are they below those of Insert.
func (x *Index) Look(id archive.Hash, body uint64, at int64) (Verdict, error) {
	for _, lane := range x.timeline.expired(at) {
		x.drop(lane)
	}
	if x.shard(id).filter.lanes(id) == 0 {
		return Unseen, nil
	}
	return x.judge(id, body, at)
}

// judge decides by all rows there are of an id.
func (x *Index) judge(id archive.Hash, body uint64, at int64) (Verdict, error) {
	verdict, known := Unseen, false
	for r, err := range x.rows(id) {
		if err != nil {
			return Unseen, err
		}
		known = true
		switch {
		case at-r.at > x.horizon:
		case r.body == body:
			return Duplicate, nil
		default:
			verdict = Conflict
		}
	}
	if !known {
		return Unseen, nil
	}
	same, err := x.sighted(pair(id, body), at)
	if err != nil {
		return Unseen, err
	}
	if same {
		return Duplicate, nil
	}
	if verdict == Unseen { // not by the first bodies of the id
		other, err := x.sighted(others(id), at)
		if other {
			verdict = Conflict
		}
		return verdict, err
	}
	return verdict, nil
}

// sighted reports whether there is a row of key within the horizon.
func (x *Index) sighted(key archive.Hash, at int64) (bool, error) {
	for r, err := range x.rows(key) {
		if err != nil {
			return false, err
		}
		if at-r.at <= x.horizon {
			return true, nil
		}
	}
	return false, nil
}

// rows are those of a key, from the youngest generation to the oldest. An error is the last of them.
func (x *Index) rows(key archive.Hash) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		s := x.shard(key)
		maybe := s.filter.lanes(key)
		for slice := x.timeline.newest; slice > x.timeline.newest-generations; slice-- {
			if lane := laneOf(slice); maybe.has(lane) && !x.rowsOf(&s.cells[lane], key, yield) {
				return
			}
		}
	}
}

// rowsOf yields the rows of a key that a cell has, the youngest first, and reports whether more are asked for.
func (x *Index) rowsOf(c *cell, key archive.Hash, yield func(row, error) bool) (more bool) {
	known := false
	if r := c.table.find(key); r != nil {
		known = true
		if !yield(*r, nil) {
			return false
		}
	}
	for _, s := range slices.Backward(c.segments) {
		if !s.may(key) {
			continue
		}
		p, err := x.pages.read(s, key)
		if err != nil {
			yield(row{}, err)
			return false
		}
		for r := range p.rows(key) {
			known = true
			if !yield(r, nil) {
				return false
			}
		}
	}
	if !known {
		x.falseHits++
	}
	return true
}

// Insert remembers an event without judging it. It may be called in any order of merge times. What no Look to come can
// reach is not remembered.
func (x *Index) Insert(id archive.Hash, body uint64, at int64) error {
	lane, replaced, reachable := x.timeline.lane(at)
	if !reachable {
		return nil
	}
	if replaced {
		x.drop(lane)
	}
	r := x.known(lane, id)
	switch {
	case r == nil:
		return x.add(lane, row{id, body, at})
	case r.body == body:
		r.at = max(r.at, at)
		return nil
	}
	if err := x.put(lane, row{pair(id, body), body, at}); err != nil {
		return err
	}
	return x.put(lane, row{others(id), 0, at})
}

// known is the row of a key in memory, nil when there is none.
func (x *Index) known(lane int, key archive.Hash) *row {
	s := x.shard(key)
	if !s.filter.lanes(key).has(lane) {
		return nil
	}
	return s.cells[lane].table.find(key)
}

// put adds a row or, when its key is there, keeps the larger merge time.
func (x *Index) put(lane int, r row) error {
	if known := x.known(lane, r.key); known != nil {
		known.at = max(known.at, r.at)
		return nil
	}
	return x.add(lane, r)
}

// add adds a row whose key is not in memory.
func (x *Index) add(lane int, r row) error {
	s := x.shard(r.key)
	if s.filter.full(lane, x.bitsPerID) && len(s.filter.blocks) < x.mostBlocks() {
		if err := s.refilter(min(2*len(s.filter.blocks), x.mostBlocks()), &x.memory); err != nil {
			return err
		}
	}
	s.filter.add(lane, r.key)
	s.begin(lane, &x.memory)
	s.cells[lane].table.add(r, &x.memory)
	return x.makeRoom()
}

// mostBlocks is how many a filter may have: together they take half of the memory.
func (x *Index) mostBlocks() int {
	if x.memory.limit == 0 {
		return math.MaxInt
	}
	return max(leastBlocks, int(x.memory.limit/2/shards/blockSize))
}

// Warm reads the memory that looking at ids and inserting them will read first. One such read costs more than all else
// that is done about an id; those of many ids at a time overlap. Some dozens are enough.
func (x *Index) Warm(ids []archive.Hash) {
	sum := uint64(0)
	for i := range ids {
		sum += x.shard(ids[i]).filter.block(ids[i])[0][0]
	}
	lane := laneOf(x.timeline.newest)
	for i := range ids {
		sum += x.shard(ids[i]).cells[lane].table.touch(ids[i])
	}
	x.warmed = sum
}

// drop forgets a generation.
func (x *Index) drop(lane int) {
	for i := range x.shards {
		s := &x.shards[i]
		x.freezer.drop(&s.cells[lane], &x.memory)
		s.filter.forget(lane)
	}
}

func (x *Index) shard(key archive.Hash) *shard { return &x.shards[key.Hi>>(64-shardBits)] }

// Stats tells what the index holds and did.
func (x *Index) Stats() Stats {
	s := Stats{
		Rows: x.freezer.frozen, Frozen: x.freezer.frozen, Written: x.freezer.written,
		Reads: x.pages.reads, FalsePositives: x.falseHits, Memory: x.memory.held(),
	}
	for i := range x.shards {
		for lane := range x.shards[i].cells {
			s.Rows += int64(x.shards[i].cells[lane].table.count)
		}
	}
	return s
}
