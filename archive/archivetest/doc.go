// Package archivetest makes archives and what proves that they are read right.
//
// Generate turns a Plan into an archive as archivers leave them: several writers whose objects overlap, copies, late
// and broken events, names that lie. Archive.Oracle says what a replay of it must produce. The two know each other and
// nothing of the engine: this package imports neither replay nor archive/format and archive/layout, and the oracle
// never reads the bytes. It judges from what the generator noted while it wrote them, by brute force:
//
//	Plan -> deliveries (events and copies, by landing) -> objects (parts) -> bytes
//	                                                             \-> entries -> Oracle (bounds, sort, copies) -> receipt
//
// Everything is a function of Plan, most of all of its Seed: a failing test prints the seed and can be repeated. Content
// is rendered anew whenever it is needed: an archive costs some fifty bytes of memory an event, its oracle twice as many.
//
// The generator keeps to what has one right answer. Where the rules leave an outcome open (how many bytes a damaged
// deflate stream still yields, say) it does not go; the fuzz tests of the readers do.
//
// Beside it stands a Store with faults; the suites that every Store and Format passes are in the folder suite.
package archivetest
