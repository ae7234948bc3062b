package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"time"
)

// Fetcher opens objects and resumes their bodies at the byte where they broke, so that what reads them sees one
// unbroken stream. It keeps no state between calls, begins no goroutines, and is safe for concurrent use.
type Fetcher struct {
	Store  Store
	Stall  time.Duration // a request or body that gives nothing for so long is taken for broken; 0: 30 s
	GiveUp time.Duration // how long one request is retried without progress; 0: 1 h
	Frugal bool          // bodies are many, open for long, and read little by little: see FrugalStore

	// Waiting, unless nil, is told the cause when a body or listing begins to wait for its store, and nil when it
	// no longer does: progress was made, it gave up, it was closed. The calls of one body pair up, so that a
	// caller may count how many wait. Called from the goroutines that read.
	Waiting func(err error)

	// Fetched, unless nil, is told how many bytes of an object have come, whenever some have. Called from the goroutines
	// that read.
	Fetched func(n int)
}

const (
	defaultStall  = 30 * time.Second
	defaultGiveUp = time.Hour

	// Retries wait about 100 ms, 200 ms, ... 5 s: a worker asks a store in trouble some 15 times a minute, and is
	// back soon after the store is.
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 5 * time.Second
)

// errStalled is why a request was broken off.
var errStalled = errors.New("stalled")

// Open returns the stored bytes of o, all o.Size of them. Nothing is asked of the store before the first Read. An
// error names the object and the byte at which it struck, and stays: ErrChanged for an object that is no longer the
// listed one, even if it has only grown; the context's error; what no retry cures; or, after GiveUp, what the last
// retry met.
//
// Read and Close belong to one goroutine. Another one stops them by ending ctx.
func (f *Fetcher) Open(ctx context.Context, o Object) io.ReadCloser { return f.open(ctx, o) }

func (f *Fetcher) open(ctx context.Context, o Object) *body {
	return &body{ctx: ctx, fetcher: f, object: o, patience: patience{fetcher: f}}
}

// ask is one request for the bytes of o from offset on.
func (f *Fetcher) ask(ctx context.Context, o Object, offset int64) (io.ReadCloser, error) {
	if s, ok := f.Store.(FrugalStore); ok && f.Frugal {
		return s.OpenFrugally(ctx, o, offset)
	}
	return f.Store.Open(ctx, o, offset)
}

// List is Store.List that goes on after errors, and makes sure of the order that so much rests on. An error is the last
// thing it yields.
func (f *Fetcher) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		l := &listing{fetcher: f, prefix: prefix, yield: yield, patience: patience{fetcher: f}}
		defer l.patience.end()
		for {
			err := l.pass(ctx)
			if err == nil || err == errUnwanted {
				return
			}
			if err := l.patience.wait(ctx, err); err != nil {
				yield(Object{}, fmt.Errorf("list keys that begin with %q: %w", prefix, err))
				return
			}
		}
	}
}

// body is one object on its way. It holds the context of its request, as an HTTP body does.
type body struct {
	ctx      context.Context
	fetcher  *Fetcher
	object   Object
	offset   int64 // of the next byte
	attempt  *attempt
	stream   io.ReadCloser // of the attempt; nil between attempts
	patience patience
	broken   error // what broke the last attempt; waited for at the next Read
	err      error // final
}

var _ Sized = (*body)(nil)

// Read gives bytes as they come, waiting and asking again for as long as it takes.
func (b *body) Read(p []byte) (int, error) {
	if len(p) == 0 && b.err == nil {
		return 0, nil
	}
	for b.err == nil {
		if n := b.step(p); n > 0 {
			return n, nil
		}
	}
	return 0, b.err
}

// Stored is part of Sized.
func (b *body) Stored() int64 { return b.object.Size }

// Close ends the request, if one is under way. It may be called twice.
func (b *body) Close() error {
	b.finish(fmt.Errorf("read %s: %w", Printable(b.object.Key), fs.ErrClosed))
	return nil
}

// step makes one move: waits out what broke, or reads once.
func (b *body) step(p []byte) int {
	if b.broken != nil {
		err := b.patience.wait(b.ctx, b.broken)
		b.broken = nil
		if err != nil {
			b.finish(fmt.Errorf("read %s at byte %d: %w", Printable(b.object.Key), b.offset, err))
			return 0
		}
	}
	n, err := b.read(p)
	if n > 0 {
		b.offset += int64(n)
		b.patience.progress()
		if b.fetcher.Fetched != nil {
			b.fetcher.Fetched(n)
		}
	}
	b.judge(err)
	return n
}

// read asks for no byte behind the listed size but one, whose presence means that the object has grown.
func (b *body) read(p []byte) (int, error) {
	if b.stream == nil {
		if err := b.open(); err != nil {
			return 0, err
		}
	}
	b.attempt.expect()
	defer b.attempt.rest()
	if b.offset < b.object.Size {
		return b.attempt.read(b.stream, p[:min(int64(len(p)), b.object.Size-b.offset)])
	}
	var beyond [1]byte
	n, err := b.attempt.read(b.stream, beyond[:])
	if n > 0 {
		return 0, fmt.Errorf("longer than the %d bytes listed: %w", b.object.Size, ErrChanged)
	}
	return 0, err
}

