package format

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"replayd/archive"
)

// listed is a stream whose listing told its length.
type listed struct {
	io.Reader
	size int64
}

func (l listed) Stored() int64 { return l.size }

func listedBytes(stored []byte) listed { return listed{bytes.NewReader(stored), int64(len(stored))} }

func TestHowMuchAnObjectMayHold(t *testing.T) {
	const mib, tib = int64(1) << 20, int64(1) << 40
	for stored, want := range map[int64]int64{
		0: 64 * mib, 20: 64 * mib, 64 * mib / 500: 64 * mib,
		64*mib/500 + 1: 65 * mib, mib: 500 * mib, mib + 1: 501 * mib,
		5 << 30: tib, 1 << 62: tib, tib/500 - 1: tib,
	} {
		if got := (expansion{}).bound(stored); got != want {
			t.Errorf("%d stored bytes may become %d, want %d", stored, got, want)
		}
	}
}

// small is a bound that tests reach soon.
const small = 1 << 20

func smallDecoder() *Decoder { return &Decoder{expansion: expansion{free: small}} }

// padded writes a text, a byte n times and another text, compressed, without ever holding them.
func padded(t *testing.T, codec, before string, fill byte, n int64, behind string) []byte {
	t.Helper()
	var stored bytes.Buffer
	var w io.WriteCloser
	if codec == Gzip {
		w, _ = gzip.NewWriterLevel(&stored, gzip.BestCompression)
	} else {
		w, _ = zstd.NewWriter(&stored, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	}
	piece := bytes.Repeat([]byte{fill}, 1<<20)
	_, _ = io.WriteString(w, before)
	for ; n > 0; n -= int64(len(piece)) {
		_, _ = w.Write(piece[:min(n, int64(len(piece)))])
	}
	_, _ = io.WriteString(w, behind)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return stored.Bytes()
}

// drained reads a stream to its end in pieces of a size and returns how long it is.
func drained(r io.Reader, piece int) (n int64, err error) {
	p := make([]byte, piece)
	for {
		k, err := r.Read(p)
		n += int64(k)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

func TestABombIsCutOffAtTheSameByteHoweverItIsRead(t *testing.T) {
	for _, codec := range []string{Gzip, Zstd} {
		fits, bomb := padded(t, codec, "", ' ', small, ""), padded(t, codec, "", ' ', small+1, "")
		for _, piece := range []int{97, 100 << 20} {
			d := smallDecoder()
			plain, err := d.Decode(listedBytes(fits))
			if err != nil {
				t.Fatal(err)
			}
			if n, err := drained(plain, piece); n != small || err != nil {
				t.Errorf("%s: of %d bytes come out %d, %v", codec, small, n, err)
			}
			plain, err = d.Decode(listedBytes(bomb))
			if err != nil {
				t.Fatal(err)
			}
			n, err := drained(plain, piece)
			var broken *CodecError
			if n != small || !errors.As(err, &broken) || !strings.Contains(err.Error(), "store the object uncompressed") {
				t.Errorf("%s in pieces of %d: of a bomb come out %d bytes, %v", codec, piece, n, err)
			}
		}
	}
}

func TestWhatIsNotCompressedOrNotListedHasNoBound(t *testing.T) {
	d := smallDecoder()
	plain, err := d.Decode(listed{bytes.NewReader(make([]byte, small+1)), 1}) // its listing is not this stream's matter
	if err != nil {
		t.Fatal(err)
	}
	if n, err := drained(plain, 1<<20); n != small+1 || err != nil {
		t.Errorf("plain: %d bytes, %v", n, err)
	}
	bomb := padded(t, Zstd, "", ' ', small+1, "")
	if plain, err = d.Decode(bytes.NewReader(bomb)); err != nil {
		t.Fatal(err)
	}
	if n, err := drained(plain, 1<<20); n != small+1 || err != nil {
		t.Errorf("without a listing: %d bytes, %v", n, err)
	}
}

// TestABombIsOneEntryOfItsObject puts one between two events: white space, a string that has no end, and lines.
func TestABombIsOneEntryOfItsObject(t *testing.T) {
	good, inside := `{"id":"a","t":1}`, `{"id":"b","t":2}`
	for _, c := range []struct{ name, before string }{
		{"white space", good + "\n"},
		{"a string", good + "\n" + `{"id":"`},
		{"no JSON", good + "\n" + "rubbish"},
	} {
		for codec, f := range map[string]archive.Format{Gzip: JSON{}, Zstd: Lines{}} {
			stored := padded(t, codec, c.before, ' ', small, inside)
			d := smallDecoder()
			plain, err := d.Decode(listedBytes(stored))
			if err != nil {
				t.Fatal(err)
			}
			got, err := scanAll(f.Scan(plain, archive.Fields{ID: "/id", Time: "/t"}, archive.Limits{Event: 1 << 20}, nil))
			if err != io.EOF || len(got) != 2 || string(got[0].Value) != good || got[1].Bad != archive.BadCodec ||
				got[1].Offset+got[1].Length != small {
				t.Errorf("%s, %s, %s: %+v, %v", c.name, f.Name(), codec, got, err)
			}
			d.Close()
		}
	}
}

// TestABombTakesNoMemory decodes one of 128 MiB that a listing of its own size allows.
func TestABombTakesNoMemory(t *testing.T) {
	stored := padded(t, Zstd, "", 'x', 128<<20, "")
	var d Decoder
	defer d.Close()
	plain, err := d.Decode(listed{bytes.NewReader(stored), 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := scanAll(JSON{}.Scan(plain, archive.Fields{Time: "/t"}, archive.Limits{Event: 1 << 20}, nil))
	runtime.ReadMemStats(&after)
	if err != io.EOF || len(got) != 1 || got[0].Length != 128<<20 {
		t.Errorf("%d entries, %v", len(got), err)
	}
	const most = 32 << 20 // a quarter of what comes out: the codec's window and tables, and one event of the limit
	if took := after.TotalAlloc - before.TotalAlloc; took > most {
		t.Errorf("%d bytes were allocated", took)
	}
}
