package archivetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zeebo/xxh3"

	"replayd/archive"
)

// Faulty is a Store in memory that fails as its script says. Waiting inside it is durable in the sense of
// testing/synctest. Safe for concurrent use.
type Faulty struct {
	mu       sync.Mutex
	objects  map[string]blob
	changes  int
	requests map[string]int // by key or prefix
	unclosed int
	script   func(Request) Fault
}

var _ archive.Store = (*Faulty)(nil)

type blob struct {
	archive.Object
	data []byte
}

// Request is what a script sees.
type Request struct {
	List   bool
	Key    string // for List: the prefix
	Offset int64
	Number int // 1 for the first request with this Key, 2 for the next
}

// Fault is what a script lets happen to a request. The zero value is none.
type Fault struct {
	// After is how much still comes before the fault: bytes of a body, objects of a listing. With 0 the request
	// itself is refused, or never answered.
	After int64

	// Err is the error. With io.EOF a body or listing ends early, as if it were complete.
	Err error

	// Stall lets nothing more come until the request's context ends or the body is closed.
	Stall bool
}

// ErrUnavailable is what a store says when it has too much to do; worth a retry.
var ErrUnavailable = errors.New("503 slow down")

// NewFaulty holds files by key, without faults. The data is not copied.
func NewFaulty(files map[string][]byte) *Faulty {
	s := &Faulty{objects: map[string]blob{}, requests: map[string]int{}}
	for _, key := range slices.Sorted(maps.Keys(files)) {
		s.Put(key, files[key])
	}
	return s
}

// Script sets what happens to the requests from now on; nil: no faults. It is called on the goroutine of each request.
func (s *Faulty) Script(script func(Request) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = script
}

// Put writes an object, anew if it is there. Bodies already open go on with the bytes they had.
func (s *Faulty) Put(key string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes++
	s.objects[key] = blob{data: data, Object: archive.Object{
		Key: key, Size: int64(len(data)), ETag: fmt.Sprintf(`"%016x"`, xxh3.Hash(data)),
		Modified: time.Date(2026, 11, 1, 0, 0, s.changes, 0, time.UTC),
	}}
}

// Remove deletes an object.
func (s *Faulty) Remove(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, key)
}

// Object is how a listing describes key now.
func (s *Faulty) Object(key string) archive.Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[key].Object
}

// Requests counts the requests with this key, or with this prefix of a listing.
func (s *Faulty) Requests(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[key]
}

// Unclosed counts the bodies that were handed out and not closed.
func (s *Faulty) Unclosed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unclosed
}

func (s *Faulty) String() string { return "memory" }

// List yields the objects that are there when it begins.
func (s *Faulty) List(ctx context.Context, prefix string) iter.Seq2[archive.Object, error] {
	return func(yield func(archive.Object, error) bool) {
		f := s.fault(Request{List: true, Key: prefix})
		for i, o := range s.listed(prefix) {
			if err := f.strike(ctx, int64(i)); err != nil {
				end(err, yield)
				return
			}
			if err := ctx.Err(); err != nil {
				yield(archive.Object{}, err)
				return
			}
			if !yield(o, nil) {
				return
			}
		}
		end(ctx.Err(), yield)
	}
}

func end(err error, yield func(archive.Object, error) bool) {
	if err != nil && !errors.Is(err, io.EOF) {
		yield(archive.Object{}, err)
	}
}

// Open gives a body that may fail.
func (s *Faulty) Open(ctx context.Context, o archive.Object, offset int64) (io.ReadCloser, error) {
	f := s.fault(Request{Key: o.Key, Offset: offset})
	if err := f.strike(ctx, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.objects[o.Key]
	switch {
	case !ok:
		return nil, fmt.Errorf("open %s: %w", o.Key, fs.ErrNotExist)
	case b.ETag != o.ETag || b.Size != o.Size || !b.Modified.Equal(o.Modified):
		return nil, fmt.Errorf("open %s: %w", o.Key, archive.ErrChanged)
	}
	s.unclosed++
	return &faultyBody{ctx: ctx, store: s, rest: b.data[offset:], fault: f, closed: make(chan struct{})}, nil
}

func (s *Faulty) fault(r Request) Fault {
	s.mu.Lock()
	s.requests[r.Key]++
	r.Number = s.requests[r.Key]
	script := s.script
	s.mu.Unlock()
	if script == nil {
		return Fault{}
	}
	return script(r)
}

func (s *Faulty) listed(prefix string) []archive.Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []archive.Object
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		if strings.HasPrefix(key, prefix) {
			list = append(list, s.objects[key].Object)
		}
	}
	return list
}

// none reports whether the request passes unharmed.
func (f Fault) none() bool { return f.Err == nil && !f.Stall }

// strike is the fault's error once so much has come.
func (f Fault) strike(ctx context.Context, come int64) error {
	if f.none() || come < f.After {
		return nil
	}
	if f.Stall {
		<-ctx.Done()
		return ctx.Err()
	}
	return f.Err
}

type faultyBody struct {
	ctx    context.Context
	store  *Faulty
	rest   []byte
	come   int64
	fault  Fault
	closed chan struct{}
}

func (b *faultyBody) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if !b.fault.none() {
		if b.come >= b.fault.After {
			return 0, b.broken()
		}
		p = p[:min(int64(len(p)), b.fault.After-b.come)]
	}
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	b.come += int64(n)
	return n, nil
}

func (b *faultyBody) broken() error {
	if !b.fault.Stall {
		return b.fault.Err
	}
	select {
	case <-b.ctx.Done():
		return b.ctx.Err()
	case <-b.closed:
		return fs.ErrClosed
	}
}

func (b *faultyBody) Close() error {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	select {
	case <-b.closed:
		return fs.ErrClosed
	default:
	}
	close(b.closed)
	b.store.unclosed--
	return nil
}

// Weather is a script of random faults that all pass: about one request in every is refused, cut, ended early or
// stalled. What happens to the n-th request for a key depends on nothing but seed, key and n.
func Weather(seed uint64, every int) func(Request) Fault {
	return func(r Request) Fault {
		rng := rand.New(rand.NewPCG(seed, xxh3.HashString(r.Key)+uint64(r.Number)))
		if rng.IntN(every) != 0 {
			return Fault{}
		}
		after := rng.Int64N(1 << rng.IntN(16))
		switch rng.IntN(4) {
		case 0:
			return Fault{Err: ErrUnavailable}
		case 1:
			return Fault{Err: io.ErrUnexpectedEOF, After: after}
		case 2:
			if r.List { // no reader can tell it from a complete listing
				return Fault{}
			}
			return Fault{Err: io.EOF, After: after}
		default:
			return Fault{Stall: true, After: after}
		}
	}
}
