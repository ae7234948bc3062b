package kafka

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestNoTopicIsMadeLikeOneWhoseSettingsAreNotTold answers without them when preflight has passed.
func TestNoTopicIsMadeLikeOneWhoseSettingsAreNotTold(t *testing.T) {
	f := fake(t)
	f.ControlKey(int16(kmsg.DescribeConfigs), func(request kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		answer := kmsg.NewDescribeConfigsResponseResource()
		answer.ErrorCode, answer.ResourceType, answer.ResourceName = kerr.InvalidConfig.Code, kmsg.ConfigResourceTypeTopic, "replay"
		response := request.ResponseKind().(*kmsg.DescribeConfigsResponse)
		response.Resources = append(response.Resources, answer)
		return response, nil, true
	})
	c, spec := connect(t, f), testSpec("r")
	spec.Topic = "absent"
	if err := c.createMissing(t.Context(), spec, Settings{Like: "replay"}); !errors.Is(err, kerr.InvalidConfig) {
		t.Errorf("got %v, want that the settings of the other topic are not told", err)
	}
	if exists, err := c.topicExists(t.Context(), spec.Topic); exists || err != nil {
		t.Errorf("the topic is there: %v, %v", exists, err)
	}
}
