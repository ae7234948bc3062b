package kafka

import (
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"replayd/replay"
)

// TestControlTopicsThatAPlatformTeamMadeAreUsedAsTheyAre has a quarantine topic of fewer partitions than ours would get.
func TestControlTopicsThatAPlatformTeamMadeAreUsedAsTheyAre(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	if _, err := c.admin.CreateTopic(t.Context(), 1, 1, nil, "replayd.quarantine"); err != nil {
		t.Fatal(err)
	}
	s, _ := open(t, c, testSpec("r"))
	last := chunk(3, 1, replay.CompletedWithQuarantine)
	last.Quarantined = []replay.Quarantined{{Object: "o", Reason: "json"}}
	commit(t, s, last)
	if n := len(consumed(t, f, "replayd.quarantine")); n != 1 {
		t.Errorf("%d quarantine records", n)
	}
}

func TestControlTopicsThatWouldForgetAreRefused(t *testing.T) {
	t.Parallel()
	for topic, policy := range map[string]string{"replayd.config": "delete", "replayd.checkpoints": "compact,delete", "replayd.audit": "compact"} {
		t.Run(topic, func(t *testing.T) {
			c := connect(t, fake(t))
			settings := map[string]*string{"cleanup.policy": kadm.StringPtr(policy)}
			if _, err := c.admin.CreateTopic(t.Context(), 1, 1, settings, topic); err != nil {
				t.Fatal(err)
			}
			err := opens(t, c, Settings{}, testSpec("r"))
			var refusal *replay.Refusal
			if !errors.As(err, &refusal) || refusal.Item != ItemControlTopics || !strings.Contains(refusal.What, topic) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

// TestATopicIsCreatedOnlyAfterItsIntentIsWritten lets the audit topic refuse every record.
func TestATopicIsCreatedOnlyAfterItsIntentIsWritten(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	settings := map[string]*string{"max.message.bytes": kadm.StringPtr("1")}
	if _, err := c.admin.CreateTopic(t.Context(), 1, 1, settings, "replayd.audit"); err != nil {
		t.Fatal(err)
	}
	spec := testSpec("r")
	spec.Topic = "new"
	_, err := c.Sink(Settings{Allow: replay.Allowed{ItemTopicMissing}}).Open(t.Context(), spec)
	if err == nil || !strings.Contains(err.Error(), "replayd.audit") {
		t.Fatalf("got %v", err)
	}
	if exists, err := c.topicExists(t.Context(), "new"); exists || err != nil {
		t.Errorf("the topic was created all the same, or: %v", err)
	}
}
