package archivetest

import (
	"context"
	"io"
	"iter"
	"sync"
	"time"

	"replayd/archive"
)

// Far is a Store as if it were far away: each page of a listing, of a thousand objects, and each body takes Latency to
// the first that comes of it. It counts what is asked of it, as a bill does. Waiting inside it is durable in the sense of
// testing/synctest. Safe for concurrent use.
type Far struct {
	archive.Store
	Latency time.Duration

	mu  sync.Mutex
	use Use
}

var _ archive.Store = (*Far)(nil)

// Use is what was asked of a Far.
type Use struct {
	Pages int   // of listings
	Gets  int   // bodies
	Bytes int64 // of bodies, as far as they were read

	Open int // bodies open now, those that are waited for included
	Most int // of them at a time so far
}

// pageOfKeys is how many objects come with one request, as on S3.
const pageOfKeys = 1000

// Use is what was asked so far.
func (s *Far) Use() Use {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.use
}

// List asks for a page when its first object is wanted.
func (s *Far) List(ctx context.Context, prefix string) iter.Seq2[archive.Object, error] {
	return func(yield func(archive.Object, error) bool) {
		n := 0
		for o, err := range s.Store.List(ctx, prefix) {
			if n%pageOfKeys == 0 && err == nil {
				err = s.ask(ctx, func(u *Use) { u.Pages++ })
			}
			if !yield(o, err) || err != nil {
				return
			}
			n++
		}
		if n == 0 { // a page without objects
			if err := s.ask(ctx, func(u *Use) { u.Pages++ }); err != nil {
				yield(archive.Object{}, err)
			}
		}
	}
}

// Open gives a body whose bytes are counted.
func (s *Far) Open(ctx context.Context, o archive.Object, offset int64) (io.ReadCloser, error) {
	err := s.ask(ctx, func(u *Use) {
		u.Gets++
		u.Open++
		u.Most = max(u.Most, u.Open)
	})
	var body io.ReadCloser
	if err == nil {
		body, err = s.Store.Open(ctx, o, offset)
	}
	if err != nil {
		s.count(func(u *Use) { u.Open-- })
		return nil, err
	}
	return &farBody{body, s}, nil
}

// ask counts a request and waits for its answer.
func (s *Far) ask(ctx context.Context, note func(*Use)) error {
	s.count(note)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(s.Latency):
		return nil
	}
}

func (s *Far) count(note func(*Use)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	note(&s.use)
}

type farBody struct {
	io.ReadCloser
	store *Far
}

func (b *farBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.store.count(func(u *Use) { u.Bytes += int64(n) })
	return n, err
}

func (b *farBody) Close() error {
	b.store.count(func(u *Use) { u.Open-- })
	return b.ReadCloser.Close()
}
