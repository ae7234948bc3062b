package consumer

import (
	"strings"
	"testing"
)

func TestReadStatus(t *testing.T) {
	s, err := ReadStatus([]byte(`{"version":1,"at":"2026-11-01T12:00:00Z","receipt":{"type":"receipt","id":"p","state":"completed",
		"topic":"t","produced":2,"partitions":[{"topic":"t","partition":0,"records":2,"start_offset":7,"last_offset":9},
		{"topic":"t","partition":1,"records":0,"start_offset":0}]},"of_a_later_minor_change":true}`))
	if err != nil {
		t.Fatal(err)
	}
	r := s.Receipt
	if r == nil || r.ID != "p" || r.State != "completed" || r.Topic != "t" || r.Produced != 2 || len(r.Partitions) != 2 || s.At.IsZero() {
		t.Fatalf("status %+v, receipt %+v", s, r)
	}
	if p := r.Partitions[0]; p.StartOffset != 7 || p.LastOffset == nil || *p.LastOffset != 9 {
		t.Errorf("partition 0: %+v", p)
	}
	if p := r.Partitions[1]; p.LastOffset != nil {
		t.Errorf("partition 1: %+v", p)
	}
}

func TestStatusWithoutAReceipt(t *testing.T) {
	for name, value := range map[string][]byte{"forgotten": nil, "running": []byte(`{"version":1,"at":"2026-11-01T12:00:00Z"}`)} {
		if s, err := ReadStatus(value); err != nil || s.Receipt != nil {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

func TestStatusThatCannotBeRead(t *testing.T) {
	for value, want := range map[string]string{
		`{"version":2}`: "newer replay/consumer",
		`{}`:            "version 0",
		`{"version":1,"receipt":{"partitions":[{"last_offset":"9"}]}}`: "last_offset",
		`not JSON`: "status of a replay",
		``:         "status of a replay",
	} {
		if s, err := ReadStatus([]byte(value)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v", value, s, err)
		}
	}
}
