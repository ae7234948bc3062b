package replay

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"replayd/replay/merge"
)

func TestThatMemoryIsTooLittleIsSaidOnceItMatters(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		fit  merge.Fit
		says string
	}{
		{merge.Fit{Bytes: 1000 * mib}, ""},
		{merge.Fit{Bytes: 20 * mib, Misfits: 15 * mib, ReadTwice: 3}, ""},
		{merge.Fit{Bytes: 1000 * mib, Misfits: 100 * mib, ReadTwice: 10}, ""},
		{merge.Fit{Bytes: 20 * mib, Misfits: 16 * mib, ReadTwice: 3, Spilled: 2, Needs: 30 * mib}, "--memory 64MiB: 3 were read twice, 2 spilled so far, which is slower and changes nothing in what comes out. --memory 128MiB would hold them"},
		{merge.Fit{Bytes: 20 * mib, Misfits: 16 * mib, ReadTwice: 3, Needs: 1}, "--memory 128MiB would hold them"},
		{merge.Fit{Bytes: 3000 * mib, Misfits: 2000 * mib, ReadTwice: 3, Needs: 3000 * mib}, "--memory 5GiB would hold them"},
	} {
		var told []string
		o := &Options{Memory: 64 * mib, Open: 256, Notice: func(text string) { told = append(told, text) }}
		m := misfits{options: o}
		m.look(c.fit)
		m.look(c.fit)
		if len(told) > 1 || (c.says == "") != (len(told) == 0) || !strings.Contains(strings.Join(told, ""), c.says) {
			t.Errorf("%+v: told %q, want %q", c.fit, told, c.says)
		}
		if o.Memory != 64*mib {
			t.Fatal("the options were changed")
		}
	}
}

// TestTheMemoryThatIsNamedIsEnough holds what is named against how it would be divided.
func TestTheMemoryThatIsNamedIsEnough(t *testing.T) {
	for _, memory := range []int64{16 << 20, 100 << 20, 512 << 20} {
		for needs := int64(1 << 20); needs < 1<<40; needs *= 3 {
			o := &Options{Memory: memory, Open: 256}
			more := o.enough(needs)
			if s := divide(more, o.Open, o.workers()); s.runs < needs || more <= memory || more%(64<<20) != 0 || more > max(memory, 2*needs)+256<<20 {
				t.Errorf("with %d bytes, for %d more: %d, of which %d are for runs", memory, needs, more, s.runs)
			}
		}
	}
}

// TestWhatDoesNotFitStandsInTheProgressAndNotInTheReceipt replays objects that overlap, one of them in no order, with memory for
// all of them and for none.
func TestWhatDoesNotFitStandsInTheProgressAndNotInTheReceipt(t *testing.T) {
	files := map[string]string{}
	for o := range 4 {
		var text strings.Builder
		for i := range 500 {
			text.WriteString(event(fmt.Sprint(o, "-", i), time.Duration(i)*time.Second+time.Duration(o)))
		}
		if o == 3 {
			text.WriteString(event("out of order", 0))
		}
		files[fmt.Sprintf("2026/11/01/12/%d", o)] = text.String()
	}
	var receipts []string
	for _, fits := range []bool{true, false} {
		h, m := newHourly(files), &memory{}
		r := h.runner(t, m)
		r.Options.chunkRecords = 100
		if !fits {
			r.Options.Memory = 1000
			r.Options.shares = &shares{streams: merge.Room{Objects: 2, Bytes: 1 << 20}, step: 4 << 10, chunk: chunkBytes}
		}
		var last Progress
		var told []string
		r.Options.Observe = func(p Progress) { last = p }
		r.Options.Notice = func(text string) { told = append(told, text) }
		receipt, err := r.Run(t.Context(), h.spec)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case fits && (last.ReadTwice != 0 || last.Spilled != 0 || last.SpilledBytes != 0 || len(told) > 0):
			t.Errorf("all fits: %d read twice, %d spilled, %d bytes, told %q", last.ReadTwice, last.Spilled, last.SpilledBytes, told)
		case !fits && (last.ReadTwice < 2 || last.Spilled < 2 || last.ReadTwice+last.Spilled < 4 || last.SpilledBytes < 1000):
			t.Errorf("nothing fits: %d read twice, %d spilled, %d bytes", last.ReadTwice, last.Spilled, last.SpilledBytes)
		case !fits && (len(told) != 1 || !strings.Contains(told[0], "do not fit into --memory")):
			t.Errorf("told: %q", told)
		}
		receipt.ElapsedSeconds = 0
		text, err := json.Marshal(receipt)
		if err != nil {
			t.Fatal(err)
		}
		receipts = append(receipts, string(text))
	}
	if receipts[0] != receipts[1] {
		t.Errorf("receipts differ:\n%s\n%s", receipts[0], receipts[1])
	}
}
