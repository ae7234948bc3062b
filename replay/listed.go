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

// sumSize is how many bytes a sum takes.
const sumSize = 16

// Sum is what was added, as an hour's record keeps it.
func (l *Listed) Sum() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, l.sum[0]), l.sum[1])
}

// join adds what another has.
func (l *Listed) join(o Listed) {
	l.sum[0] += o.sum[0]
	l.sum[1] += o.sum[1]
	l.Bytes += o.Bytes
}

// joinSum adds what a record keeps. How many bytes that were it does not know.
func (l *Listed) joinSum(b []byte) {
	l.sum[0] += binary.BigEndian.Uint64(b)
	l.sum[1] += binary.BigEndian.Uint64(b[8:])
}

// Hash names what would be replayed, 32 hex digits: the spec, but for its id and the instant of the first start, and the
// objects.
func (l *Listed) Hash(s *Spec) string {
	anonymous := *s
	anonymous.ID, anonymous.Owner, anonymous.AsOf, anonymous.Reason = "plan", "", time.Time{}, ""
	b := append([]byte(anonymous.Hash()), 0)
	b = append(b, l.Sum()...)
	sum := xxh3.Hash128(b).Bytes()
	return hex.EncodeToString(sum[:])
}

// List lists what s reads.
func List(ctx context.Context, s *Spec, src archive.Source, f *archive.Fetcher) (Listed, error) {
	h := newHours(s, src, f, Durable{}, nil)
	byHour, err := h.sums(ctx, h.list)
	return joined(byHour), err
}

// joined is all that hours hold.
func joined(byHour map[string]Listed) Listed {
	var all Listed
	for _, l := range byHour {
		all.join(l)
	}
	return all
}

// sums lists some of the hours and returns what each holds, by its name.
func (h *hours) sums(ctx context.Context, list []archive.Hour) (map[string]Listed, error) {
	var mu sync.Mutex
	byHour := make(map[string]Listed, len(list))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(listers)
	for _, hour := range list {
		group.Go(func() error {
			var l Listed
			err := h.each(ctx, hour, func(o archive.Object) error {
				l.Add(o)
				return nil
			})
			mu.Lock()
			defer mu.Unlock()
			byHour[hour.Name] = l
			return err
		})
	}
	return byHour, group.Wait()
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
