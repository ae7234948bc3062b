package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"replayd/archive"
)

func gzipped(parts ...string) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		w := gzip.NewWriter(&b)
		w.Name = "events.json" // a header with something in it
		_, _ = w.Write([]byte(p))
		_ = w.Close()
	}
	return b.Bytes()
}

func zstded(parts ...string) []byte { return zstdWith(nil, parts...) }

func zstdWith(options []zstd.EOption, parts ...string) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		w, err := zstd.NewWriter(&b, append(options, zstd.WithEncoderConcurrency(1))...)
		if err != nil {
			panic(err)
		}
		_, _ = w.Write([]byte(p))
		_ = w.Close()
	}
	return b.Bytes()
}

func decompress(t testing.TB, stored []byte) (string, string, error) {
	t.Helper()
	d := &Decoder{}
	defer d.Close()
	r, err := d.Decode(bytes.NewReader(stored))
	if err != nil {
		t.Fatalf("decompress %.20q: %v", stored, err)
	}
	plain, err := io.ReadAll(r)
	return string(plain), d.Codec(), err
}

func TestDecompress(t *testing.T) {
	long := strings.Repeat("some text ", 100_000)
	skipped := "\x5a\x2a\x4d\x18\x03\x00\x00\x00abc"
	tests := []struct {
		name         string
		stored       []byte
		codec, plain string
	}{
		{"plain", []byte(long), None, long},
		{"empty", nil, None, ""},
		{"one byte", []byte("{"), None, "{"},
		{"one byte of gzip", []byte("\x1f"), None, "\x1f"},
		{"gzip", gzipped(long), Gzip, long},
		{"gzip of nothing", gzipped(""), Gzip, ""},
		{"gzip members", gzipped("a", "", long, "b"), Gzip, "a" + long + "b"},
		{"zstd", zstded(long), Zstd, long},
		{"zstd of nothing", zstdWith([]zstd.EOption{zstd.WithZeroFrames(true)}, ""), Zstd, ""},
		{"zstd frames", zstded("a", long, "b"), Zstd, "a" + long + "b"},
		{"zstd behind a frame to be skipped", append([]byte(skipped), zstded("a")...), Zstd, "a"},
		{"zstd without checksum", zstdWith([]zstd.EOption{zstd.WithEncoderCRC(false)}, long), Zstd, long},
	}
	for _, test := range tests {
		plain, codec, err := decompress(t, test.stored)
		if plain != test.plain || codec != test.codec || err != nil {
			t.Errorf("%s: %.20q in %s, %v; want %.20q in %s", test.name, plain, codec, err, test.plain, test.codec)
		}
	}
}

func TestOtherFilesAreRecognisedAndRefused(t *testing.T) {
	for head, what := range map[string]string{
		"\x04\x22\x4d\x18":       "lz4",
		"BZh91AY&SY":             "bzip2",
		"PK\x03\x04":             "zip",
		"\x82SNAPPY\x00\x00":     "snappy (xerial stream)",
		"\xff\x06\x00\x00sNaPpY": "snappy (framing format)",
		"Obj\x01":                "Avro",
		"PAR1":                   "Parquet",
		"ORC\x08":                "ORC",
		"SEQ\x06":                "Hadoop SequenceFile",
		"KBAK\x01":               "KBAK segment",
		"\xfd7zXZ\x00":           "xz",
		"\x89LZO\x00\r\n\x1a\n":  "lzop",
	} {
		_, err := (&Decoder{}).Decode(strings.NewReader(head + "and more of it"))
		var unsupported *UnsupportedError
		if !errors.As(err, &unsupported) || unsupported.What != what || !strings.Contains(err.Error(), what) {
			t.Errorf("%q is refused with %v, want %s", head, err, what)
		}
	}
}

