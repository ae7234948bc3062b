package apitest_test

import (
	"testing"

	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

func TestTheFakeIsAService(t *testing.T) {
	apitest.Conform(t, func(*testing.T) api.Service { return apitest.NewFake() })
}
