package archive

import (
	"context"
	"io"
)

// Ahead is an object that is opened before anybody has time to read it: Fetch gets its first bytes while others are
// read. Read then gives these, and goes on with the rest as any body of a Fetcher does.
type Ahead struct {
	body  *body
	first []byte // fetched, and not yet read
}

var (
	_ io.ReadCloser = (*Ahead)(nil)
	_ Sized         = (*Ahead)(nil)
)

// OpenAhead is Open for an object that is read later. Nothing is asked of the store before Fetch, or the first Read.
func (f *Fetcher) OpenAhead(ctx context.Context, o Object) *Ahead {
	return &Ahead{body: f.open(ctx, o)}
}

// Fetch fills first with the object's first bytes and returns how many came. It ends when first is full, at the object's
// end, and where the transfer breaks: to wait for a store and to ask again is left to Read, since until somebody reads
// nobody waits. It is called at most once, before the first Read, perhaps by another goroutine. first belongs to the body
// until Close.
func (a *Ahead) Fetch(first []byte) int {
	b, n := a.body, 0
	for b.err == nil && b.broken == nil && (n < len(first) || b.offset == b.object.Size) {
		n += b.step(first[n:]) // at the end of an object it looks whether there is more, and lets go of the connection
	}
	a.first = first[:n]
	return n
}

// Read is part of io.Reader.
func (a *Ahead) Read(p []byte) (int, error) {
	if len(a.first) == 0 {
		return a.body.Read(p)
	}
	n := copy(p, a.first)
	a.first = a.first[n:]
	return n, nil
}

// Stored is part of Sized.
func (a *Ahead) Stored() int64 { return a.body.Stored() }

// Close ends the request, if one is under way. It may be called twice.
func (a *Ahead) Close() error {
	a.first = nil
	return a.body.Close()
}
