package replay

// What long events take beside all shares of memory, in their own lengths: each may be as long as Spec.RecordLimit says.
// Measured with events of 10 and 30 MB and two workers: 12 lengths, into nothing.
const (
	eventsRead     = 5 // of each worker: the slab that holds it and the one before, what is packed and from what
	eventsInFlight = 6 // in batches and chunks, and what Kafka's client makes of them

	// eventsBeside is how much they may take of what a process takes beside Memory. The rest has to be in half of the shares.
	eventsBeside = 64 << 20

	// alwaysFits is the least LargestEvent: that all of many workers read longer events at the same time is not expected.
	alwaysFits = 1 << 20
)

// LargestEvent is a Spec.RecordLimit with which a process keeps to Memory, and about 150 MiB beside it, whatever is in the
// archive: in whole MiB.
func (o Options) LargestEvent() int64 {
	o.complete()
	return max((o.Memory/2+eventsBeside)/longEvents(o.workers())>>20<<20, alwaysFits)
}

// MemoryFor is a Memory with which LargestEvent is limit at least, in whole MiB.
func (o Options) MemoryFor(limit int64) int64 {
	o.Memory = 1 << 60 // as many workers as there can be
	o.complete()
	limit = (limit + 1<<20 - 1) >> 20 << 20
	return max(2*(limit*longEvents(o.workers())-eventsBeside), leastMemory)
}

// leastMemory is what a replay can do with.
const leastMemory = 16 << 20

func longEvents(workers int) int64 { return eventsInFlight + eventsRead*int64(workers) }
