package replay

import "replayd/replay/merge"

// shares are what becomes of Options.Memory. They add up to it; whoever holds one keeps to it, and what comes out is the same
// whatever they are.
//
//	dedupe     a quarter: the index of ids
//	inFlight   3/16, at most 96 MiB: a chunk that is filled, one that is committed, and what Kafka's client makes of it
//	reading    of each worker a step of the object that it reads, what it packs to be spilled, and its reader
//	ahead      1/16, at most 16 MiB: first bytes of objects that are fetched before they are read
//	spilled    1/16, at most 64 MiB: of runs that stand on disk the blocks that are read
//	streams    up to a third of the rest: objects that are read a second time while they are merged
//	runs       the rest: objects that are held from their reading to the commit of their last event
type shares struct {
	dedupe, inFlight, reading, spilled, runs int64

	ahead, streams merge.Room

	chunk   int64 // bytes of a chunk, a third of what is in flight
	step    int64 // bytes of a worker's step
	part    int64 // bytes that a worker packs at a time
	buffers int64 // of the shelf, whose readers take about four times as much when they are many
}

const (
	chunkBytes = 32 << 20 // most of a chunk
	leastChunk = 1 << 20  // least: below it, transactions are most of the work
	largeStep  = 1 << 20
	leastStep  = 128 << 10
	leastPart  = 64 << 10 // a quarter of a step otherwise

	// readerSize is what a worker's reader takes: 32 KiB of stored bytes, the tables of gzip, a connection with TLS.
	readerSize = 160 << 10

	mostBuffers = 16 << 20
	mostAhead   = 16 << 20
)

// workersOf is how many workers some memory is enough for at most, when all of them may have an eighth of it.
func workersOf(memory int64) int {
	return int(max(1, memory/8/(leastStep+merge.PressSize(leastPart)+readerSize)))
}

// stepOf divides what one worker may have, and gives it the least in any case.
func stepOf(each int64) (step, part int64) {
	both := each - merge.PressSize(0) - readerSize
	step = min(both*4/5, both-leastPart) >> 16 << 16
	step = min(max(step, leastStep), largeStep)
	return step, max(step/4, leastPart)
}

// divide shares out some memory, for so many objects that may be open and workers that each read one of them.
func divide(memory int64, open, workers int) shares {
	s := shares{dedupe: memory / 4, buffers: min(memory/64, mostBuffers)}
	s.spilled = 4 * s.buffers
	s.chunk = min(max(memory/16, leastChunk), chunkBytes)
	s.inFlight = 3 * s.chunk
	s.step, s.part = stepOf(memory / 8 / int64(workers))
	s.reading = int64(workers) * (s.step + merge.PressSize(s.part) + readerSize)
	rest := max(memory-s.dedupe-s.inFlight-s.reading-s.spilled, 0)
	s.ahead.Objects, s.streams.Objects = merge.Ahead(workers, open)
	s.ahead.Bytes = min(memory/16, mostAhead, rest)
	rest -= s.ahead.Bytes
	s.streams.Bytes = min(int64(s.streams.Objects)*merge.StreamSize, rest/3)
	s.runs = rest - s.streams.Bytes
	return s
}
