package api_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"replayd/replay/api"
)

// neighbours are callers of one server, and the headers by which they log in.
func neighbours(t *testing.T) (api.ServerOptions, map[string]string) {
	t.Helper()
	path, secrets := tokens(t,
		api.Token{Name: "a", Role: api.Viewer, Archives: all, Topics: all},
		api.Token{Name: "b", Role: api.Viewer, Archives: all, Topics: all},
		api.Token{Name: "c", Role: api.Viewer, Archives: all, Topics: all})
	logins := map[string]string{}
	for name, secret := range secrets {
		logins[name] = "Authorization: Bearer " + secret
	}
	return api.ServerOptions{
		Auth:    authenticator(t, api.AuthOptions{TokensFile: path}),
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte("x"), 64<<10)) }),
	}, logins
}

// unread asks for more than a connection takes by itself.
func unread(login string) func(int) string {
	return func(int) string { return "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n" + login + "\r\n\r\n" }
}

// unsent begins a body that does not come.
func unsent(login string) func(int) string {
	return func(int) string {
		return "POST /v1/replays HTTP/1.1\r\nHost: 127.0.0.1\r\n" + login + "\r\nContent-Length: 100\r\n\r\n"
	}
}

// ending is how a connection ended: with the status of its answer, after so many seconds.
type ending struct{ status, seconds int }

// endings reads connections until they are closed, and counts how.
func endings(conns []net.Conn) (wait func() map[ending]int) {
	began, ended := time.Now(), make(chan ending)
	for _, c := range conns {
		go func() {
			text, _ := io.ReadAll(c)
			var e ending
			if r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(text)), nil); err == nil {
				e = ending{r.StatusCode, int(time.Since(began).Seconds())}
			}
			ended <- e
		}()
	}
	return func() map[ending]int {
		n := map[ending]int{}
		for range conns {
			n[<-ended]++
		}
		return n
	}
}

// left fails when a place is still taken.
func (s *served) left(t *testing.T) {
	t.Helper()
	synctest.Wait()
	if n := api.Taken(s.server); n != 0 {
		t.Errorf("%d places are still taken", n)
	}
}

// TestBodiesOfOneThatDoNotComeHinderNobody: neither others nor the one, who may have 32 of them.
func TestBodiesOfOneThatDoNotComeHinderNobody(t *testing.T) {
	o, logins := neighbours(t)
	synctest.Test(t, func(t *testing.T) {
		s := serveInside(t, withReplay(t), o)
		conns := s.besiege(t, 260, unsent(logins["a"]))
		ended := endings(conns)
		s.answers(t, 200, logins["b"], "/v1/replays", "/healthz", "/readyz")
		s.answers(t, 200, logins["a"], "/v1/replays")
		for name, want := range map[string]int{"a": 429, "b": 201} {
			r, err := send(t, s.http, "POST", inside+"/v1/replays", strings.Replace(someStart, `"a"`, `"z"`, 1), logins[name])
			if status, text := answer(t, r, err); status != want || status == 429 && r.Header.Get("Retry-After") != "2" {
				t.Errorf("a body of %s: %d %v %s", name, status, r.Header, text)
			}
		}
		want := map[ending]int{{429, 1}: 228, {408, 31}: 32} // at once, and after the time of a body; and a second for the rest of it
		if got := ended(); !maps.Equal(got, want) {
			t.Errorf("%v", got)
		}
		s.left(t)
		closeAll(conns)
		s.stop()
		time.Sleep(time.Second)
	})
}

// TestAnswersOfOneThatAreNotReadHinderNobodyElse and the one for the time of an answer.
func TestAnswersOfOneThatAreNotReadHinderNobodyElse(t *testing.T) {
	o, logins := neighbours(t)
	synctest.Test(t, func(t *testing.T) {
		s := serveInside(t, withReplay(t), o)
		conns := s.besiege(t, 128, unread(logins["a"]))
		s.answers(t, 429, logins["a"], "/v1/replays")
		s.answers(t, 200, logins["b"], "/v1/replays", "/healthz", "/readyz")
		time.Sleep(31 * time.Second)
		s.answers(t, 200, logins["a"], "/v1/replays")
		s.left(t)
		closeAll(conns)
		s.stop()
		time.Sleep(time.Second)
	})
}

