package main

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/kafka"
)

// TestADaemonRefusesInTheWordsOfRun: all that is refused, with commands that can be typed.
func TestADaemonRefusesInTheWordsOfRun(t *testing.T) {
	t.Parallel()
	keep := &replay.Refusal{
		Item: kafka.ItemRetention, What: "topic r keeps records for 7 days",
		Next: "Use --record-time now, or:\n  kafka-configs.sh --bootstrap-server k:9092 --alter --entity-type topics --entity-name r --add-config retention.ms=-1",
	}
	there := &replay.Refusal{Item: kafka.ItemOverlap, What: "replay a has put events into topic r", Next: "Use another --topic, or --allow overlap."}
	closed := &replay.Refusal{Item: kafka.ItemNotAllowed, What: "topic r is no target"}
	for _, c := range []struct {
		err, run error
		status   int
	}{
		{keep, keep, http.StatusUnprocessableEntity},
		{errors.Join(keep, there), errors.Join(keep, there), http.StatusUnprocessableEntity},
		{fmt.Errorf("look: %w", errors.Join(keep, errors.Join(there, closed))), errors.Join(keep, there, closed), http.StatusForbidden},
		{closed, closed, http.StatusForbidden},
	} {
		var p *api.Problem
		if !errors.As(problemOf(c.err), &p) || p.Status != c.status || p.Title != http.StatusText(c.status) {
			t.Fatalf("%v is told as %#v", c.err, p)
		}
		if p.Error() != c.run.Error() {
			t.Errorf("a daemon says\n%s\nrun says\n%s", p.Error(), c.run.Error())
		}
	}
}
