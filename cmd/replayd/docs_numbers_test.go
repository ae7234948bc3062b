package main

import (
	"strconv"
	"strings"
	"testing"
)

// TestNumbersOfDocumentsAreThoseOfTheProgram holds sentences that name a limit against the constant that is it. A # stands
// for the number, as documents write it.
func TestNumbersOfDocumentsAreThoseOfTheProgram(t *testing.T) {
	for _, c := range []struct{ page, sentence, file, constant string }{
		{"docs/archives.md", "the first # keys decide", "archive/layout/layout.go", "sample"},
		{"docs/cli.md", "up to # objects to tell what they hold", "replay/sample.go", "sampleObjects"},
		{"docs/cli.md", "counted up to #", "replay/sample.go", "maxKeys"},
		{"docs/cli.md", "the first #; days", "replay/counters.go", "maxGaps"},
		{"docs/cli.md", "at the first start, at most #", "replay/hours.go", "maxOpenHours"},
		{"docs/cli.md", "at most # to an hour", "replay/hourrecord.go", "maxLate"},
		{"docs/cli.md", "judged from # entries on", "replay/decide.go", "badFrom"},
		{"docs/cli.md", "at most # bytes", "replay/spec.go", "MaxReason"},
		{"docs/exactly-once.md", "or at # records", "replay/chunk.go", "chunkRecords"},
		{"docs/exactly-once.md", "the first of each #th of the window", "replay/kafka/commit.go", "marks"},
		{"docs/exactly-once.md", "absent above # objects", "replay/hourrecord.go", "maxListed"},
		{"docs/exactly-once.md", "when # or fewer", "replay/hourrecord.go", "maxOpen"},
		{"docs/reliability.md", "| nesting of objects and arrays | # |", "archive/format/stack.go", "maxDepth"},
		{"docs/reliability.md", "| # bytes, in whole MiB", "archive/format/bomb.go", "MaxExpansion"},
		{"docs/reliability.md", "tried again | # |", "archive/format/resync.go", "maxCandidates"},
		{"docs/reliability.md", "| # bytes of UTF-8 |", "replay/hours.go", "maxKey"},
		{"docs/reliability.md", "far away, # more", "replay/merge/lookahead.go", "mostAhead"},
		{"docs/config.md", "far away # more", "replay/merge/lookahead.go", "mostAhead"},
		{"docs/reliability.md", "fewer than # files open", "cmd/replayd/files_unix.go", "leastFiles"},
		{"docs/security.md", "| requests that are being worked on | #,", "replay/api/places.go", "maxRequests"},
		{"docs/security.md", "2 minutes each | # |", "replay/api/places.go", "requestsOfOne"},
		{"docs/security.md", "| bodies on their way | # |", "replay/api/places.go", "maxBodies"},
		{"docs/security.md", "| bodies on their way | 256 | # |", "replay/api/places.go", "bodiesOfOne"},
		{"docs/security.md", "| streams of events | #,", "replay/api/places.go", "maxStreams"},
		{"docs/security.md", "each with its own time | # |", "replay/api/places.go", "streamsOfOne"},
		{"docs/security.md", "| the OpenAPI document, being sent | # |", "replay/api/places.go", "maxDocuments"},
		{"docs/security.md", "| connections | # |", "replay/api/connections.go", "maxConnections"},
		{"docs/security.md", "| connections | 4,096 | # |", "replay/api/connections.go", "connectionsOfOne"},
		{"docs/semantics.md", "hours of up to # objects", "replay/hourrecord.go", "maxListed"},
		{"docs/semantics.md", "than its record holds: #", "replay/hourrecord.go", "maxLate"},
		{"docs/semantics.md", "still needed (# or fewer", "replay/hourrecord.go", "maxOpen"},
		{"docs/semantics.md", "from # entries on", "replay/decide.go", "badFrom"},
		{"docs/semantics.md", "the same depth of #", "archive/format/stack.go", "maxDepth"},
		{"docs/semantics.md", "More than # decompressed bytes", "archive/format/bomb.go", "MaxExpansion"},
		{"docs/semantics.md", "white space of up to # bytes", "archive/format/stream.go", "maxGap"},
		{"docs/semantics.md", "At most # candidates", "archive/format/resync.go", "maxCandidates"},
	} {
		sentence := strings.Replace(c.sentence, "#", thousands(t, constants(t, c.file, c.constant)[0]), 1)
		if text := strings.Join(strings.Fields(read(t, c.page)), " "); !strings.Contains(text, sentence) {
			t.Errorf("%s does not say %q, and %s has %s", c.page, sentence, c.file, c.constant)
		}
	}
}

// thousands writes a number of the source as documents do: 10_000 is 10,000.
func thousands(t *testing.T, literal string) string {
	t.Helper()
	n, err := strconv.ParseInt(literal, 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	return count(n)
}
