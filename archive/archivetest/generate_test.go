package archivetest

import (
	"bytes"
	stdgzip "compress/gzip"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"replayd/archive"
)

// smallSeeds in a row meet every layout with every format, codec and window.
const smallSeeds = 96

// eachSmall checks a fifth of them, which still meets every layout, format, codec and window.
func eachSmall(t *testing.T, check func(t *testing.T, a *Archive)) {
	t.Helper()
	everySmall(t, 5, check)
}

func everySmall(t *testing.T, step uint64, check func(t *testing.T, a *Archive)) {
	t.Helper()
	for seed := uint64(0); seed < smallSeeds; seed += step {
		a := Generate(Small(seed))
		check(t, a)
		if t.Failed() {
			t.Fatalf("seed %d: %s, %s, %s, window on %s", seed, a.Plan.Layout, a.Plan.Format, a.Plan.Codec, a.Plan.WindowOn)
		}
	}
}

func TestOneSeedMakesOneArchive(t *testing.T) {
	for seed := range uint64(12) {
		first, second := Generate(Small(seed)), Generate(Small(seed))
		if !maps.EqualFunc(first.Files(), second.Files(), bytes.Equal) {
			t.Errorf("seed %d: two archives", seed)
		}
		if a, b := first.Oracle().Receipt.Digest, second.Oracle().Receipt.Digest; a != b {
			t.Errorf("seed %d: two digests, %s and %s", seed, a, b)
		}
	}
	if Generate(Plan{Seed: 1}).Oracle().Receipt.Digest == Generate(Plan{Seed: 2}).Oracle().Receipt.Digest {
		t.Error("two seeds make one archive")
	}
}

func TestRenderingDoesNotDependOnWhatWasRenderedBefore(t *testing.T) {
	eachSmall(t, func(t *testing.T, a *Archive) {
		files := a.Files()
		for _, o := range a.Objects {
			if !bytes.Equal(files[o.Key], a.Bytes(o)) {
				t.Errorf("object %s: rendered twice, twice different", o.Key)
			}
			if a.Size(o) != int64(len(files[o.Key])) {
				t.Errorf("object %s: size %d, has %d bytes", o.Key, a.Size(o), len(files[o.Key]))
			}
		}
	})
}

func TestStoredBytesDecompressToText(t *testing.T) {
	met := map[string]int{}
	eachSmall(t, func(t *testing.T, a *Archive) {
		for _, o := range a.Objects {
			got, err := decompress(t, a.Bytes(o), o.style.codec)
			if damaged := o.style.fault != faultNone; damaged != (err != nil) {
				t.Errorf("object %s with fault %d: error %v", o.Key, o.style.fault, err)
			}
			if !bytes.Equal(got, a.Text(o)) {
				t.Errorf("object %s: stored bytes hold something else", o.Key)
			}
			met[o.style.codec]++
			met["fault "+strconv.Itoa(int(o.style.fault))]++
			if lies(o) {
				met["lies"]++
			}
		}
	})
	for _, name := range []string{CodecNone, CodecGzip, CodecZstd, "fault 1", "fault 2", "fault 3", "lies"} {
		if met[name] == 0 {
			t.Errorf("no object with %s", name)
		}
	}
}

// With damage behind it, a last line without its end would be part of the damage.
func TestDamagedLinesEndBeforeTheDamage(t *testing.T) {
	damaged := 0
	everySmall(t, 1, func(t *testing.T, a *Archive) {
		for _, o := range a.Objects {
			if a.Plan.Format != FormatLines || o.style.fault == faultNone {
				continue
			}
			damaged++
			if text := a.Text(o); !bytes.HasSuffix(text, []byte("\n")) {
				t.Errorf("object %s ends in %q", o.Key, text[max(0, len(text)-20):])
			}
		}
	})
	if damaged == 0 {
		t.Error("no object of lines is damaged")
	}
}

