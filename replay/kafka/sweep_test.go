package kafka

import (
	"fmt"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// TestTopicsAreGoneWhenAnswersSaySo for certain: those that cannot be read say nothing.
func TestTopicsAreGoneWhenAnswersSaySo(t *testing.T) {
	t.Parallel()
	v, id := &View{registry: newRegistry(zerolog.Nop())}, kadm.TopicID{1}
	v.registry.traces[traceID{replay: "r"}] = &register[trace]{value: &trace{Topic: "x", TopicID: id.String()}}
	now := time.Unix(0, 0)
	for _, step := range []struct {
		what   string
		after  time.Duration
		answer kadm.TopicDetails
		gone   bool
	}{
		{"it is not there", 0, kadm.TopicDetails{"x": {Err: kerr.UnknownTopicOrPartition}}, false},
		{"a moment later it is not", deletedFor - time.Second, kadm.TopicDetails{"x": {Err: kerr.UnknownTopicOrPartition}}, false},
		{"it is there", time.Second, kadm.TopicDetails{"x": {ID: id}}, false},
		{"it is not there again", time.Hour, kadm.TopicDetails{"x": {Err: kerr.UnknownTopicOrPartition}}, false},
		{"who asks may not know", time.Hour, kadm.TopicDetails{"x": {Err: kerr.TopicAuthorizationFailed}}, false},
		{"it is not there", time.Hour, kadm.TopicDetails{"x": {Err: kerr.UnknownTopicOrPartition}}, false},
		{"it is still not there", deletedFor, kadm.TopicDetails{"x": {Err: kerr.UnknownTopicOrPartition}}, true},
		{"a broker does not tell ids", 0, kadm.TopicDetails{"x": {}}, false},
		{"nothing is said of it", 0, kadm.TopicDetails{}, false},
		{"another has its name", 0, kadm.TopicDetails{"x": {ID: kadm.TopicID{2}}}, true},
	} {
		now = now.Add(step.after)
		gone := v.goneTopics(v.tracedTopics(&forgotten{}), step.answer, now)
		if list := v.outlived(gone, reach{}); len(list) > 0 != step.gone {
			t.Errorf("%s: gone is %v", step.what, list)
		}
	}
	for i := range 2 * tracesSwept {
		v.registry.traces[traceID{replay: fmt.Sprint(i)}] = &register[trace]{value: &trace{Topic: "x", TopicID: "old"}}
	}
	if list := v.outlived(map[topicOf]bool{{"x", "old"}: true}, reach{}); len(list) != tracesSwept {
		t.Errorf("%d are deleted at a time", len(list))
	}
}

// TestOnlySoManyTopicsAreAskedForAtATime, each once.
func TestOnlySoManyTopicsAreAskedForAtATime(t *testing.T) {
	t.Parallel()
	v := &View{registry: newRegistry(zerolog.Nop())}
	for i := range 3 * topicsAsked {
		v.registry.traces[traceID{replay: fmt.Sprint(i)}] = &register[trace]{value: &trace{Topic: fmt.Sprint(i % 2)}}
	}
	if n := len(v.tracedTopics(&forgotten{})); n != 2 {
		t.Errorf("asked for are %d", n)
	}
	for of, tr := range v.registry.traces {
		tr.value.Topic = of.replay
	}
	if n := len(v.tracedTopics(&forgotten{})); n != topicsAsked {
		t.Errorf("asked for are %d", n)
	}
}
