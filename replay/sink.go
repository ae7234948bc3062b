package replay

import (
	"context"
	"time"

	"replayd/archive"
	"replayd/replay/merge"
)

// Sink is where a replay goes. A sink makes records and checkpoint durable together, or neither.
type Sink interface {
	// Open takes the replay over from any earlier session and returns what is durable of it. A replay that is not
	// known yet gets a Durable whose checkpoint has State Running and is not Begun. Ended by ctx at any place, it leaves the
	// replay to the next session. An AsOf that is zero may be set: to that of the replay as it is known, else to now.
	Open(ctx context.Context, s *Spec) (Durable, error)

	// Commit makes c durable as a whole and returns when that is decided; it retries what can be retried. It sets the
	// sink's own fields of c.Checkpoint. Nothing of c is kept after it returns.
	Commit(ctx context.Context, c *Chunk) error
}

// Chunk is what one transaction holds.
type Chunk struct {
	Records     []Record // in the order in which they are to stand in their partitions
	Quarantined []Quarantined
	Hours       []HourRecord // new or changed
	Checkpoint  Checkpoint   // as of the last entry in this chunk

	// Shared is set by a sink that gave the records to somebody of whom it does not know whether they are read no more, such as
	// a client thrown away. Their memory is then not used again.
	Shared bool

	ended []*merge.Object // objects of which nothing comes behind this chunk
	tags  []Header        // that the records have
	texts slab            // what the tags say
}

// release gives back the memory of what the chunk ends.
func (c *Chunk) release() {
	for _, o := range c.ended {
		o.Release(!c.Shared)
	}
	c.ended = nil
}

// empty leaves nothing of a chunk but its memory.
func (c *Chunk) empty() {
	clear(c.Records)
	clear(c.tags)
	*c = Chunk{Records: c.Records[:0], tags: c.tags[:0], texts: slab{c.texts.free[:0]}}
}

// Record is an event to be produced. Its slices are valid until Commit returns.
type Record struct {
	Key       []byte // nil: none
	Value     []byte // the archived bytes
	Route     []byte // chooses the partition: key, else event id, else value
	Headers   []Header
	EventTime int64 // ns since 1970
	HasTime   bool  // EventTime is set
	MergeTime int64
}

// Header is a tag of a record.
type Header struct {
	Key   string
	Value []byte
}

// Quarantined is an entry that is not produced: it holds no usable event, or a policy holds it back. ETag, Size and Modified
// tell which version of the object it stands in.
type Quarantined struct {
	Position archive.Position `json:"position"`
	Object   string           `json:"object"`
	ETag     string           `json:"etag,omitempty"`
	Size     int64            `json:"size,omitempty"`    // of the object, in stored bytes
	Modified time.Time        `json:"modified,omitzero"` // the object, by the store's clock
	Range    [2]int64         `json:"range"`             // decompressed bytes, half-open
	Reason   string           `json:"reason"`
	Detail   string           `json:"detail,omitempty"`
}
