package archive

import (
	"context"
	"time"
)

// Storage says whether an object's bytes can be read.
type Storage uint8

// States of storage. An object comes back from the cold for a time only: Object.Until.
const (
	Ready     Storage = iota // they can be read
	Cold                     // they must be restored first, which takes hours
	Restoring                // they are being restored
)

// ColdStore is a Store of which some objects must be restored before they can be read.
type ColdStore interface {
	Store

	// Look returns o with the Storage and Until of now. For objects that a listing calls Cold: not every store's listing
	// tells that one is restored.
	Look(ctx context.Context, o Object) (Object, error)

	// Restore tells people how to restore o: the command, and how long it takes.
	Restore(o Object) string
}

// Expires reports whether the bytes of o can be read for a time only, and until when.
func (o Object) Expires() (time.Time, bool) { return o.Until, o.Storage == Ready && !o.Until.IsZero() }
