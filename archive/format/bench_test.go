package format

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	goccy "github.com/goccy/go-json"

	"replayd/archive"
)

// benchEvents are some thousand events of about 1.2 KB in the shape of Pismo's.
func benchEvents(separator string) (data []byte, n int) {
	rng := rand.New(rand.NewPCG(1, 1))
	var b bytes.Buffer
	for n = range 4000 {
		fmt.Fprintf(&b, `{"event_id":"%016x-%016x","cid":"%016x","org_id":"TN-7f3a","event_type":"authorization","domain":"payments",`, rng.Uint64(), rng.Uint64(), rng.Uint64())
		fmt.Fprintf(&b, `"schema_version":3,"arrival_epoch":%d,"timestamp":"2026-11-01T12:%02d:%02d.%06dZ","data":{"account_id":%d,`, 1793534400000+n, rng.IntN(60), rng.IntN(60), rng.IntN(1e6), rng.Uint32())
		fmt.Fprintf(&b, `"amount":%d,"currency":"EUR","merchant":{"name":"A \"quoted\" caf\u00e9","mcc":5812,"address":{"city":"Köln","zip":"50667"}},"items":[`, rng.Uint64())
		for i := range 4 {
			fmt.Fprintf(&b, `{"sku":"%08x","quantity":%d,"price":%d.%02d,"taxes":[0.07,0.19,null,true]},`, rng.Uint32(), i, rng.IntN(1000), rng.IntN(100))
		}
		fmt.Fprintf(&b, `{}],"note":"%s"}}%s`, strings.Repeat("lorem ipsum ", 35), separator)
	}
	return b.Bytes(), n + 1
}

var benchFields = archive.Fields{
	ID: "/event_id", Time: "/timestamp", Arrival: "/arrival_epoch", Key: "/data/account_id", Volatile: []archive.Pointer{"/arrival_epoch"},
}

func benchmark(b *testing.B, separator string, read func(r io.Reader) (int, error)) {
	data, events := benchEvents(separator)
	b.SetBytes(int64(len(data)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		n, err := read(bytes.NewReader(data))
		if n != events || err != io.EOF {
			b.Fatalf("%d events, %v; want %d", n, err, events)
		}
	}
	runtime.ReadMemStats(&after)
	all := float64(events) * float64(b.N)
	b.ReportMetric(all/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/all, "allocs/event")
}

func benchmarkScan(b *testing.B, f archive.Format, separator string) {
	benchmark(b, separator, func(r io.Reader) (int, error) {
		s := f.Scan(r, benchFields, benchLimits, nil)
		var e archive.Entry
		for n := 0; ; n++ {
			if err := s.Next(&e); err != nil {
				return n, err
			}
			if e.Bad != "" {
				return n, errors.New(e.Detail)
			}
		}
	})
}

func BenchmarkJSON(b *testing.B) { benchmarkScan(b, JSON{}, "") }

func BenchmarkLines(b *testing.B) { benchmarkScan(b, Lines{}, "\n") }

// benchLimits are far above the events.
var benchLimits = archive.Limits{Event: 1 << 20}

// BenchmarkWalk is the part of BenchmarkJSON that any reader of events has: to find where each ends, to hold all of it to
// the grammar, and to find id, time and key.
func BenchmarkWalk(b *testing.B) {
	benchmark(b, "", func(r io.Reader) (int, error) {
		s := newStream(r, benchFields, benchLimits, nil)
		x := &s.fields
		for n := 0; ; n++ {
			if !s.advance() {
				return n, io.EOF
			}
			size, v := s.object()
			if v != whole {
				return n, fmt.Errorf("standing %d: %s", v, s.walk.why)
			}
			for _, node := range []int32{x.ids[0], x.time, x.key} {
				if len(s.walk.spans[node].of(s.buf.data())) == 0 {
					return n, errors.New("a field is missing")
				}
			}
			s.taken = size
		}
	})
}

// BenchmarkLibrary is the same work by the fastest general library that does as much. The others that were measured are
// slower (encoding/json, its second version, gjson, simdjson-go, sonic's decoder), or let pass what is no JSON (fastjson,
// and sonic where it skips and validates).
func BenchmarkLibrary(b *testing.B) {
	benchmark(b, "", func(r io.Reader) (int, error) {
		d := goccy.NewDecoder(r)
		for n := 0; ; n++ {
			var e struct {
				ID   string `json:"event_id"`
				Time string `json:"timestamp"`
				Data struct {
					Account goccy.RawMessage `json:"account_id"`
				} `json:"data"`
			}
			if err := d.Decode(&e); err != nil {
				return n, err
			}
			if e.ID == "" || e.Time == "" || len(e.Data.Account) == 0 {
				return n, errors.New("a field is missing")
			}
		}
	})
}

// TestTheLibraryThatIsMeasuredValidatesAsMuch keeps the comparison fair: it refuses what is no JSON, in fields that it is
// not asked for, too, and takes all else.
func TestTheLibraryThatIsMeasuredValidatesAsMuch(t *testing.T) {
	for _, s := range grammarSeeds() {
		if !strings.HasPrefix(s, "{") {
			continue
		}
		var e struct {
			Absent goccy.RawMessage `json:"absent"`
		}
		_, v := standingOf([]byte(s))
		if err := goccy.NewDecoder(strings.NewReader(s)).Decode(&e); (err == nil) != (v == whole) {
			t.Errorf("of %q it says %v, encoding/json %d", s, err, v)
		}
	}
}

// BenchmarkEncodingJSON is the usual way to do it, to compare with: it validates, and finds three of the fields.
func BenchmarkEncodingJSON(b *testing.B) {
	benchmark(b, "", func(r io.Reader) (int, error) {
		d := json.NewDecoder(r)
		for n := 0; ; n++ {
			var e struct {
				ID      string `json:"event_id"`
				Time    string `json:"timestamp"`
				Arrival int64  `json:"arrival_epoch"`
			}
			if err := d.Decode(&e); err != nil {
				return n, err
			}
		}
	})
}