// Each of these ends in an error of the codec, with all of the plain text before it or at least some.
func TestBrokenStreamsAreErrorsOfTheCodec(t *testing.T) {
	random := make([]byte, 300_000) // several blocks that do not compress
	rng := rand.NewChaCha8([32]byte{})
	_, _ = rng.Read(random)
	long := string(random)
	wrong := func(stored []byte, fromEnd int) []byte {
		stored[len(stored)-fromEnd] ^= 0xff
		return stored
	}
	cut := func(stored []byte, n int) []byte { return stored[:len(stored)-n] }
	tests := []struct {
		name   string
		stored []byte
		plain  string // that comes out at least
	}{
		{"gzip checksum", wrong(gzipped(long), 8), long},
		{"gzip length", wrong(gzipped(long), 1), long},
		{"gzip trailer cut", cut(gzipped(long), 1), long},
		{"gzip all of the trailer cut", cut(gzipped(long), 8), long},
		{"gzip data cut", cut(gzipped(long), 1000), long[:250_000]},
		{"gzip and garbage", append(gzipped(long), "garbage that is no member"...), long},
		{"gzip and one zero", append(gzipped(long), 0), long},
		{"gzip and a member cut in its name", append(gzipped(long), gzipped("x")[:15]...), long},
		{"gzip and a member cut behind its magic", append(gzipped(long), 0x1f, 0x8b), long},
		{"gzip cut in its header", gzipped(long)[:5], ""},
		{"gzip cut in its name", gzipped(long)[:15], ""},
		{"gzip of another method", []byte("\x1f\x8b\x07and the rest of it"), ""},
		{"zstd checksum", wrong(zstded(long), 1), long},
		{"zstd checksum of one block", wrong(zstded("short"), 1), "short"},
		{"zstd checksum cut", cut(zstded(long), 1), long},
		{"zstd data cut", cut(zstded(long), 1000), long[:128<<10]},
		{"zstd and garbage", append(zstded(long), "garbage"...), long},
		{"zstd and one byte", append(zstded(long), 'x'), long},
		{"zstd and three bytes", append(zstded(long), "(\xb5/"...), long},
		{"zstd cut in its header", zstded(long)[:5], ""},
		{"zstd with a dictionary", []byte("\x28\xb5\x2f\xfd\x23\x01\x00\x00\x00\x05\x00\x00\x00"), ""},
		{"zstd with too large a window", zstdWindow(257 << 20), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			plain, codec, err := decompress(t, test.stored)
			var broken *CodecError
			if !errors.As(err, &broken) || broken.Codec != codec || !strings.HasPrefix(err.Error(), codec+": ") {
				t.Errorf("ends in %v", err)
			}
			if !strings.HasPrefix(plain, test.plain) {
				t.Errorf("%d bytes come out, want %d", len(plain), len(test.plain))
			}
		})
	}
}

// zstdWindow is the beginning of a frame that wants a window.
func zstdWindow(size int) []byte {
	exponent := byte(0)
	for size>>(10+exponent) > 1 {
		exponent++
	}
	return append([]byte("\x28\xb5\x2f\xfd\x00"), exponent<<3, 0x01, 0x00, 0x00)
}

func TestZstdWindowIsAnOption(t *testing.T) {
	text := strings.Repeat("0123456789", 1_000_000)
	stored := zstdWith([]zstd.EOption{zstd.WithWindowSize(8 << 20)}, text)
	for window, ok := range map[int]bool{0: true, 8 << 20: true, 4 << 20: false} {
		d := Decoder{MaxWindow: window}
		plain, err := decodeAll(&d, bytes.NewReader(stored))
		var broken *CodecError
		if ok != (err == nil && plain == text) || ok == errors.As(err, &broken) {
			t.Errorf("a window of 8 MiB with a limit of %d: %d bytes, %v", window, len(plain), err)
		}
	}
}

func decodeAll(d *Decoder, r io.Reader) (string, error) {
	plain, err := d.Decode(r)
	if err != nil {
		return "", err
	}
	all, err := io.ReadAll(plain)
	return string(all), err
}

func TestWhatADecoderHoldsIsKnownFromItsStreamsBeginning(t *testing.T) {
	long := strings.Repeat("some text ", 10_000)
	window := zstd.WithWindowSize(1 << 16)
	var streamed bytes.Buffer // its length is not in its header
	w, err := zstd.NewWriter(&streamed, window)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, long[:50_000])
	_ = w.Flush()
	_, _ = io.WriteString(w, long[50_000:])
	_ = w.Close()
	whole, err := zstd.NewWriter(nil, zstd.WithSingleSegment(true))
	if err != nil {
		t.Fatal(err)
	}
	d := &Decoder{}
	defer d.Close()
	for _, c := range []struct {
		name   string
		stored []byte
		want   int64
	}{
		{"zstd of unknown length", streamed.Bytes(), zstdBlocks + 1<<16},
		{"zstd in one segment", whole.EncodeAll([]byte(long), nil), zstdBlocks + int64(len(long))},
		{"zstd behind a frame to be skipped", append([]byte("\x5a\x2a\x4d\x18\x03\x00\x00\x00abc"), streamed.Bytes()...), zstdBlocks + DefaultMaxWindow},
		{"zstd cut off in its header", streamed.Bytes()[:4], zstdBlocks + DefaultMaxWindow},
		{"gzip", gzipped(long), 0},
		{"no codec", []byte(long), 0},
	} {
		if _, err := d.Decode(bytes.NewReader(c.stored)); err != nil {
			t.Fatal(err)
		}
		if got := d.Holds(); got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.name, got, c.want)
		}
	}
}

