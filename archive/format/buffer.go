package format

import (
	"errors"
	"io"

	"replayd/archive"
)

const (
	firstBuffer = 64 << 10 // most events are far smaller
	leastRead   = 64 << 10 // room for the next read, however full the buffer is
	leastSlab   = 1 << 10
	emptyReads  = 100 // a source that returns nothing so often in a row is broken; as in bufio
)

// buffer is the part of a stream that has been read and not yet dropped.
type buffer struct {
	src      io.Reader
	slabs    archive.Slabs // give all; nil: the buffer has memory of its own
	all      []byte        // with sentinelRoom bytes behind to at any time
	from, to int           // all[from:to] is what is in it
	most     int           // bytes that anybody may want in it at once
	read     int64         // bytes of the stream up to all[to]
	err      error         // why nothing follows; nil while something may
}

func newBuffer(src io.Reader, most int, slabs archive.Slabs) buffer {
	b := buffer{src: src, most: most, slabs: slabs}
	if slabs == nil {
		b.all = make([]byte, min(firstBuffer, most+leastRead)+sentinelRoom)
	}
	return b
}

// data are the bytes in the buffer, valid until the next call of more.
func (b *buffer) data() []byte { return b.all[b.from:b.to] }

// offset is the place of the buffer's first byte in the stream.
func (b *buffer) offset() int64 { return b.read - int64(b.to-b.from) }

// drop lets go of the first n bytes.
func (b *buffer) drop(n int) { b.from += n }

// more lengthens the buffer by what one read returns. It reports false at the end of the stream, however it ended.
func (b *buffer) more() bool {
	if b.err == nil && b.to >= len(b.all)-sentinelRoom {
		b.err = b.makeRoom()
	}
	for tries := 0; b.err == nil; tries++ {
		n, err := b.src.Read(b.all[b.to : len(b.all)-sentinelRoom])
		b.to += n
		b.read += int64(n)
		b.err = err
		if n > 0 {
			return true
		}
		if err == nil && tries == emptyReads {
			b.err = io.ErrNoProgress
		}
	}
	return false
}

// fill reads until n bytes are in the buffer, or all there are.
func (b *buffer) fill(n int) {
	for b.to-b.from < n {
		if !b.more() {
			return
		}
	}
}

// makeRoom goes on in the next slab. Without slabs it moves the bytes to the front of the memory, or of one twice as large
// while they take up more than half.
func (b *buffer) makeRoom() error {
	kept, size := b.to-b.from, len(b.all)-sentinelRoom
	buf := b.all
	switch {
	case b.slabs != nil:
		var err error
		if buf, err = b.slabs.Slab(max(min(2*kept, b.most+leastRead), leastSlab) + sentinelRoom); err != nil {
			return err
		}
	case kept > size/2 && size < b.most+leastRead:
		buf = make([]byte, min(2*size, b.most+leastRead)+sentinelRoom)
	}
	copy(buf, b.data())
	b.all, b.from, b.to = buf, 0, kept
	return nil
}

// fault is the error of the stream's source, if that is how the stream ended: neither its plain end nor a broken codec.
func (b *buffer) fault() error {
	if b.err != io.EOF && b.codec() == nil {
		return b.err
	}
	return nil
}

// codec is what broke the compressed stream, if that is how it ended.
func (b *buffer) codec() *CodecError {
	var broken *CodecError
	if errors.As(b.err, &broken) {
		return broken
	}
	return nil
}
