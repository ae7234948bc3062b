package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/api/apitest"
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

// typing is a daemon whose desk is asked by who types a start.
type typing struct {
	*apitest.Fake
	desk *desk
}

func (d typing) Start(ctx context.Context, s api.Start) (api.Replay, bool, error) {
	_, _, err := d.desk.Spec(ctx, s)
	return api.Replay{}, false, err
}

func (d typing) Plan(ctx context.Context, s api.Start) (api.Plan, error) { return d.desk.Plan(ctx, s) }

// TestWhatIsWrongWithAStartIsToldInFlags to who typed flags.
func TestWhatIsWrongWithAStartIsToldInFlags(t *testing.T) {
	t.Parallel()
	d, _ := newDesk(t, targetX)
	for line, want := range map[string]string{
		"--archive a --from 2026-11-01 --topic x":                              "\n  --to is missing: the end of the window (exclusive), or --for 4h\n",
		"--archive a --from 2026-11-01 --for 4h --topic x --on-bad maybe":      "\n  --on-bad \"maybe\": quarantine or stop\n",
		"--archive b --from 2026-11-01 --for 4h --topic x":                     "\n  --archive: archive \"b\" is not in the daemon's configuration, which has a\n",
		"--archive a --from 2026-11-01 --for 4h --topic x --event-id id":       "\n  --event-id: ",
		"--archive a --from 2026-11-01 --for 4h --topic x --window-on arrival": "\n  ",
	} {
		for _, command := range []string{"start --yes ", "plan --server http://127.0.0.1:8484 "} {
			r := typeFor(t, typing{apitest.NewFake(), d}, strings.Fields(command+line)...).want(exitUsage)
			if told := r.err.String(); !strings.Contains(told, want) || strings.Contains(told, "body") {
				t.Errorf("%s%s: it is told\n%s", command, line, told)
			}
		}
	}
}
