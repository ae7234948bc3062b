package format

import (
	"bytes"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"

	"replayd/archive"
)

// oneSlab is memory for a whole object, given again and again.
type oneSlab []byte

func (s oneSlab) Slab(n int) ([]byte, error) { return s[:max(n, len(s))], nil }

// TestScanningAllocatesNothingForAnEvent scans 4,000 events, with slabs and without: what is allocated is for the scan, and for
// windows that grow.
func TestScanningAllocatesNothingForAnEvent(t *testing.T) {
	for f, separator := range map[archive.Format]string{JSON{}: "", Lines{}: "\n"} {
		data, events := benchEvents(separator)
		for _, slabs := range []archive.Slabs{nil, oneSlab(make([]byte, len(data)+1<<20))} {
			n := testing.AllocsPerRun(3, func() {
				s := f.Scan(bytes.NewReader(data), benchFields, benchLimits, slabs)
				var e archive.Entry
				read := 0
				for s.Next(&e) == nil {
					read++
				}
				if read != events {
					t.Fatalf("%d events of %d", read, events)
				}
			})
			if n > float64(events)/20 {
				t.Errorf("%s, slabs %v: %d events cost %.0f allocations", f.Name(), slabs != nil, events, n)
			}
		}
	}
}

// TestADecoderGoesOnWithWhatItHas decodes one object after another: only the first one makes buffers, windows and tables. (The
// names in the headers of two members are two allocations.)
func TestADecoderGoesOnWithWhatItHas(t *testing.T) {
	for name, stored := range map[string][]byte{
		Gzip: gzipped("an event", "another"), Zstd: zstdWith([]zstd.EOption{zstd.WithSingleSegment(true)}, "an event"), None: []byte("an event"),
	} {
		d, buf, r := &Decoder{}, make([]byte, 100), bytes.NewReader(nil)
		defer d.Close()
		if n := testing.AllocsPerRun(100, func() {
			r.Reset(stored)
			plain, err := d.Decode(r)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(plain, buf); err != io.ErrUnexpectedEOF {
				t.Fatal(err)
			}
		}); n > 2 {
			t.Errorf("%s: an object costs %.0f allocations", name, n)
		}
	}
}

// TestAFrugalDecoderHasSmallBuffers looks at what is read of an object at a time.
func TestAFrugalDecoderHasSmallBuffers(t *testing.T) {
	for _, frugal := range []bool{false, true} {
		d, want := &Decoder{}, storedBuffer
		if frugal {
			d.Frugal()
			want = frugalBuffer
		}
		largest := 0
		r := readerFunc(func(p []byte) (int, error) {
			largest = max(largest, len(p))
			return copy(p, "event"), nil
		})
		plain, err := d.Decode(r)
		if err == nil {
			_, err = plain.Read(make([]byte, 1))
		}
		if err != nil || largest != want {
			t.Errorf("frugal %v: %d bytes are read at a time, want %d; %v", frugal, largest, want, err)
		}
		d.Close()
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
