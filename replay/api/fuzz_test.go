package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

// deadlines are taken, and none is kept.
type deadlines struct{ http.ResponseWriter }

func (deadlines) SetReadDeadline(time.Time) error { return nil }

// FuzzStart sends anything as a start: it is answered with a start, or with a problem of whoever asks.
func FuzzStart(f *testing.F) {
	for _, body := range []string{
		someStart, "", "{", "null", "[]", `{"archive":"payments","topic":"replay.payments","limit":1e400}`, `{"archive":null,"topic":{}}`,
		`{"archive":"payments","topic":"replay.payments","headers":["reason",5]}`, "{\"archive\":\"\xff\"}", `{"archive":"payments","archive":"orders"}`,
		strings.Repeat(`{"archive":`, 11_000), `{"from":"` + strings.Repeat("2", 5_000) + `"}`,
	} {
		f.Add([]byte(body), "key", "application/json")
	}
	f.Add([]byte(someStart), "\x00", "text/html; charset=é")
	s, err := api.NewServer(api.Guard(apitest.NewFake(), nil), api.ServerOptions{Listen: "127.0.0.1:0"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, key, kind string) {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "http://localhost/v1/replays", strings.NewReader(string(body)))
		r.Header.Set("Idempotency-Key", key)
		r.Header.Set("Content-Type", kind)
		s.ServeHTTP(deadlines{w}, r)
		var answer map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%d: %v: %.500s", w.Code, err, w.Body)
		}
		if w.Code >= 500 || w.Code >= 300 && (w.Header().Get("Content-Type") != "application/problem+json" || answer["status"] != float64(w.Code)) {
			t.Errorf("%d %s: %.500s", w.Code, w.Header(), w.Body)
		}
	})
}
