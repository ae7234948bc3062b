package format

import (
	"bytes"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// BenchmarkZstd compares a stream, as objects are decompressed here, with all at once, which needs the whole object in memory
// twice, compressed and not.
func BenchmarkZstd(b *testing.B) {
	plain, _ := benchEvents("\n")
	w, err := zstd.NewWriter(nil)
	if err != nil {
		b.Fatal(err)
	}
	stored := w.EncodeAll(plain, nil)
	b.Run("stream", func(b *testing.B) {
		d, buffer := &Decoder{}, make([]byte, 256<<10)
		defer d.Close()
		b.SetBytes(int64(len(plain)))
		for b.Loop() {
			r, err := d.Decode(bytes.NewReader(stored))
			if err != nil {
				b.Fatal(err)
			}
			if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, buffer); n != int64(len(plain)) || err != nil {
				b.Fatal(n, err)
			}
		}
	})
	b.Run("whole", func(b *testing.B) {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
		if err != nil {
			b.Fatal(err)
		}
		defer d.Close()
		b.SetBytes(int64(len(plain)))
		var out []byte
		for b.Loop() {
			if out, err = d.DecodeAll(stored, out[:0]); len(out) != len(plain) || err != nil {
				b.Fatal(len(out), err)
			}
		}
	})
}
