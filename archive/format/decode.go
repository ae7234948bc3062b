package format

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"math"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"replayd/archive"
)

// Names of codecs.
const (
	Gzip = "gzip"
	Zstd = "zstd"
	None = "none"
)

// DefaultMaxWindow is the window up to which zstd streams are decoded: what the zstd tool takes without --long.
const DefaultMaxWindow = 128 << 20

// What is read of a stored object at a time.
const (
	storedBuffer = 32 << 10
	frugalBuffer = 8 << 10
)

// zstdBlocks is what a decoder of zstd takes beside the window, in which blocks of 128 KiB are read and decoded: measured
// 544 KiB.
const zstdBlocks = 576 << 10

// CodecError says that the bytes of a compressed stream are broken, in words of its codec: a wrong checksum, an early
// end, codes that mean nothing. What was decoded before it stands. Faults of the store never become one.
type CodecError struct {
	Codec string
	Err   error
}

func (e *CodecError) Error() string {
	return e.Codec + ": " + strings.TrimPrefix(e.Err.Error(), e.Codec+": ")
}

func (e *CodecError) Unwrap() error { return e.Err }

// Decoder decompresses one object after another: gzip, zstd, or bytes that are not compressed, recognised by the first of them,
// whatever a name may say. Reading ends in a *CodecError where the compressed stream is broken; an error of its reader comes
// through as it is. It keeps the codecs' windows and tables between objects. The zero value is ready. It belongs to one goroutine, and is no matter for a package-level pool: the
// codecs hold channels, with which testing/synctest panics across bubbles.
type Decoder struct {
	// MaxWindow is the largest window of a zstd stream, in bytes; 0 means DefaultMaxWindow, and less than 1 KiB is
	// 1 KiB. A stream that wants more ends in a CodecError. So much memory, and some more, a decoder may take. It is
	// read when the first zstd stream begins.
	MaxWindow int

	frugal    bool
	src       source
	in        *bufio.Reader
	codec     string
	stored    int64 // length of the stream, as its reader tells it; unknown when below zero
	left      int64 // decompressed bytes that may still come
	holds     int64 // see Holds
	expansion expansion
	gzip      *gzip.Reader
	zstd      *zstd.Decoder
	err       error
}

var (
	_ archive.Decoder = (*Decoder)(nil)
	_ archive.Holding = (*Decoder)(nil)
	_ archive.Frugal  = (*Decoder)(nil)
)

// Decode is part of archive.Decoder. What it returns is the decoder itself: each call ends the stream before. When r is
// an archive.Sized, a compressed stream ends in a CodecError where more comes out of it than MaxExpansion and its
// neighbours allow.
func (d *Decoder) Decode(r io.Reader) (io.Reader, error) {
	if err := d.begin(r); err != nil {
		return nil, err
	}
	return d, nil
}

// Frugal is part of archive.Frugal.
func (d *Decoder) Frugal() { d.frugal = true }

// Holds is part of archive.Holding: the window of a zstd stream's first frame, and what its decoder takes beside that.
func (d *Decoder) Holds() int64 { return d.holds }

// Codec is the codec of the last stream.
func (d *Decoder) Codec() string { return d.codec }

// Close lets go of the stream and of all memory. The decoder may be used again.
func (d *Decoder) Close() {
	if d.zstd != nil {
		d.zstd.Close()
	}
	*d = Decoder{MaxWindow: d.MaxWindow, frugal: d.frugal, expansion: d.expansion, err: errClosed}
}

var errClosed = errors.New("read from a decoder that is closed")

func (d *Decoder) begin(r io.Reader) error {
	d.src, d.err = source{r: r}, nil
	if d.in == nil {
		size := storedBuffer
		if d.frugal {
			size = frugalBuffer
		}
		d.in = bufio.NewReaderSize(&d.src, size)
	} else {
		d.in.Reset(&d.src)
	}
	head, err := d.in.Peek(sniffed)
	if err != nil && err != io.EOF {
		return err
	}
	if d.codec, err = sniff(head); err != nil {
		return err
	}
	d.expect(r)
	d.holds = 0
	if d.codec == Zstd {
		d.holds = d.zstdWindow(head) + zstdBlocks
	}
	if err := d.open(); err != nil {
		d.err = d.judge(err) // what is wrong with the first bytes is for Read to return
	}
	return nil
}

