package replay

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"sync"
	"time"

	"github.com/zeebo/xxh3"
	"golang.org/x/sync/errgroup"

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

// List lists what s reads.
func List(ctx context.Context, s *Spec, src archive.Source, f *archive.Fetcher) (Listed, error) {
	var mu sync.Mutex
	var l Listed
	err := eachObject(ctx, s, src, f, func(_ context.Context, o archive.Object) error {
		mu.Lock()
		defer mu.Unlock()
		l.Add(o)
		return nil
	})
	return l, err
}

// listers is how many hours are listed at once: the wait is the store's, not ours.
const listers = 8

// eachObject gives take what s reads, from many goroutines, and keeps none of it.
func eachObject(ctx context.Context, s *Spec, src archive.Source, f *archive.Fetcher, take func(context.Context, archive.Object) error) error {
	h := newHours(s, src, f, Durable{}, nil)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(listers)
	for _, hour := range h.list {
		group.Go(func() error {
			return h.each(ctx, hour, func(o archive.Object) error { return take(ctx, o) })
		})
	}
	return group.Wait()
}
