package integration

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"
)

// packed makes objects of gzip while they are read: lines of about 1,000 bytes in the order of their times, spread over an hour.
// Each is a stored block, which holds what differs between lines, and one of some blocks that were compressed before.
type packed struct {
	lines int
	pads  []pad
	size  int64 // of an object
	raw   int64 // of its content
}

type pad struct{ raw, packed []byte }

// newPacked returns objects of so many lines.
func newPacked(t *testing.T, lines int) *packed {
	t.Helper()
	p := &packed{lines: lines}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 64 {
		text := purchase(rng)
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, flate.BestSpeed)
		if err == nil {
			_, err = w.Write(text)
		}
		if err == nil {
			err = w.Flush() // ends at a whole byte, and refers to nothing before it
		}
		if err != nil {
			t.Fatal(err)
		}
		p.pads = append(p.pads, pad{text, b.Bytes()})
	}
	count := &counting{}
	raw, err := p.write(count, 0)
	if err != nil {
		t.Fatal(err)
	}
	p.size, p.raw = count.n, raw
	return p
}

// purchase is what an event says behind its id and time: names that are always the same, and values of which some seldom are.
func purchase(rng *rand.Rand) []byte {
	some := func(of ...string) string { return of[rng.IntN(len(of))] }
	text := fmt.Appendf(nil, `"type":"%s","version":3,"account":{"id":%d,"holder":"%s %s","branch":"%04d","segment":"%s"}`,
		some("card.authorised", "card.settled", "card.refused", "transfer.sent"), rng.IntN(1e7), some("Ana", "Bruno", "Carla", "Davi", "Elisa"),
		some("Souza", "Silva", "Pereira", "Oliveira"), rng.IntN(1e4), some("retail", "business", "private"))
	text = fmt.Appendf(text, `,"amount":{"value":"%d.%02d","currency":"%s","rate":"%d.%04d"}`, rng.IntN(1e4), rng.IntN(100), some("BRL", "EUR", "USD"), rng.IntN(7), rng.IntN(1e4))
	text = fmt.Appendf(text, `,"card":{"brand":"%s","last4":"%04d","token":"%016x","entry":"%s"}`, some("visa", "mastercard", "elo"), rng.IntN(1e4), rng.Uint64(), some("chip", "contactless", "ecommerce"))
	text = fmt.Appendf(text, `,"device":{"ip":"10.%d.%d.%d","agent":"Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Mobile Safari/537.36"}`, rng.IntN(256), rng.IntN(256), rng.IntN(256))
	for i := 0; len(text) < 900; i++ {
		text = fmt.Appendf(text, `,"score_%d":{"model":"%s","value":0.%04d,"reason":"%s"}`, i, some("velocity", "distance", "merchant"), rng.IntN(1e4), some("none", "first purchase here", "amount above the usual"))
	}
	return append(text, "}\n"...)
}

// write writes object, whose size is that of any other, and returns how long its content is.
func (p *packed) write(w io.Writer, object int) (raw int64, err error) {
	le, sum := binary.LittleEndian, crc32.NewIEEE()
	block := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}
	began := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	var line []byte
	for n := range p.lines {
		at := began.Add(time.Duration(n) * time.Hour / time.Duration(p.lines)).Add(time.Duration(object) * time.Microsecond)
		line = fmt.Appendf(line[:0], `{"id":"%06d-%06d","t":"%s",`, object, n, at.Format("2006-01-02T15:04:05.000000Z"))
		block = append(block, 0)
		block = le.AppendUint16(block, uint16(len(line)))
		block = le.AppendUint16(block, ^uint16(len(line)))
		pad := &p.pads[n%len(p.pads)]
		block = append(append(block, line...), pad.packed...)
		if _, err := w.Write(block); err != nil {
			return raw, err
		}
		block = block[:0]
		_, _ = sum.Write(line)
		_, _ = sum.Write(pad.raw)
		raw += int64(len(line) + len(pad.raw))
	}
	block = append(block, 1, 0, 0, 0xff, 0xff) // the last block, an empty one
	block = le.AppendUint32(block, sum.Sum32())
	_, err = w.Write(le.AppendUint32(block, uint32(raw)))
	return raw, err
}

// counting counts what is written.
type counting struct{ n int64 }

func (c *counting) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	return len(b), nil
}

// skipping leaves out the first bytes.
type skipping struct {
	w    io.Writer
	skip int64
}

func (s *skipping) Write(b []byte) (int, error) {
	if n := int64(len(b)); n <= s.skip {
		s.skip -= n
		return len(b), nil
	}
	rest := b[s.skip:]
	s.skip = 0
	if _, err := s.w.Write(rest); err != nil {
		return 0, err
	}
	return len(b), nil
}