func (b *body) open() error {
	a := b.fetcher.begin(b.ctx)
	defer a.rest()
	stream, err := b.fetcher.ask(a.ctx, b.object, b.offset)
	if err != nil {
		a.end()
		return a.cause(err)
	}
	b.attempt, b.stream = a, stream
	return nil
}

// judge decides what an error of the stream means.
func (b *body) judge(err error) {
	switch {
	case err == nil:
	case err == io.EOF && b.offset == b.object.Size:
		b.finish(io.EOF)
	case err == io.EOF:
		b.interrupt(fmt.Errorf("body ended at byte %d of %d", b.offset, b.object.Size))
	default:
		b.interrupt(err)
	}
}

func (b *body) interrupt(err error) {
	b.release()
	b.broken = err
}

func (b *body) finish(err error) {
	b.release()
	b.patience.end()
	if b.err == nil {
		b.err = err
	}
}

func (b *body) release() {
	if b.stream != nil {
		b.attempt.end()
		_ = b.stream.Close() // the bytes have been judged; an error here changes nothing
		b.stream = nil
	}
}

// listing is one sequence of objects, through as many passes as it takes.
type listing struct {
	fetcher  *Fetcher
	prefix   string
	yield    func(Object, error) bool
	last     string // the key yielded last
	patience patience
}

// errUnwanted ends a listing whose caller takes no more.
var errUnwanted = errors.New("listing is no longer wanted")

// pass lists from the beginning and yields what is new: the store has no way to begin in the middle. Objects that
// appear behind the scenes are missed or seen as in any listing by pages.
func (l *listing) pass(ctx context.Context) error {
	a := l.fetcher.begin(ctx)
	defer a.end()
	before := ""
	for o, err := range l.fetcher.Store.List(a.ctx, l.prefix) {
		a.rest()
		if err != nil {
			return a.cause(err)
		}
		if o.Key <= before { // no key is empty
			return disorder(o.Key, before)
		}
		before = o.Key
		if !l.offer(o) {
			return errUnwanted
		}
		a.expect()
	}
	return nil
}

// offer yields o unless an earlier pass did.
func (l *listing) offer(o Object) bool {
	if o.Key <= l.last {
		return true
	}
	l.patience.progress()
	l.last = o.Key
	return l.yield(o, nil)
}

// disorder is the error of a store (S3's directory buckets are such) on which no listing can be resumed or compared.
func disorder(key, before string) error {
	return &Permanent{
		Err:  fmt.Errorf("store lists %q behind %q, not in bytewise order of keys", key, before),
		Cure: "Copy the objects to a general purpose bucket or a folder.",
	}
}

// attempt is one request with its body: a context that ends when nothing comes for the stall time. The clock runs
// between expect and rest only, so that a slow reader is not taken for a stalled store.
type attempt struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	clock  *time.Timer
	stall  time.Duration
}

// begin starts an attempt with its clock running.
func (f *Fetcher) begin(ctx context.Context) *attempt {
	a := &attempt{stall: cmp.Or(f.Stall, defaultStall)}
	a.ctx, a.cancel = context.WithCancelCause(ctx)
	a.clock = time.AfterFunc(a.stall, func() { a.cancel(errStalled) })
	return a
}

func (a *attempt) expect() { a.clock.Reset(a.stall) }
func (a *attempt) rest()   { a.clock.Stop() }

func (a *attempt) end() {
	a.rest()
	a.cancel(nil)
}

func (a *attempt) read(r io.Reader, p []byte) (int, error) {
	n, err := r.Read(p)
	return n, a.cause(err)
}

// cause names the stall behind the error of a context that it ended; a store only sees that the context did.
func (a *attempt) cause(err error) error {
	if err != nil && err != io.EOF && errors.Is(context.Cause(a.ctx), errStalled) {
		return fmt.Errorf("nothing came for %s: %w", a.stall, errStalled)
	}
	return err
}

// patience counts tries and time since the last progress. The zero value, with its fetcher, has all of it.
type patience struct {
	fetcher *Fetcher
	since   time.Time // when the first try failed
	tries   int       // that failed in a row
}

// wait sleeps before the next try. It returns what ends the tries: the context's error, an incurable cause, or that the
// time is up.
func (p *patience) wait(ctx context.Context, cause error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !Curable(cause):
		return cause
	case p.tries == 0:
		p.since = time.Now()
		p.tell(cause)
	}
	p.tries++
	left := cmp.Or(p.fetcher.GiveUp, defaultGiveUp) - time.Since(p.since)
	if left <= 0 {
		return fmt.Errorf("gave up after %d tries in %s: %w", p.tries, time.Since(p.since).Round(time.Second), cause)
	}
	return sleep(ctx, min(backoff(p.tries), left))
}

// progress forgets the failures.
func (p *patience) progress() {
	if p.tries > 0 {
		p.tries = 0
		p.tell(nil)
	}
}

func (p *patience) end() { p.progress() }

func (p *patience) tell(err error) {
	if p.fetcher.Waiting != nil {
		p.fetcher.Waiting(err)
	}
}

// backoff is how long to wait after so many tries, 1 and up: doubling, and jittered between half and all of it, so that
// many readers that broke together do not come back together.
func backoff(tries int) time.Duration {
	d := lastBackoff
	if shift := tries - 1; shift < 6 {
		d = min(d, firstBackoff<<shift)
	}
	return d/2 + rand.N(d/2+1)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
