package replay

import "replayd/replay/merge"

// shares are what becomes of Options.Memory. They add up to it; whoever holds one keeps to it, and what comes out is the same
// whatever they are.
//
//	dedupe     a quarter: the index of ids
//	inFlight   3/16, at most 96 MiB: a chunk that is filled, one that is committed, and what Kafka's client makes of it
//	ahead      a step for each worker, of the object that it is reading
//	first      1/16, at most 16 MiB: first bytes of objects that are fetched before they are read
//	spilled    1/16, at most 64 MiB: of each run that stands on disk the block that is read
//	streams    up to a third of the rest: objects that are read a second time while they are merged
//	runs       the rest: objects that are held from their reading to the commit of their last event
type shares struct {
	dedupe, inFlight, ahead, first, spilled, streams, runs int64

	chunk   int64 // bytes of a chunk, a third of what is in flight
	step    int64 // bytes of a worker's step
	buffers int64 // of the shelf, whose readers take about four times as much when they are many
	fetched int   // objects of first
	places  int   // of streams
}

const (
	chunkBytes = 32 << 20 // most of a chunk
	leastChunk = 1 << 20  // least: below it, transactions are most of the work
	largeStep  = 1 << 20
	leastStep  = 128 << 10

	mostBuffers = 16 << 20
	mostFirst   = 16 << 20
)

// divide shares out some memory, for so many objects that may be open and workers that each read one of them.
func divide(memory int64, open, workers int) shares {
	s := shares{dedupe: memory / 4, buffers: min(memory/64, mostBuffers)}
	s.spilled = 4 * s.buffers
	s.chunk = min(max(memory/16, leastChunk), chunkBytes)
	s.inFlight = 3 * s.chunk
	s.step = min(max(memory/16/int64(workers), leastStep), largeStep)
	s.ahead = s.step * int64(workers)
	rest := max(memory-s.dedupe-s.inFlight-s.ahead-s.spilled, 0)
	s.first = min(memory/16, mostFirst, rest)
	rest -= s.first
	s.fetched, s.places = merge.Ahead(workers, open)
	s.streams = min(int64(s.places)*merge.StreamSize, rest/3)
	s.runs = rest - s.streams
	return s
}
