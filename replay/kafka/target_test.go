package kafka

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestNoTopicIsMadeLikeOneWhoseSettingsAreNotTold answers without them when preflight has passed.
func TestNoTopicIsMadeLikeOneWhoseSettingsAreNotTold(t *testing.T) {
	t.Parallel()
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

// TestATopicMadeJustNowIsNotMissing lets a broker answer as one that has not heard yet of a topic that another one made.
func TestATopicMadeJustNowIsNotMissing(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	unheard := 0
	f.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		asked := r.(*kmsg.MetadataRequest)
		if unheard == missingAsked-1 || len(asked.Topics) != 1 || asked.Topics[0].Topic == nil || *asked.Topics[0].Topic != "replay" {
			return nil, nil, false
		}
		unheard++
		answer := asked.ResponseKind().(*kmsg.MetadataResponse)
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic, topic.ErrorCode = asked.Topics[0].Topic, kerr.UnknownTopicOrPartition.Code
		answer.Topics = append(answer.Topics, topic)
		return answer, nil, true
	})
	exists, err := c.topicStays(t.Context(), "replay")
	if !exists || err != nil || unheard != missingAsked-1 {
		t.Errorf("exists: %v, %v, after %d answers of a broker that has not heard of it", exists, err, unheard)
	}
	if exists, err := c.topicStays(t.Context(), "never"); exists || err != nil {
		t.Errorf("a topic that never was: exists %v, %v", exists, err)
	}
}
