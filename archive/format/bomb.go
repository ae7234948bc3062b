package format

import (
	"cmp"
	"fmt"
)

// Bounds of what a compressed object is believed to hold. Text compresses to a tenth, long events that differ in nothing
// but an id to one part in 400. A few kilobytes that become gigabytes are a mistake or an attack: they would cost hours
// of reading, and a disk full of spilled events.
const (
	// MaxExpansion is how many decompressed bytes one stored byte may stand for.
	MaxExpansion = 500

	// FreeExpansion is how much any object may hold, however few bytes are stored: what tests and idle services write
	// is small and most repetitive.
	FreeExpansion = 64 << 20

	// MaxDecompressed is how much any object may hold, however many bytes are stored: 1 TiB, two hundred times the
	// largest object that stores take in one piece.
	MaxDecompressed = 1 << 40

	// expansionStep is the unit in which the bound is counted.
	expansionStep = 1 << 20
)

// expansion is how much may come out of a compressed object. The zero value holds the constants; tests take less.
type expansion struct{ free int64 }

// bound is how much may come out of so many stored bytes, a whole number of MiB. It is a function of the listing alone:
// where a bomb is cut off must not depend on how it was read.
func (x expansion) bound(stored int64) int64 {
	if stored >= MaxDecompressed/MaxExpansion {
		return MaxDecompressed
	}
	n := max(stored*MaxExpansion, cmp.Or(x.free, FreeExpansion))
	return (n + expansionStep - 1) / expansionStep * expansionStep
}

// bombError says that a stream holds more than is believed of it.
type bombError struct{ stored, bound int64 }

func (e *bombError) Error() string {
	return fmt.Sprintf("more than %d MiB come out of %d stored bytes, which is taken for a decompression bomb; "+
		"if all of it is meant, store the object uncompressed", e.bound/expansionStep, e.stored)
}