func TestDecoderIsUsedAgain(t *testing.T) {
	text := strings.Repeat("text", 50_000)
	var d Decoder
	for range 2 {
		for i, stored := range [][]byte{gzipped(text), zstded(text), []byte(text), gzipped(text)[:100], zstded(text), zstded(text)[:20], gzipped(text), nil, zstded(text)} {
			fresh, codec, wantErr := decompress(t, stored)
			plain, err := decodeAll(&d, bytes.NewReader(stored))
			if plain != fresh || d.Codec() != codec || fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Errorf("stream %d: %d bytes of %s, %v; a new decoder: %d of %s, %v", i, len(plain), d.Codec(), err, len(fresh), codec, wantErr)
			}
		}
		// A stream that is left in its middle.
		plain, _ := d.Decode(bytes.NewReader(zstded(text)))
		_, _ = plain.Read(make([]byte, 10))
		d.Close()
		if n, err := d.Read(make([]byte, 10)); n > 0 || err == nil || err == io.EOF {
			t.Errorf("of a closed decoder come %d bytes, %v", n, err)
		}
	}
}

// The codecs hold channels: a decoder made inside a bubble must not reach into another.
func TestDecodersOfDifferentBubblesShareNothing(t *testing.T) {
	for range 2 {
		synctest.Test(t, func(t *testing.T) {
			var d Decoder
			defer d.Close()
			for _, stored := range [][]byte{zstded("text"), gzipped("text"), zstded("text")} {
				if plain, err := decodeAll(&d, bytes.NewReader(stored)); plain != "text" || err != nil {
					t.Errorf("%q, %v", plain, err)
				}
			}
		})
	}
}

// Codecs turn the errors of their source into an early end, a clean end, or words of their own. None of it may reach
// the scanner: a fault of the store that passes for bad bytes would quarantine good events.
func TestErrorsOfTheSourceComeThrough(t *testing.T) {
	text := strings.Repeat("text and more ", 1000)
	for _, fault := range []error{errors.New("the store is down"), io.ErrUnexpectedEOF, fmt.Errorf("cut: %w", io.ErrUnexpectedEOF)} {
		for _, stored := range [][]byte{gzipped(text, text), zstded(text, text), []byte(text)} {
			for n := 0; n <= len(stored); n += 1 + len(stored)/200 {
				checkFault(t, stored[:n], fault, text+text)
			}
			checkFault(t, stored, fault, text+text)
		}
	}
}

func checkFault(t *testing.T, stored []byte, fault error, text string) {
	t.Helper()
	for _, r := range []io.Reader{bytes.NewReader(stored), iotest.OneByteReader(bytes.NewReader(stored))} {
		var d Decoder
		plain, err := decodeAll(&d, io.MultiReader(r, iotest.ErrReader(fault)))
		if err != fault || !strings.HasPrefix(text, plain) {
			t.Fatalf("a source that fails with %v behind %d bytes of %s ends in %v", fault, len(stored), d.Codec(), err)
		}
	}
}

// checkReads holds a stored stream to one outcome, whatever the sizes of reads on both sides of the codec.
func checkReads(t *testing.T, stored []byte) {
	whole, err := outcome(bytes.NewReader(stored), 512<<10)
	for _, size := range []int{1, 100, 70_000} {
		for how, r := range map[string]io.Reader{"byte by byte": iotest.OneByteReader(bytes.NewReader(stored)), "at once": bytes.NewReader(stored)} {
			if size == 1 && len(whole) > 100_000 {
				continue
			}
			if plain, err2 := outcome(r, size); !bytes.Equal(plain, whole) || fmt.Sprint(err2) != fmt.Sprint(err) {
				t.Fatalf("read %s into %d bytes: %d bytes, %v; at once %d, %v", how, size, len(plain), err2, len(whole), err)
			}
		}
	}
}

