package merge

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"replayd/archive"
)

// streams are the objects that did not fit and are read a second time while they are merged. Each has a goroutine that reads
// a chunk ahead, a decoder, and its place in the budget.
type streams struct {
	cfg     *Config
	places  *budget // how many there may be
	bytes   *budget // what they may hold together
	reading *sync.WaitGroup
}

const (
	// streamSlab is how much of an object is read at a time: as little as is still read well, for there may be thousands.
	streamSlab = 16 << 10

	// streamSlabs is how many slabs there are of a stream: one in the merge, one that is sent, one that is read into.
	streamSlabs = 3

	// streamEntries bounds the entries of a chunk, which may be small.
	streamEntries = 64

	// streamBase is what a stream costs beside its slabs and a decoder that holds much: measured 100 KiB from S3 without TLS, of
	// which gzip takes 40, the goroutine 25, buffers and the connection 20; and what TLS takes.
	streamBase = 128 << 10

	// StreamSize is what most streams cost.
	StreamSize = streamBase + streamSlabs*streamSlab
)

// streamSize is what a stream costs whose decoder holds so much, and whose longest entry is that long.
func streamSize(decoder, widest int64) int64 {
	return streamBase + decoder + streamSlabs*max(streamSlab, 2*widest)
}

// take makes room for a stream of some size, if there is.
func (s *streams) take(size int64) bool {
	if !s.places.take(1) {
		return false
	}
	if !s.bytes.take(size) {
		s.places.give(1)
		return false
	}
	return true
}

func (s *streams) give(size int64) {
	s.places.give(1)
	s.bytes.give(size)
}

// open begins to read o, for which there is room, and returns its run when the first of it has come. Reading ends with ctx
// at the latest, and gives the room back.
func (s *streams) open(ctx context.Context, o *Object, d *delivery, size int64) (cursor, error) {
	chunks := make(chan chunk)
	r := &streamed{of: o, delivery: d, chunks: chunks}
	s.reading.Go(func() {
		defer s.give(size)
		defer close(chunks)
		r.err = s.read(ctx, o, d, chunks)
	})
	return r, r.turn()
}

// read sends all of o.
func (s *streams) read(ctx context.Context, o *Object, d *delivery, to chan<- chunk) error {
	r := archive.NewReader(s.cfg.Source, s.cfg.Fetcher, s.cfg.Fields, s.cfg.Limits)
	defer r.Close()
	r.Frugal()
	f := &feeder{placing: newPlacing(s.cfg.Rules, o, s.cfg.judge()), store: newStore(), to: to, stop: ctx.Done()}
	length, err := r.EachOf(body{r.Open(ctx, o.Object), d}, o.Object, f, f.add)
	if err == nil {
		end := f.end(length)
		f.hold(&end, &data{inSlab: -1})
		err = f.send()
	}
	if errors.Is(err, errStopped) {
		return context.Cause(ctx)
	}
	return err
}

// chunk is what is read of an object at a time. Its memory is left to the items that point into it.
type chunk struct {
	entries table
	pages   pages
}

// feeder sends the entries of an object as they are read, in chunks: what stands in one slab, and not too many.
type feeder struct {
	placing
	store
	to   chan<- chunk
	stop <-chan struct{}
}

var _ archive.Slabs = (*feeder)(nil)

var errStopped = errors.New("stopped")

// Slab implements archive.Slabs.
func (f *feeder) Slab(n int) ([]byte, error) {
	if err := f.send(); err != nil {
		return nil, err
	}
	slab := make([]byte, max(n, streamSlab))
	f.store = newStore()
	f.slab, f.pages = 0, pages{slab}
	return slab, nil
}

func (f *feeder) add(e *archive.Entry) error {
	out, inside := f.place(e)
	if !inside {
		return nil
	}
	if !f.ordered { // it was in order when it was read first
		return archive.ErrChanged
	}
	d := f.fill(&out, e)
	f.openPage(f.pageFor(d.copied()))
	f.hold(&out, &d)
	if f.entries.size < streamEntries {
		return nil
	}
	return f.send()
}

// send hands on what is held. The slab, which the scanner goes on with, belongs to the next chunk, too.
func (f *feeder) send() error {
	if f.entries.size == 0 {
		return nil
	}
	select {
	case f.to <- chunk{f.entries, f.pages}:
	case <-f.stop:
		return errStopped
	}
	next := newStore()
	if f.slab >= 0 {
		next.slab, next.pages = 0, pages{f.pages[f.slab]}
	}
	f.store = next
	return nil
}

// streamed is the run of an object that is read while it is merged.
type streamed struct {
	of       *Object
	delivery *delivery
	chunks   <-chan chunk
	now      chunk // that the head stands in; without entries at the end
	at       int
	after    chunk // received before its turn
	ended    bool  // nothing comes behind it
	err      error // why it ended; set before chunks is closed
}

func (r *streamed) head() *entry {
	if r.now.entries.size == 0 {
		return nil
	}
	return r.now.entries.at(r.at)
}

func (r *streamed) object() *Object { return r.of }

func (r *streamed) item(dst *Item) error {
	r.head().item(dst, r.of, r.now.pages)
	return nil
}

func (r *streamed) waits() bool {
	if r.at+1 < r.now.entries.size || r.after.entries.size > 0 || r.ended {
		return false
	}
	select {
	case c, more := <-r.chunks:
		r.after, r.ended = c, !more
		return false
	default:
		return true
	}
}

func (r *streamed) next() error {
	if r.at++; r.at < r.now.entries.size {
		return nil
	}
	r.delivery.awaited(true)
	err := r.turn()
	r.delivery.awaited(false)
	if err != nil {
		return fmt.Errorf("read object %s again: %w", archive.Printable(r.of.Key), err)
	}
	return nil
}

// turn goes on to the next chunk.
func (r *streamed) turn() error {
	if r.after.entries.size == 0 && !r.ended {
		c, more := <-r.chunks
		r.after, r.ended = c, !more
	}
	r.now, r.after, r.at = r.after, chunk{}, 0
	if r.ended {
		return r.err
	}
	return nil
}

// close has nothing to give back: who reads does, at the end of the object or of the merge.
func (r *streamed) close() error { return nil }
