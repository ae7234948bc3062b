package archivetest

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zeebo/xxh3"

	"replayd/archive"
)

func TestGapsAreHoursOfTheWindowWithoutObjects(t *testing.T) {
	p := Plan{From: clock("01:30:00"), To: clock("04:10:00")}
	a := handArchive(t, p, []string{"a 03 -: 1@03:00:00"})
	a.Objects = append(a.Objects, &Object{Key: "b", Hour: clock("02:00:00"), Ignored: true, style: style{codec: CodecNone}})
	a.Objects = append(a.Objects, &Object{Key: "c", Hour: clock("04:00:00"), style: style{codec: CodecNone}})
	r := a.Oracle().Receipt
	if want := []string{"2025-11-01T01", "2025-11-01T02"}; !slices.Equal(r.Gaps, want) {
		t.Errorf("gaps %v, want %v", r.Gaps, want)
	}
	if r.Objects != 2 || r.Read != 1 {
		t.Errorf("%d objects and %d entries, want 2 and 1: an empty object counts, an ignored one does not", r.Objects, r.Read)
	}
}

func TestDamageBehindTheLastEventIsOneEntryAtItsBound(t *testing.T) {
	a := handArchive(t, Plan{}, []string{"a 01 01:00:00: 1@01:30:00"})
	a.Objects[0].style = style{codec: CodecGzip, members: 1, fault: faultChecksum}
	o := a.Oracle()
	checkCounts(t, o.Receipt, "read 2 produced 1 quarantined 1 codec 1 quarantined_bytes 0")
	first := o.sightings[0]
	if first.bad != archive.BadCodec || first.merge != clock("00:55:00").UnixNano() || first.offset != int64(len(a.Text(a.Objects[0]))) {
		t.Errorf("damage stands at %+v", first)
	}
}

func TestQuarantinedBytesAreThoseOfTheEntries(t *testing.T) {
	a := handArchive(t, Plan{}, []string{"a 01 01:00:00: 1@01:30:00 2!@01:30:00 3@01:30:00 4?@01:30:00 5!@01:30:00"})
	a.Objects[0].style.separator = "\n"
	text := string(a.Text(a.Objects[0]))
	lines := strings.SplitAfter(text, "\n")
	// The first cut reaches to the first byte of the event behind it, the second to the end; the line end behind the
	// event without time is nobody's.
	want := len(lines[1]) + len(lines[3]) - 1 + len(lines[4])
	if got := a.Oracle().Receipt.QuarantinedBytes; got != int64(want) {
		t.Errorf("%d bytes, want %d of\n%s", got, want, text)
	}
}

func TestReceiptsBalance(t *testing.T) {
	eachSmall(t, func(t *testing.T, a *Archive) {
		r := a.Oracle().Receipt
		if sum := r.Produced + r.Duplicates + r.Filtered + r.Outside + r.Quarantined; sum != r.Read {
			t.Errorf("read %d, but %d", r.Read, sum)
		}
		read, stored, objects := int64(0), int64(0), 0
		for _, o := range listed(&a.Plan, a.Objects) {
			read += int64(len(a.Entries(o)))
			stored += int64(len(a.Bytes(o)))
			objects++
		}
		if read != r.Read || stored != r.Bytes || objects != r.Objects {
			t.Errorf("read %d entries, %d bytes, %d objects; receipt has %d, %d, %d", read, stored, objects, r.Read, r.Bytes, r.Objects)
		}
	})
}

func TestVerdictsAreInOrderOfPosition(t *testing.T) {
	eachSmall(t, func(t *testing.T, a *Archive) {
		var last archive.Position
		for v := range a.Oracle().Verdicts() {
			if last.Compare(v.Position) >= 0 {
				t.Fatalf("%s stands before %s", last, v.Position)
			}
			last = v.Position
		}
	})
}

// The written oracle is read back by other means, and its digest added up with big numbers.
func TestWrittenOracleHoldsEveryProducedEvent(t *testing.T) {
	for seed := range uint64(24) {
		o := Generate(Small(seed)).Oracle()
		dir := t.TempDir()
		if err := o.Write(dir); err != nil {
			t.Fatal(err)
		}
		lines := readOracle(t, filepath.Join(dir, "oracle.jsonl"))
		digest, n := new(big.Int), 0
		for v := range o.Produced() {
			if n == len(lines) {
				t.Fatalf("seed %d: only %d lines", seed, n)
			}
			lines[n].check(t, v)
			digest.Add(digest, lines[n].digest(t))
			n++
		}
		digest.Mod(digest, new(big.Int).Lsh(big.NewInt(1), 128))
		if got := fmt.Sprintf("%032x", digest); got != o.Receipt.Digest || n != len(lines) {
			t.Errorf("seed %d: digest %s of %d events, want %s of %d", seed, got, len(lines), o.Receipt.Digest, n)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

type oracleLine struct {
	Seq    int64   `json:"seq"`
	ID     *string `json:"id"`
	TimeMS int64   `json:"time_ms"`
	Key    *string `json:"key"`
	Value  string  `json:"value_base64"`
	Flags  string  `json:"flags"`
}

func readOracle(t *testing.T, path string) []oracleLine {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []oracleLine
	s := bufio.NewScanner(bytes.NewReader(text))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var l oracleLine
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines
}

func (l oracleLine) check(t *testing.T, v Verdict) {
	t.Helper()
	e := v.Event()
	if l.Seq != v.Seq || l.TimeMS != e.Time/1e6 || l.Flags != v.Flags || l.Value != base64.StdEncoding.EncodeToString(e.Value) ||
		!same(l.ID, e.ID) || !same(l.Key, e.Key) {
		t.Errorf("line %+v for event %d at %s", l, v.Seq, v.Position)
	}
}

func same(text *string, b []byte) bool {
	if text == nil || b == nil {
		return text == nil && b == nil
	}
	return *text == string(b)
}

func (l oracleLine) digest(t *testing.T) *big.Int {
	t.Helper()
	value, err := base64.StdEncoding.DecodeString(l.Value)
	if err != nil {
		t.Fatal(err)
	}
	id := ""
	if l.ID != nil {
		id = *l.ID
	}
	h := xxh3.Hash128(slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(len(id))), []byte(id), value)).Bytes()
	return new(big.Int).SetBytes(h[:])
}
