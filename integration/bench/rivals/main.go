// Command rivals holds the programs that replayd is measured against, and its engine without Kafka. Each reads an archive
// that archivetest wrote, does its work once, and prints what that took as a line of JSON.
//
//	decoder   decompresses, and decodes every event with encoding/json into a struct of three fields
//	floor     the least that could do the job: decompresses, finds the ends of events without a look at what they hold, and
//	          produces them. No order, no dedupe, no transactions, no tags
//	bare      that producer, with all records ready in memory
//	engine    replay.Run into a sink that keeps nothing
//	soak      the engine, with a line of its memory for each hour of the archive
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"time"
)

// work is what a program is to do.
type work struct {
	folder, brokers, topic string
	format                 string
	memory                 int64
	spill, profile         string
	collect                bool
	limit                  int // events
	from, to               time.Time
}

// done is what it did.
type done struct {
	Events int64 `json:"events"`
	Bytes  int64 `json:"bytes"` // of the events
}

// cost is what the work took.
type cost struct {
	done
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu_seconds"`
	MaxRSS  int64   `json:"max_rss_bytes"`
}

var programs = map[string]func(*work, *meter) (done, error){
	"decoder": decode, "floor": floor, "bare": bare, "engine": engine, "soak": soak,
}

func main() {
	w := &work{}
	flag.StringVar(&w.folder, "archive", "", "folder of the archive")
	flag.StringVar(&w.format, "format", "json", "json or jsonl")
	flag.StringVar(&w.brokers, "brokers", "", "host:port of Kafka")
	flag.StringVar(&w.topic, "topic", "", "topic, which is there")
	flag.Int64Var(&w.memory, "memory", 512<<20, "budget of the engine, bytes")
	flag.StringVar(&w.spill, "spill", os.TempDir(), "folder for what the engine spills")
	flag.StringVar(&w.profile, "profile", "", "file for a profile of the processor")
	flag.BoolVar(&w.collect, "collect", false, "soak: collect garbage each hour, and tell what is live")
	flag.IntVar(&w.limit, "limit", 1<<40, "events, at most")
	flag.TextVar(&w.from, "from", time.Time{}, "window of the engine")
	flag.TextVar(&w.to, "to", time.Time{}, "its end")
	flag.Parse()
	if err := run(flag.Arg(0), w); err != nil {
		fmt.Fprintln(os.Stderr, "rivals:", err)
		os.Exit(1)
	}
}

func run(name string, w *work) error {
	program, known := programs[name]
	if !known {
		return fmt.Errorf("no program %q", name)
	}
	end, err := startProfile(w.profile)
	if err != nil {
		return err
	}
	defer end()
	m := &meter{}
	m.begin()
	did, err := program(w, m)
	if err != nil {
		return err
	}
	c := m.end()
	c.done = did
	return json.NewEncoder(os.Stdout).Encode(c)
}

// meter measures this process.
type meter struct {
	at  time.Time
	cpu float64
}

// begin sets the meter to zero: what comes before costs nothing.
func (m *meter) begin() {
	runtime.GC()
	m.at = time.Now()
	m.cpu, _ = usage()
}

func (m *meter) end() cost {
	cpu, resident := usage()
	return cost{Seconds: time.Since(m.at).Seconds(), CPU: cpu - m.cpu, MaxRSS: resident}
}

// startProfile begins a profile of the processor, if one is asked for.
func startProfile(path string) (end func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close() // a profile that is cut off cannot be read, which is seen there
	}, nil
}
