package kafka

import (
	"strings"
	"testing"
)

func TestRightsAreToldAsKafkaNamesThem(t *testing.T) {
	t.Parallel()
	var all []string
	for _, r := range append(Rights("replayd", "replay.a"), RightsToCreate("replayd", "replay.a", "")...) {
		all = append(all, r.String())
	}
	for _, want := range []string{
		"WRITE on TOPIC replay.a", "WRITE on TRANSACTIONAL_ID replayd.*", "READ on TOPIC replayd.checkpoints",
		"CREATE on TOPIC replayd.*", "DESCRIBE_CONFIGS on CLUSTER kafka-cluster",
	} {
		if !strings.Contains(strings.Join(all, "\n")+"\n", want+"\n") {
			t.Errorf("%q is not among\n%s", want, strings.Join(all, "\n"))
		}
	}
}