// expect sets how much may come out of r.
func (d *Decoder) expect(r io.Reader) {
	d.stored, d.left = -1, math.MaxInt64
	if sized, ok := r.(archive.Sized); ok && d.codec != None {
		d.stored = sized.Stored()
		d.left = d.expansion.bound(d.stored)
	}
}

// open readies the codec.
func (d *Decoder) open() error {
	switch d.codec {
	case Gzip:
		return d.member()
	case Zstd:
		return d.frames()
	}
	return nil
}

// Read is part of io.Reader.
func (d *Decoder) Read(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	n, err := d.bounded(p)
	if n == 0 && err != nil {
		d.err = d.judge(err)
	}
	return n, d.err
}

// bounded decodes no byte behind the bound but one, whose presence means that the stream is a bomb.
func (d *Decoder) bounded(p []byte) (int, error) {
	if d.left > 0 || len(p) == 0 {
		n, err := d.decode(p[:min(int64(len(p)), d.left)])
		d.left -= int64(n)
		return n, err
	}
	var beyond [1]byte
	n, err := d.decode(beyond[:])
	if n > 0 {
		return 0, &bombError{stored: d.stored, bound: d.expansion.bound(d.stored)}
	}
	return 0, err
}

// decode may return an error along with bytes, and again without any.
func (d *Decoder) decode(p []byte) (int, error) {
	switch d.codec {
	case Gzip:
		return d.readGzip(p)
	case Zstd:
		return d.readZstd(p)
	}
	return d.in.Read(p)
}

// judge tells what an error of a codec really is: the end, the store's fault, or broken bytes.
func (d *Decoder) judge(err error) error {
	switch {
	case d.src.err != nil && d.src.err != io.EOF && d.in.Buffered() == 0:
		return d.src.err // codecs take it for an early end, or even for a clean one
	case err == io.EOF || d.codec == None:
		return err
	}
	return &CodecError{Codec: d.codec, Err: err}
}

// member begins a gzip member. Members are taken one by one because the reader's own way from one to the next takes a
// header that is cut off inside its file name for a clean end.
func (d *Decoder) member() error {
	var err error
	if d.gzip == nil {
		d.gzip, err = gzip.NewReader(d.in)
	} else {
		err = d.gzip.Reset(d.in)
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	if err == nil {
		d.gzip.Multistream(false)
	}
	return err
}

func (d *Decoder) readGzip(p []byte) (int, error) {
	for {
		n, err := d.gzip.Read(p)
		if err != io.EOF || n > 0 {
			return n, err
		}
		if _, err := d.in.Peek(1); err != nil {
			return 0, err
		}
		if err := d.member(); err != nil {
			return 0, err
		}
	}
}

// zstdWindow is the window that a stream's first frame, which begins with head, asks for. A frame in one segment is its own window. Where the header does not
// tell, the largest is assumed.
func (d *Decoder) zstdWindow(head []byte) int64 {
	var h zstd.Header
	largest := uint64(d.maxWindow())
	switch err := h.Decode(head); {
	case err != nil || h.Skippable:
		return int64(largest)
	case h.SingleSegment:
		return int64(min(h.FrameContentSize, largest))
	}
	return int64(min(h.WindowSize, largest))
}

// maxWindow is the largest window of a zstd stream.
func (d *Decoder) maxWindow() int {
	return max(cmp.Or(d.MaxWindow, DefaultMaxWindow), zstd.MinWindowSize)
}

// frames begins a zstd stream. It is decoded on the caller's goroutine and block by block: so what comes out before an
// error does not depend on timing.
func (d *Decoder) frames() error {
	if d.zstd != nil {
		return d.zstd.Reset(d.in)
	}
	var err error
	d.zstd, err = zstd.NewReader(d.in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(uint64(d.maxWindow())))
	return err
}

func (d *Decoder) readZstd(p []byte) (int, error) {
	n, err := d.zstd.Read(p)
	if n > 0 || err == nil || err == io.EOF {
		return n, err
	}
	// A last block whose checksum is wrong comes out only behind the error.
	if n, _ := d.zstd.Read(p); n > 0 {
		return n, nil
	}
	return 0, err
}

// source remembers the error of the reader below the codecs, which keep no account of whose an error is.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	for range emptyReads {
		n, err := s.r.Read(p)
		if err != nil {
			s.err = err
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	s.err = io.ErrNoProgress
	return 0, s.err
}
