package replay

import (
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/zeebo/xxh3"

	"replayd/archive"
)

// Listed gathers what a window's hours hold, to tell whether a plan is still what would be replayed.
type Listed struct {
	sum   [2]uint64 // of the hashes of objects, modulo 2^64 each: in any order the same
	Bytes int64     // stored
}

// Add takes one object.
func (l *Listed) Add(o archive.Object) {
	b := binary.BigEndian.AppendUint64([]byte(o.Key), o.Fingerprint())
	h := xxh3.Hash128(b)
	l.sum[0] += h.Hi
	l.sum[1] += h.Lo
	l.Bytes += o.Size
}

// Hash names what would be replayed, 32 hex digits: the spec, but for its id and the instant of the first start, and the
// objects.
func (l *Listed) Hash(s *Spec) string {
	anonymous := *s
	anonymous.ID, anonymous.Owner, anonymous.AsOf, anonymous.Reason = "plan", "", time.Time{}, ""
	b := append([]byte(anonymous.Hash()), 0)
	b = binary.BigEndian.AppendUint64(b, l.sum[0])
	b = binary.BigEndian.AppendUint64(b, l.sum[1])
	sum := xxh3.Hash128(b).Bytes()
	return hex.EncodeToString(sum[:])
}