func TestOversizedEventsLieAroundTheLimit(t *testing.T) {
	p := Small(0)
	p.EventLimit, p.Odds.Oversized = 16<<10, 0.3
	a := Generate(p)
	met := map[sizeForm]int{}
	for _, o := range a.Objects {
		for _, e := range a.Entries(o) {
			if e.part == nil || e.part.size == sizeUsual {
				continue
			}
			met[e.part.size]++
			over := int(e.Length) + len("acc-1234") + 36 + 1024 - p.EventLimit // id and key may be shorter
			switch {
			case e.part.size == sizeFits && (e.Bad != "" || len(e.Key)+len(e.Value)+len(e.ID)+1024 != p.EventLimit):
				t.Errorf("event at the limit is bad (%q) or smaller", e.Bad)
			case e.part.size == sizeOver && (e.Bad != archive.BadOversized || over < 1 || over > 1+36+4+20):
				t.Errorf("event above the limit (%q) is above it by %d", e.Bad, over)
			case e.part.size == sizeHuge && (e.Bad != archive.BadOversized || over < p.EventLimit):
				t.Errorf("huge event (%q) is above the limit by %d", e.Bad, over)
			}
		}
	}
	for form := sizeFits; form < sizeForms; form++ {
		if met[form] == 0 {
			t.Errorf("no event of size %d", form)
		}
	}
}

func lies(o *Object) bool {
	switch {
	case strings.HasSuffix(o.Key, ".gz"):
		return o.style.codec != CodecGzip
	case strings.HasSuffix(o.Key, ".zst"):
		return o.style.codec != CodecZstd
	}
	return o.style.codec != CodecNone
}

func decompress(t *testing.T, stored []byte, codec string) ([]byte, error) {
	t.Helper()
	switch codec {
	case CodecGzip:
		r, err := stdgzip.NewReader(bytes.NewReader(stored))
		if err != nil {
			t.Fatal(err)
		}
		return io.ReadAll(r)
	case CodecZstd:
		r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		return r.DecodeAll(stored, nil)
	}
	return stored, nil
}

func TestEventsHaveTheSizeTheyShould(t *testing.T) {
	a := Generate(Plan{Seed: 3, Events: 5000})
	total, events := 0, 0
	for _, o := range a.Objects {
		for _, e := range a.Entries(o) {
			total += len(e.Value)
			events++
		}
	}
	if mean := total / events; events != 5000 || mean < 1080 || mean > 1320 {
		t.Errorf("%d events of %d bytes on average, want 5000 of about 1200", events, mean)
	}
}

func TestObjectsOfSeveralWritersOverlap(t *testing.T) {
	a := Generate(Plan{Seed: 3, Events: 3000, Writers: 3})
	var last time.Time
	overlaps := 0
	for _, o := range a.Objects {
		if o.Named.Before(last) {
			overlaps++
		}
		last = o.Modified
	}
	if overlaps < len(a.Objects)/2 {
		t.Errorf("%d of %d objects overlap the one before", overlaps, len(a.Objects))
	}
}

func TestWriteStoresKeysBytesAndTimes(t *testing.T) {
	a := Generate(Small(4))
	dir := t.TempDir()
	if err := a.Write(dir); err != nil {
		t.Fatal(err)
	}
	for _, o := range a.Objects {
		path := filepath.Join(dir, o.Key)
		if strings.HasSuffix(o.Key, "/") {
			if info, err := os.Stat(path); err != nil || !info.IsDir() {
				t.Errorf("folder marker %s: %v", o.Key, err)
			}
			continue
		}
		stored, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(stored, a.Bytes(o)) || !info.ModTime().Equal(o.Modified) {
			t.Errorf("object %s: other bytes, or modified %s, want %s", o.Key, info.ModTime(), o.Modified)
		}
	}
	if err := a.Write(filepath.Join(dir, a.Objects[0].Key)); err == nil {
		t.Error("wrote into a folder that is a file")
	} else if errors.Is(err, os.ErrNotExist) {
		t.Errorf("unexpected error: %v", err)
	}
}

func TestPlansWithUnknownNamesPanic(t *testing.T) {
	for _, p := range []Plan{{Layout: "x"}, {Format: "x"}, {Codec: "x"}, {WindowOn: "x"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("plan %+v was made", p)
				}
			}()
			Generate(p)
		}()
	}
}

// A small archive and its oracle should stay below 20 ms.
func BenchmarkSmall(b *testing.B) {
	for seed := uint64(0); b.Loop(); seed++ {
		Generate(Small(seed)).Oracle()
	}
}

func BenchmarkBig(b *testing.B) {
	for b.Loop() {
		a := Generate(Big())
		o := a.Oracle()
		b.ReportMetric(float64(o.Receipt.Read), "entries/op")
	}
}
