package api_test

import (
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"replayd/replay/api"
)

// guarded is a server that asks who comes, and the header by which a viewer of all logs in.
func guarded(t *testing.T) (api.ServerOptions, string) {
	t.Helper()
	path, secrets := tokens(t, api.Token{Name: "a", Role: api.Viewer, Archives: all, Topics: all})
	return api.ServerOptions{Auth: authenticator(t, api.AuthOptions{TokensFile: path})}, "Authorization: Bearer " + secrets["a"]
}

// besiege opens n connections that send text, and read nothing.
func (s *served) besiege(t *testing.T, n int, text func(int) string) (conns []net.Conn) {
	t.Helper()
	for i := range n {
		c, err := s.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		if _, err := io.WriteString(c, text(i)); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Wait()
	return conns
}

func closeAll(conns []net.Conn) {
	for _, c := range conns {
		c.Close()
	}
}

// answers reports the status of each path, at once.
func (s *served) answers(t *testing.T, want int, login string, paths ...string) {
	t.Helper()
	began := time.Now()
	for _, path := range paths {
		r, err := send(t, s.http, "GET", inside+path, "", login)
		if status, text := answer(t, r, err); status != want {
			t.Errorf("%s: %d %.200s", path, status, text)
		}
	}
	if took := time.Since(began); took > 0 {
		t.Errorf("%v are answered after %s", paths, took)
	}
}

// TestNobodyWithoutATokenTakesThePlacesOfOthers asks where nobody is asked who they are, with bodies that never come.
func TestNobodyWithoutATokenTakesThePlacesOfOthers(t *testing.T) {
	o, login := guarded(t)
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST"} {
		for _, path := range []string{"/healthz", "/openapi.json"} {
			synctest.Test(t, func(t *testing.T) {
				s := serveInside(t, withReplay(t), o)
				conns := s.besiege(t, 256, func(i int) string {
					return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n", method, path, []int{10, 2 << 20}[i%2])
				})
				s.answers(t, 200, login, "/v1/replays", "/healthz", "/readyz")
				if method != "GET" { // whose answer is not read
					s.answers(t, 200, login, "/openapi.json")
				}
				closeAll(conns)
				s.stop()
				time.Sleep(time.Second) // a connection that net/http closes stays half a second of fake time
			})
		}
	}
}

// TestWhoDoesNotReadTheDocumentHindersNobody but those who ask for it, and them for seconds.
func TestWhoDoesNotReadTheDocumentHindersNobody(t *testing.T) {
	o, login := guarded(t)
	synctest.Test(t, func(t *testing.T) {
		s := serveInside(t, withReplay(t), o)
		ask := "GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
		conns := s.besiege(t, 260, func(int) string { return ask })
		s.answers(t, 200, login, "/v1/replays", "/healthz", "/readyz")
		s.answers(t, 503, login, "/openapi.json")
		time.Sleep(6 * time.Second)
		s.answers(t, 200, login, "/openapi.json")
		for _, c := range conns { // each was answered once at most, and is closed
			_ = c.SetReadDeadline(time.Now().Add(time.Second))
			if _, err := io.Copy(io.Discard, c); err != nil {
				t.Fatalf("a connection is kept: %v", err)
			}
		}
		closeAll(conns)
		s.stop()
		time.Sleep(time.Second)
	})
}

// TestWhoIsKnownAndReadsNothingIsCut after the time of an answer from its beginning, and a probe is answered before.
func TestWhoIsKnownAndReadsNothingIsCut(t *testing.T) {
	o, logins := neighbours(t)
	synctest.Test(t, func(t *testing.T) {
		s := serveInside(t, withReplay(t), o)
		conns := append(s.besiege(t, 128, unread(logins["a"])), s.besiege(t, 128, unread(logins["b"]))...)
		s.answers(t, 503, logins["c"], "/v1/replays")
		s.answers(t, 200, logins["c"], "/healthz", "/readyz")
		time.Sleep(31 * time.Second)
		s.answers(t, 200, logins["c"], "/v1/replays")
		closeAll(conns)
		s.stop()
		time.Sleep(time.Second)
	})
}

// TestConnectionsThatAskNothingMakeRoom takes all that there are, in each of the states in which they may wait.
func TestConnectionsThatAskNothingMakeRoom(t *testing.T) {
	o, login := guarded(t)
	synctest.Test(t, func(t *testing.T) {
		s := serveInside(t, withReplay(t), o)
		states := []string{
			"", "GET /he", "HEAD /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n",
			"GET /v1/replays HTTP/1.1\r\nHost: 127.0.0.1\r\n" + login + "\r\n\r\n",
		}
		conns := s.besiege(t, 4_200, func(i int) string { return states[i%len(states)] })
		s.answers(t, 200, login, "/v1/replays", "/healthz", "/readyz")
		_ = conns[0].SetReadDeadline(time.Now().Add(time.Second))
		if _, err := io.Copy(io.Discard, conns[0]); err != nil {
			t.Errorf("the oldest is kept: %v", err)
		}
		closeAll(conns)
		s.stop()
		time.Sleep(time.Second)
	})
}
