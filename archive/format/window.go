package format

import (
	"errors"
	"io"

	"replayd/archive"
)

const (
	firstWindow = 64 << 10 // most events are far smaller
	leastRead   = 64 << 10 // room for the next read, however full the window is
	leastSlab   = 1 << 10
	emptyReads  = 100 // a source that returns nothing so often in a row is broken; as in bufio
)

// window is the part of a stream that has been read and not yet dropped.
type window struct {
	src      io.Reader
	slabs    archive.Slabs // gives buf; nil: the window has one of its own
	buf      []byte        // with sentinelRoom bytes behind to at any time
	from, to int           // buf[from:to] is in the window
	most     int           // bytes that anybody may want in the window at once
	read     int64         // bytes of the stream up to buf[to]
	err      error         // why nothing follows; nil while something may
}

func newWindow(src io.Reader, most int, slabs archive.Slabs) window {
	w := window{src: src, most: most, slabs: slabs}
	if slabs == nil {
		w.buf = make([]byte, min(firstWindow, most+leastRead)+sentinelRoom)
	}
	return w
}

// data are the bytes in the window, valid until the next call of more.
func (w *window) data() []byte { return w.buf[w.from:w.to] }

// offset is the place of the window's first byte in the stream.
func (w *window) offset() int64 { return w.read - int64(w.to-w.from) }

// drop moves the window n bytes on.
func (w *window) drop(n int) { w.from += n }

// more lengthens the window by what one read returns. It reports false at the end of the stream, however it ended.
func (w *window) more() bool {
	if w.err == nil && w.to >= len(w.buf)-sentinelRoom {
		w.err = w.makeRoom()
	}
	for tries := 0; w.err == nil; tries++ {
		n, err := w.src.Read(w.buf[w.to : len(w.buf)-sentinelRoom])
		w.to += n
		w.read += int64(n)
		w.err = err
		if n > 0 {
			return true
		}
		if err == nil && tries == emptyReads {
			w.err = io.ErrNoProgress
		}
	}
	return false
}

// fill reads until n bytes are in the window, or all there are.
func (w *window) fill(n int) {
	for w.to-w.from < n {
		if !w.more() {
			return
		}
	}
}

// makeRoom goes on in the next slab. Without slabs it moves the bytes to the front of the buffer, or of one twice as large
// while they take up more than half.
func (w *window) makeRoom() error {
	kept, size := w.to-w.from, len(w.buf)-sentinelRoom
	buf := w.buf
	switch {
	case w.slabs != nil:
		var err error
		if buf, err = w.slabs.Slab(max(min(2*kept, w.most+leastRead), leastSlab) + sentinelRoom); err != nil {
			return err
		}
	case kept > size/2 && size < w.most+leastRead:
		buf = make([]byte, min(2*size, w.most+leastRead)+sentinelRoom)
	}
	copy(buf, w.data())
	w.buf, w.from, w.to = buf, 0, kept
	return nil
}

// fault is the error of the stream's source, if that is how the stream ended: neither its plain end nor a broken codec.
func (w *window) fault() error {
	if w.err != io.EOF && w.codec() == nil {
		return w.err
	}
	return nil
}

// codec is what broke the compressed stream, if that is how it ended.
func (w *window) codec() *CodecError {
	var broken *CodecError
	if errors.As(w.err, &broken) {
		return broken
	}
	return nil
}
