package main

import (
	"strings"
	"testing"

	"replayd/config"
	"replayd/replay"
)

func TestEventsThatAreTooLargeForTheMemoryAreSaid(t *testing.T) {
	for _, c := range []struct {
		memory, limit int64
		said          bool
	}{
		{16 << 20, 960 << 10, false},
		{512 << 20, 960 << 10, false},
		{16 << 20, 64 << 20, true},
		{1 << 40, 64 << 20, false},
	} {
		o := replay.Options{Memory: c.memory}
		text := tooLargeEvents(o, c.limit)
		if (text != "") != c.said || c.said && !strings.Contains(text, "Give --memory "+config.Size(o.MemoryFor(c.limit)).String()) {
			t.Errorf("events of %d bytes with %d of memory: %q", c.limit, c.memory, text)
		}
	}
}

// TestLargeEventsAreWarnedOf has each command that knows the limits of events and of memory say so.
func TestLargeEventsAreWarnedOf(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "1GiB") // no runtime is limited for this
	b := newBench(t)
	b.put("o", []byte(`{"id":"a","t":"2026-11-01T12:00:00Z"}`))
	b.run(b.what("--topic", "x", "--create-topic")...).want(exitOK)
	b.set("x", "max.message.bytes", "100000000")
	const warning = "events may have 64MiB (limits.event_size)"
	for size, want := range map[string]bool{"64MiB": true, "960KiB": false} {
		path := b.config("limits: {memory: 16MiB, event_size: " + size + "}\n")
		for _, words := range [][]string{
			{"config", "check"},
			append([]string{"cat"}, b.what()...),
			append(b.here("run"), b.what("--topic", "x", "--id", "with-"+strings.ToLower(size), "--allow", "overlap")...),
		} {
			r := b.replayd(append(words, "--config", path)...).want(exitOK)
			if said := strings.Contains(r.err.String(), warning); said != want {
				t.Errorf("%s, event_size %s:\n%s", words[0], size, r.err.String())
			}
		}
	}
}