// outcome reads as much of a stream as no fuzzing gets tired of.
func outcome(r io.Reader, size int) ([]byte, error) {
	var d Decoder
	defer d.Close()
	in, err := d.Decode(r)
	if err != nil {
		return nil, err
	}
	var plain []byte
	buf := make([]byte, size)
	for len(plain) < 1<<20 {
		n, err := in.Read(buf)
		plain = append(plain, buf[:n]...)
		if err != nil {
			return plain, err
		}
	}
	return plain[:1<<20], nil
}

func FuzzDecode(f *testing.F) {
	text := strings.Repeat(`{"id":1,"t":1}`, 20)
	for _, stored := range [][]byte{gzipped(text), gzipped("a", text), zstded(text), zstded("a", text), []byte(text), zstdWindow(1 << 20)} {
		f.Add(stored)
		f.Add(stored[:len(stored)-3])
		f.Add(slices.Concat(stored, stored[:5]))
		spoiled := bytes.Clone(stored)
		spoiled[len(spoiled)/2] ^= 0x10
		f.Add(spoiled)
	}
	f.Fuzz(checkReads)
}

func TestCodecErrorsBecomeOneEntry(t *testing.T) {
	one, two := `{"id":1,"t":1}`, `{"id":2,"t":2}`
	long := `{"id":3,"t":3,"x":"` + strings.Repeat("y", 5000)
	tests := []struct {
		name   string
		format archive.Format
		text   string // decoded before the error
		want   []string
	}{
		{"between events", JSON{}, one + two, []string{one, two, "codec 28-28"}},
		{"behind white space", JSON{}, one + " \n", []string{one, "codec 16-16"}},
		{"in an event", JSON{}, one + `{"id":2`, []string{one, "codec 14-21"}},
		{"in a broken range", JSON{}, one + `xx{"id":2,"t":2},`, []string{one, "codec 14-31"}},
		{"in an event over the limit", JSON{}, one + long, []string{one, "codec 14-5033"}},
		{"behind an event without time", JSON{}, `{"id":1}`, []string{"time 0-8", "codec 8-8"}},
		{"at once", JSON{}, "", []string{"codec 0-0"}},
		{"behind a line", Lines{}, one + "\n", []string{one, "codec 15-15"}},
		{"behind an event of a line", Lines{}, one, []string{one, "codec 14-14"}},
		{"in a line", Lines{}, one + "\n" + `{"id":`, []string{one, "codec 15-21"}},
		{"in a bad line", Lines{}, one + "\nxx", []string{one, "codec 15-17"}},
		{"behind a bad line", Lines{}, "xx\n", []string{"json 0-2", "codec 3-3"}},
		{"in a line over the limit", Lines{}, one + "\n" + long, []string{one, "codec 15-5034"}},
		{"behind an event over the limit", Lines{}, long + `"}`, []string{"oversized 0-5021", "codec 5021-5021"}},
		{"in an array", Array{}, "[" + one + ",", []string{one, "codec 16-16"}},
		{"in an element", Array{}, "[" + one + `,{"id":2`, []string{one, "codec 16-23"}},
		{"behind an element", Array{}, "[" + one, []string{one, "codec 15-15"}},
		{"behind a broken element", Array{}, "[" + one + ",x," + two, []string{one, "codec 16-32"}},
		{"behind the array", Array{}, "[" + one + "]\n", []string{one, "codec 17-17"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			broken := &CodecError{Codec: Gzip, Err: gzip.ErrChecksum}
			for _, err := range []error{broken, fmt.Errorf("object x: %w", broken)} {
				entries := scan(t, test.format, io.MultiReader(strings.NewReader(test.text), iotest.ErrReader(err)), damageFields, testLimit)
				if got := shown(entries); !slices.Equal(got, test.want) {
					t.Errorf("came %q\nwant %q", got, test.want)
				}
				if last := entries[len(entries)-1]; last.Detail != "gzip: invalid checksum" {
					t.Errorf("the detail is %q", last.Detail)
				}
			}
		})
	}
}
