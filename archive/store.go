package archive

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"time"
)

// Object is a stored blob as its listing described it. An object whose Size, ETag or Modified differ from the
// listing is another object: see ErrChanged.
type Object struct {
	Key          string    // relative to the root of the store, slashes, never with a leading one
	Size         int64     // stored bytes, before decompression
	ETag         string    // as the store gave it, quotes included; empty when it gave none
	Modified     time.Time // last modification by the store's clock
	StorageClass string    // empty for the standard class
	Storage      Storage   // whether its bytes can be read
	Until        time.Time // how long, when it was restored for a time; else zero
}

// Store is a place that holds objects. Implementations are safe for concurrent use. An error is one of
//
//   - fs.ErrNotExist (wrapped): the object is gone;
//   - ErrChanged (wrapped): the object is no longer the one that was listed;
//   - Permanent: no retry cures it (denied, no such bucket, wrong region);
//   - the context's error;
//   - anything else: worth a retry.
type Store interface {
	// List yields the objects whose keys begin with prefix, in bytewise order of keys. After an error it stops.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]

	// Open returns the bytes of o from offset on, 0 <= offset <= o.Size. The body may end early, which the
	// caller takes for a fault of the transport: it is a Fetcher's work to resume.
	Open(ctx context.Context, o Object, offset int64) (io.ReadCloser, error)

	// String is the address people know the store by: s3://bucket/prefix, /folder.
	String() string
}

// FrugalStore is a Store that can be told that a body is one of many that are open for long and read little by little.
type FrugalStore interface {
	Store

	// OpenFrugally is Open, and keeps little of the body on its way: what waits in the system's buffers is nobody's budget, and
	// there is an end to it.
	OpenFrugally(ctx context.Context, o Object, offset int64) (io.ReadCloser, error)
}

// ErrChanged says that an object is not the one that was listed: another size, ETag or modification time.
var ErrChanged = errors.New("object changed since it was listed")

// Permanent wraps a store's error that no retry cures. Cure is the next step for the person who reads it.
type Permanent struct {
	Err  error
	Cure string
}

func (e *Permanent) Error() string {
	if e.Cure == "" {
		return e.Err.Error()
	}
	return e.Err.Error() + "\n" + e.Cure
}

func (e *Permanent) Unwrap() error { return e.Err }

// Curable reports whether repeating the request that failed with err may succeed.
func Curable(err error) bool {
	var permanent *Permanent
	switch {
	case err == nil, errors.As(err, &permanent):
		return false
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, ErrChanged):
		return false
	case errors.Is(err, context.Canceled):
		return false
	}
	return true
}
