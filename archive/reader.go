package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Decoder undoes the compression of objects, recognised by their first bytes. It keeps buffers between objects and
// serves one goroutine.
type Decoder interface {
	// Decode returns the decompressed bytes of r, valid until the next call. Faults of r come through as they are;
	// faults of the compressed bytes are the format's to recognise.
	Decode(r io.Reader) (io.Reader, error)
	Close()
}

// Holding is a Decoder that may hold much, since its streams refer far back to what was decoded.
type Holding interface {
	// Holds is how many bytes that is for the stream that is being decoded, as far as its beginning tells. Small buffers of
	// fixed size are not counted.
	Holds() int64
}

// Frugal is a Decoder that can do with smaller buffers.
type Frugal interface {
	// Frugal makes the buffers small that the decoder has not made yet: it is one of many that are open for long.
	Frugal()
}

// Sized is a stream that knows how many bytes its object was listed with. Decoders judge by it whether more comes out of
// a compressed object than can be meant. What a Fetcher opens is one.
type Sized interface {
	io.Reader
	Stored() int64
}

// Reader reads the entries of one object after another. It serves one goroutine, and is closed by its owner.
type Reader struct {
	fetch   *Fetcher
	decoder Decoder
	format  Format
	fields  Fields
	limits  Limits
}

// NewReader returns a reader of the objects of s that fetch opens.
func NewReader(s Source, fetch *Fetcher, f Fields, l Limits) *Reader {
	return &Reader{fetch: fetch, decoder: s.Decoder(), format: s.Format, fields: f, limits: l}
}

// Frugal makes the reader, before its first object, take less memory and read in smaller pieces.
func (r *Reader) Frugal() {
	fetch := *r.fetch
	fetch.Frugal = true
	r.fetch = &fetch
	if d, ok := r.decoder.(Frugal); ok {
		d.Frugal()
	}
}

// Each calls yield with every entry of o, in order of address, and returns the decompressed length. The bytes are kept in
// slabs unless that is nil. An error is the store's, the context's, or that of yield or slabs; entries that hold no usable
// event are not errors.
func (r *Reader) Each(ctx context.Context, o Object, slabs Slabs, yield func(*Entry) error) (int64, error) {
	return r.EachOf(r.fetch.Open(ctx, o), o, slabs, yield)
}

// Open opens o for EachOf, as Each does.
func (r *Reader) Open(ctx context.Context, o Object) *Ahead { return r.fetch.OpenAhead(ctx, o) }

// EachOf is Each for an o that its fetcher has opened already. It closes body.
func (r *Reader) EachOf(body io.ReadCloser, o Object, slabs Slabs, yield func(*Entry) error) (int64, error) {
	defer body.Close()
	plain, err := r.decoder.Decode(body)
	if err != nil {
		return 0, fmt.Errorf("open object %s: %w", Printable(o.Key), err)
	}
	scanner := r.format.Scan(plain, r.fields, r.limits, slabs)
	var e Entry
	for {
		err := scanner.Next(&e)
		if errors.Is(err, io.EOF) {
			return scanner.Size(), nil
		}
		if err != nil {
			return 0, err
		}
		if err := yield(&e); err != nil {
			return 0, err
		}
	}
}

// Holds is how many bytes the decoder holds for the object that is being read, or was read last: see Holding.
func (r *Reader) Holds() int64 {
	if d, ok := r.decoder.(Holding); ok {
		return d.Holds()
	}
	return 0
}

// Close frees the reader's buffers.
func (r *Reader) Close() { r.decoder.Close() }
