package main

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// TestADaemonWhoseControlTopicsAreDeletedStops, and its replays with it: nobody could tell them anything any more. Begun anew it
// says what is lost, and goes on with what is not.
func TestADaemonWhoseControlTopicsAreDeletedStops(t *testing.T) {
	t.Parallel()
	for topic, state := range map[string]string{"replayd.config": "failed", "replayd.status": "running"} {
		t.Run(topic, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.put("o", events(600))
			d := b.serve(targetX)
			d.replayd("start", "--archive", "a", "--from", "2026-11-01", "--for", "24h", "--topic", "x", "--create-topic", "--id", "night", "--pace", "5/s", "--yes").want(exitOK)
			d.until("the first commit", func() bool { return b.committed("x") })
			admin := kadm.NewClient(b.client())
			if _, err := admin.DeleteTopic(t.Context(), topic); err != nil {
				t.Fatal(err)
			}
			compact := "compact"
			if _, err := admin.CreateTopic(t.Context(), 1, 1, map[string]*string{"cleanup.policy": &compact}, topic); err != nil {
				t.Fatal(err)
			}
			d.end(time.Minute).want(exitRefused, topic+" was deleted and made anew", "restart")
			n := len(b.values("x"))
			d = b.serve(targetX)
			d.until("it to stand "+state, func() bool {
				return strings.Contains(d.replayd("list", "-o", "json").want(exitOK).out.String(), `"id":"night","state":"`+state+`"`)
			})
			if after := len(b.values("x")); state == "failed" && after != n {
				t.Errorf("the topic holds %d events, had %d", after, n)
			}
		})
	}
}
