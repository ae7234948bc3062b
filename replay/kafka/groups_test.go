package kafka

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
)

func TestGroupsThatReadTheTopicAreFound(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	if _, err := c.admin.CreateTopic(t.Context(), 1, 1, nil, "other"); err != nil {
		t.Fatal(err)
	}
	for group, topic := range map[string]string{"payments-svc": "replay", "audit": "replay", "elsewhere": "other"} {
		offsets := kadm.Offsets{}
		offsets.AddOffset(topic, 0, 0, -1)
		if err := c.admin.CommitAllOffsets(t.Context(), group, offsets); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.Groups(t.Context(), "replay")
	if err != nil || !slices.Equal(got, []string{"audit", "payments-svc"}) {
		t.Errorf("%v, %v", got, err)
	}
}
