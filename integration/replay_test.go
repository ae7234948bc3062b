package integration

import (
	"testing"

	"replayd/archive/archivetest"
	"replayd/integration/harness"
)

// TestFromS3ToKafka is the whole way, once through each provider of Kafka.
func TestFromS3ToKafka(t *testing.T) {
	t.Parallel()
	for _, provider := range []string{"process", "docker"} {
		t.Run(provider, func(t *testing.T) {
			plan := archivetest.Big()
			if provider == "docker" {
				plan.Events = 50_000
			}
			k := harness.StartKafka(t, harness.KafkaOptions{Provider: provider})
			st := newStage(t, k, harness.StartS3(t), plan)
			r := st.replayed(t, st.how("whole", append(st.what(), "--pace", "unlimited")...))
			st.sameCounts(t, r)
			st.verify(t, "whole")
			if r.Sessions != 1 {
				t.Errorf("%d sessions", r.Sessions)
			}
			t.Logf("%d events in %.1f s", r.Produced, r.ElapsedSeconds)
		})
	}
}
