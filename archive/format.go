package archive

import "io"

// Format knows how an object's decompressed bytes hold events.
type Format interface {
	// Name recreates the format: it is what the frozen spec holds.
	Name() string

	// Scan returns a scanner over the decompressed bytes of one object. What it finds depends on the bytes,
	// fields and limits alone, never on the sizes of reads, nor on where it keeps them: in slabs, unless that is nil,
	// else in memory of its own.
	Scan(r io.Reader, f Fields, l Limits, slabs Slabs) Scanner
}

// Slabs gives a scanner memory for the bytes that it reads, so that who takes its entries need not copy them.
type Slabs interface {
	// Slab returns memory of at least n bytes. What the scanner has not finished with it takes over from the slab before,
	// to whose owner that one then belongs. An error is one of the scanner's source.
	Slab(n int) ([]byte, error)
}

// Scanner walks the entries of one object in ascending order of their address.
type Scanner interface {
	// Next fills e with the next entry; io.EOF after the last one. Any other error is a fault of the reader's
	// source (a store error), never of the bytes: bad bytes are entries. The slices of e are valid until the
	// next call; Value longer, when it is InSlab.
	Next(e *Entry) error

	// Size is the number of decompressed bytes read so far, after io.EOF the decompressed length of the object.
	Size() int64
}

// Limits bound what a scanner takes for one event.
type Limits struct {
	// Event is the largest encoded record: len(key) + len(value) + len(id) + HeaderReserve must not exceed it.
	Event int
}

// HeaderReserve is kept free in every record for the headers that replayd adds itself, other than the event's id.
const HeaderReserve = 1024

// Reasons why an entry holds no usable event. They are written to the quarantine and counted in receipts.
const (
	BadCodec     = "codec"     // the compressed stream is broken here: its checksum, its end, its codes
	BadJSON      = "json"      // not a JSON object where one should be
	BadTime      = "time"      // no event time, one that does not parse, is negative or not below the year 2200
	BadArrival   = "arrival"   // the same of the arrival time, with Fields.ByArrival
	BadValue     = "value"     // the part that is to be produced is missing
	BadKey       = "key"       // no record key, with Fields.NeedsKey
	BadOversized = "oversized" // larger than Limits.Event
)

// Entry is what stands at one address of an object: an event, or a range that holds none.
type Entry struct {
	Offset int64  // of the first byte, in decompressed bytes
	Index  uint32 // numbers the events of one offset
	Length int64  // decompressed bytes covered; 0 for a broken checksum at the end

	Bad    string // the reason (Bad…) when there is no usable event here, else empty
	Detail string // for Bad: what was wrong, for people, without the bytes themselves

	Event   []byte // the archived bytes, unchanged
	Value   []byte // of them what is produced: all, or the part that Fields.Value names
	InSlab  bool   // Value stands in the slab that the scanner was given last, from At on
	At      int
	Key     []byte // record key; nil when it is missing or JSON null
	ID      []byte // the event id as text; nil when missing
	IDHash  Hash   // of ID and its kind: what duplicates are found by. Zero without ID, or with IDBody: of the body
	Body    uint64 // hash of the value without its volatile fields
	Sum     Hash   // what the event adds to a replay's digest: of the length of ID as u32 big-endian, ID, and Value
	Time    int64  // event time in ns since 1970; 0 with TimeNone
	Arrival int64  // arrival time in ns since 1970; 0 when it is not known

	Also [][]byte // JSON at each place of Fields.Also; nil where nothing stands
}

// Hash is XXH3-128.
type Hash struct{ Hi, Lo uint64 }
