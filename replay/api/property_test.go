package api_test

import (
	"errors"
	"flag"
	"net/http"
	"testing"
	"time"

	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

var (
	seed     = flag.Uint64("seed", 0, "of generated requests; 0: by the clock")
	requests = flag.Int("requests", 60, "generated for each operation")
)

func TestEveryAnswerIsInTheDocument(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	fake := apitest.NewFake()
	s := serve(t, api.Guard(fake, nil), api.ServerOptions{})
	statuses := apitest.Walk{URL: s.URL, Seed: *seed, Requests: *requests, Before: func() { some(t, fake) }}.Answers(t)
	for _, status := range []int{200, 201, 204, 400, 404, 409, 422} {
		if statuses[status] == 0 {
			t.Errorf("nothing was answered with %d: are the requests what they should be?", status)
		}
	}
}

// some has the replays that requests name be there, one of them at its end.
func some(t *testing.T, f *apitest.Fake) {
	for _, id := range []string{"a", "b", "ended"} {
		_, _, err := f.Start(t.Context(), apitest.Payments(id))
		var p *api.Problem
		if err != nil && (!errors.As(err, &p) || p.Status != http.StatusConflict) {
			t.Fatal(err)
		}
	}
	_, _ = f.Cancel(t.Context(), "ended", api.Act{}) // or was, before
}
