// Package merge puts the entries of many objects into one order: by archive.Position.
//
//	hours -> objects, by opening bound -> runs (one object each, sorted) -> heap -> batches
//
// An object is taken into the heap no sooner than the merge reaches its opening bound, the earliest merge time that any of
// its entries can have. A worker reads it to its end, gives each entry its merge time, and sorts them: the object is a run.
// The heap holds the smallest entry of each open run. Workers are a few objects ahead of the heap, and of a store that is
// far away the first bytes of the objects behind these are fetched before a worker has time for them: see lookahead.
//
// Invariants:
//
//   - an entry's merge time is a function of the object's bytes, its opening bound and the Rules: never of memory,
//     timing, or of other objects;
//   - no entry has a merge time below its object's opening bound, so whatever leaves the heap is final;
//   - where a run stands makes no difference to what comes out. It is resident while the memory budget lasts; then streamed,
//     which is to read its object again while it is merged, if it is in order and streams are to be had; else spilled, sorted
//     in parts on disk.
package merge
