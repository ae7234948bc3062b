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
		s := f.Scan(r, benchFields, archive.Limits{Event: 1 << 20}, nil)
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
