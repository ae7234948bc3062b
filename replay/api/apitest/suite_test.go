package apitest_test

import (
	"testing"

	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

func TestTheFakeIsAService(t *testing.T) {
	apitest.Conform(t, func(*testing.T) api.Service { return apitest.NewFake() })
}

// TestWhatIsWishedLaterIsTold as that: by it a watcher tells what stood before its act from what stands since.
func TestWhatIsWishedLaterIsTold(t *testing.T) {
	f := apitest.NewFake()
	r, _, err := f.Start(t.Context(), apitest.Payments("a"))
	if err != nil {
		t.Fatal(err)
	}
	for _, pace := range []string{"1000/s", "2000/s", "1000/s"} {
		before := r.WishedAt
		if r, err = f.SetPace(t.Context(), "a", api.Pace{Pace: pace}); err != nil || !r.WishedAt.After(before) {
			t.Errorf("wished %s, and before %s: %v", r.WishedAt, before, err)
		}
	}
}
