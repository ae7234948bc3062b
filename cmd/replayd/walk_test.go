package main

import (
	"strings"
	"testing"
	"time"

	"replayd/replay/api/apitest"
)

// TestEveryAnswerOfADaemonIsInTheDocument as those of the fake are, with an archive that is not there among the others.
func TestEveryAnswerOfADaemonIsInTheDocument(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)+"rubbish\n"+event("b", 2)))
	d := b.serve("  gone: {url: '" + b.folder + "/gone', layout: jsonl, format: json, event_id: /id, event_time: /t}\n" + targetX)
	for _, id := range []string{"ended", "a", "b"} {
		d.replayd("start", "--archive", "a", "--from", "2026-11-01", "--for", "24h", "--topic", "x", "--create-topic", "--allow", "overlap",
			"--id", id, "--pace", "1/s", "--yes").want(exitOK)
	}
	d.replayd("cancel", "ended")
	for _, command := range []string{"ls", "plan --topic x", "start --topic x --yes"} {
		args := append(strings.Fields(command), "--archive", "gone", "--from", "2026-11-01", "--for", "24h")
		d.replayd(args...).want(exitFailed, b.folder+"/gone", "Give an existing folder", onDaemon)
	}
	statuses := apitest.Walk{
		URL: d.url, Seed: uint64(time.Now().UnixNano()), Requests: 40,
		Good: map[string][]any{
			"archive": {"a", "a", "gone"}, "name": {"a", "gone", "none"}, "topic": {"x", "x", "y"}, "allow": {[]any{"overlap"}}, "for": {"24h"},
			"from": {"2026-11-01T00:00:00Z", "2026-11-01"}, "to": {"2026-11-02T00:00:00Z"},
		},
	}.Answers(t)
	for _, status := range []int{200, 404, 422} {
		if statuses[status] == 0 {
			t.Errorf("nothing was answered with %d: are the requests what they should be?", status)
		}
	}
}