// TestStreamsOfOneLeaveThoseOfOthers: whoever has 1,000 is sent away, and another is not.
func TestStreamsOfOneLeaveThoseOfOthers(t *testing.T) {
	o, logins := neighbours(t)
	synctest.Test(t, func(t *testing.T) {
		s := serveInside(t, withReplay(t), o)
		var ends []func()
		for range 1000 {
			_, done := open(t, s, "/v1/events", logins["a"])
			ends = append(ends, done)
		}
		r, err := send(t, s.http, "GET", inside+"/v1/events", "", logins["a"])
		if err != nil || r.StatusCode != 429 { // a stream would have no end
			t.Errorf("%v, %v", r, err)
		}
		r.Body.Close()
		next, done := open(t, s, "/v1/events", logins["b"])
		if got := next(); got != "retry: 2000\n" {
			t.Errorf("b hears %q", got)
		}
		for _, end := range append(ends, done) {
			end()
		}
		s.left(t)
		s.stop()
	})
}

// TestConnectionsOfOneLeaveThoseOfOthers takes all that there are, and reads no answer.
func TestConnectionsOfOneLeaveThoseOfOthers(t *testing.T) {
	o, logins := neighbours(t)
	synctest.Test(t, func(t *testing.T) {
		s := serveInside(t, withReplay(t), o)
		conns := s.besiege(t, 4_096, unread(logins["a"]))
		s.answers(t, 200, logins["b"], "/healthz", "/readyz", "/v1/replays")
		closeAll(conns)
		s.left(t)
		s.stop()
		time.Sleep(time.Second)
	})
}

// TestWhoIsAnsweredBeforeTheirBodyCameKeepsNoConnection, for all that there are could be theirs, and a probe needs one.
func TestWhoIsAnsweredBeforeTheirBodyCameKeepsNoConnection(t *testing.T) {
	o, logins := neighbours(t)
	text := strings.Replace(someStart, `"a"`, `"z"`, 1)
	whole := fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	for name, c := range map[string]struct {
		path, login string
		want        int
	}{
		"where there is nothing": {"/nowhere", logins["a"], 404},
		"by another token":       {"/v1/replays", "Authorization: Bearer none", 401},
		"from another page":      {"/v1/replays", logins["a"] + "\r\nSec-Fetch-Site: cross-site", 403},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serveInside(t, withReplay(t), o)
				conn, err := s.dial(t.Context(), "", "")
				if err != nil {
					t.Fatal(err)
				}
				answers := bufio.NewReader(conn)
				for _, ask := range []struct {
					text string
					want int
				}{
					{"GET /v1/replays HTTP/1.1\r\nHost: 127.0.0.1\r\n" + logins["a"] + "\r\n\r\n", 200},      // now they are known
					{"POST /v1/replays HTTP/1.1\r\nHost: 127.0.0.1\r\n" + logins["a"] + "\r\n" + whole, 201}, // and the connection goes on
					{"POST " + c.path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + c.login + "\r\nContent-Length: 10\r\n\r\n", c.want},
				} {
					began := time.Now()
					go func() { _, _ = io.WriteString(conn, ask.text) }() // net.Pipe writes when it is read
					r, err := http.ReadResponse(answers, nil)
					if status, text := answer(t, r, err); status != ask.want || r.Close != (ask.want == c.want) || time.Since(began) > 0 {
						t.Errorf("%d after %s, to be closed %v: %s", status, time.Since(began), r.Close, text)
					}
				}
				began := time.Now()
				if _, err := io.ReadAll(answers); err != nil || time.Since(began) > 2*time.Second {
					t.Errorf("the connection is closed after %s: %v", time.Since(began), err)
				}
				conn.Close()
				s.stop()
				time.Sleep(time.Second)
			})
		})
	}
}
