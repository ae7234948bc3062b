// Package format knows how an object's bytes hold events: the codecs around them and the text formats inside.
//
//	stored bytes -> Decoder (gzip, zstd, none: by the first bytes) -> decompressed bytes -> JSON, Lines, Array -> entries
//
// A scanner walks a buffer of the decompressed bytes once. The walk frames the next object, holds it to the grammar of
// JSON exactly as encoding/json does, and notes where the fields of interest stand; nothing is copied or decoded that
// the entry does not need.
//
//	buffer   the bytes read and not yet done with
//	walker   one object in the buffer: its end, or where it breaks; the spans of the fields
//	paths    the pointers of archive.Fields as one tree, for the walker to step along
//	fields   from spans to an archive.Entry
//	grammar  the same grammar one byte at a time, for what is not kept: events over the limit, and broken ranges
//
// What must hold, each with its tests:
//
//   - Entries depend on the bytes, fields and limits alone, never on how many bytes a read returns.
//   - Bad bytes become entries, faults of the store become errors, and neither is ever taken for the other.
//   - A scanner holds one event of the limit and some fixed slack, whatever the object's size. Events over the limit are
//     read over.
//   - No part of a damaged event is taken for an event. JSON says how, and Array why not quite.
package format
