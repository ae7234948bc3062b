package archive

import (
	"cmp"
	"fmt"
	"math"
	"strings"
)

// EndIndex is the Index of an object's end entry, which stands behind all of the object's events.
const EndIndex = math.MaxUint32

// Position is the place of an entry in the total order of a replay: by merge time, then object, then address inside
// the object.
type Position struct {
	Time   int64  `json:"time"`   // merge time: the event time, or the bound it was clamped to; ns since 1970
	Object string `json:"object"` // key, compared bytewise
	Offset int64  `json:"offset"` // the format's address: for JSON the decompressed byte
	Index  uint32 `json:"index"`  // numbers the events at one offset
}

// Compare is negative when p stands before q, 0 when they are equal.
func (p Position) Compare(q Position) int {
	if p.Time != q.Time {
		return cmp.Compare(p.Time, q.Time)
	}
	if c := strings.Compare(p.Object, q.Object); c != 0 {
		return c
	}
	if p.Offset != q.Offset {
		return cmp.Compare(p.Offset, q.Offset)
	}
	return cmp.Compare(p.Index, q.Index)
}

// String writes <time ns>:<offset>:<index>:<object>. The object comes last because keys may hold colons.
func (p Position) String() string {
	return fmt.Sprintf("%d:%d:%d:%s", p.Time, p.Offset, p.Index, p.Object)
}
