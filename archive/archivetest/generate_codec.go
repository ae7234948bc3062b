package archivetest

import (
	"fmt"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// encoder compresses objects as archivers do: in one member or frame or several.
type encoder struct {
	gzip *gzip.Writer
	zstd *zstd.Encoder
	out  bytesWriter
}

type bytesWriter struct{ b []byte }

func (w *bytesWriter) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}

// encode returns the stored bytes of text, valid until the next call.
func (e *encoder) encode(text []byte, s style) []byte {
	if s.codec == CodecNone {
		return text
	}
	e.out.b = e.out.b[:0]
	for i := range s.members {
		from, to := len(text)*i/s.members, len(text)*(i+1)/s.members
		e.member(text[from:to], s.codec)
	}
	e.damage(s.fault)
	return e.out.b
}

// member appends one. Neither encoder has a way to fail on memory, so an error is a mistake in this package.
func (e *encoder) member(text []byte, codec string) {
	if codec == CodecZstd {
		if e.zstd == nil {
			w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20))
			must(err)
			e.zstd = w
		}
		e.out.b = e.zstd.EncodeAll(text, e.out.b)
		return
	}
	if e.gzip == nil {
		w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		must(err)
		e.gzip = w
	}
	e.gzip.Reset(&e.out)
	_, err := e.gzip.Write(text)
	must(err)
	must(e.gzip.Close())
}

// damage spoils what stands behind the last event.
func (e *encoder) damage(f fault) {
	switch f {
	case faultChecksum:
		e.out.b[len(e.out.b)-8] ^= 0xff // the trailer is CRC-32, then the length
	case faultGarbage:
		e.out.b = append(e.out.b, "this is no further member"...)
	case faultHeader:
		e.out.b = append(e.out.b, 0x1f, 0x8b, 0x08, 0x00)
	}
}

func must(err error) {
	if err != nil {
		panic(fmt.Errorf("archivetest: %w", err))
	}
}
