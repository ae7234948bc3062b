package integration

import (
	"testing"

	"replayd/integration/harness"
)

func TestPeople(t *testing.T) {
	folder := t.TempDir()
	k, tools := harness.StartKafka(t, harness.KafkaOptions{Secure: true}), harness.KafkaTools(t, folder)
	t.Run("refusals", func(t *testing.T) { refusalsAreCured(t, k, tools) })
}
