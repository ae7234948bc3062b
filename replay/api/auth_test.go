package api_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

// tokens is a file of them, and their secrets by name.
func tokens(t *testing.T, list ...api.Token) (path string, secrets map[string]string) {
	t.Helper()
	var lines strings.Builder
	secrets = map[string]string{}
	for _, token := range list {
		secret, line, err := api.NewToken(token)
		if err != nil {
			t.Fatal(err)
		}
		secrets[token.Name] = secret
		lines.WriteString(line)
	}
	return write(t, "tokens.yaml", lines.String()), secrets
}

func authenticator(t *testing.T, o api.AuthOptions) *api.Authenticator {
	t.Helper()
	a, err := api.NewAuthenticator(o, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestATokenIsRandomAndItsFileHoldsNone(t *testing.T) {
	path, secrets := tokens(t, api.Token{Name: "ci: deploy", Role: api.Operator, Archives: api.Names{"payments"}, Topics: api.Names{"replay.*"}, Expires: api.ExpiresAt(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))})
	secret := secrets["ci: deploy"]
	if !strings.HasPrefix(secret, "rpd_") || len(secret) != 4+43 {
		t.Errorf("secret %q", secret)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), secret[4:]) || strings.Count(string(text), "\n") != 1 || !strings.Contains(string(text), "2027-01-01T00:00:00Z") {
		t.Errorf("%v: %s", err, text)
	}
	other, _, err := api.NewToken(api.Token{Name: "b", Role: api.Viewer, Archives: all, Topics: all})
	if err != nil || other == secret {
		t.Errorf("twice the same: %v", err)
	}
	for _, bad := range []api.Token{
		{},
		{Name: "a", Role: api.Viewer, Archives: all},
		{Name: "a\n", Role: api.Viewer, Archives: all, Topics: all},
		{Name: "a", Archives: all, Topics: all},
		{Name: "a", Role: api.Viewer, Archives: api.Names{"*a"}, Topics: all},
	} {
		if _, _, err := api.NewToken(bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

func TestAFileOfTokensIsReadAsAWhole(t *testing.T) {
	const hash = "hash: sha256:0000000000000000000000000000000000000000000000000000000000000000"
	const rights = hash + `, archives: ["*"], topics: ["*"]`
	for _, c := range []struct{ name, text, says string }{
		{"an unknown field", "- {name: a, role: viewer, " + rights + ", rolle: admin}", "rolle"},
		{"an unknown role", "- {name: a, role: root, " + rights + "}", "root"},
		{"no role", "- {name: a, " + rights + "}", "role"},
		{"no name", "- {role: viewer, " + rights + "}", "name"},
		{"a secret for a hash", `- {name: a, role: viewer, hash: rpd_Zm9v, archives: ["*"], topics: ["*"]}`, "64 hex digits"},
		{"no archives", `- {name: a, role: viewer, ` + hash + `, topics: ["*"]}`, "archives"},
		{"two of a name", "- {name: a, role: viewer, " + rights + "}\n- {name: a, role: admin, " + rights + "}", "taken"},
		{"a name that a terminal obeys", "- {name: \"a\\u009b2J\", role: viewer, " + rights + "}", "name: want"},
		{"no list", "name: a", "sequence"},
		{"a bad time", "- {name: a, role: viewer, " + rights + ", expires: soon}", "soon"},
	} {
		_, err := api.NewAuthenticator(api.AuthOptions{TokensFile: write(t, "tokens", c.text)}, zerolog.Nop())
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "Zm9v") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := api.NewAuthenticator(api.AuthOptions{TokensFile: "/nowhere/tokens"}, zerolog.Nop()); err == nil || !strings.Contains(err.Error(), "server.auth.tokens_file") {
		t.Errorf("no file: %v", err)
	}
	if _, err := api.NewAuthenticator(api.AuthOptions{}, zerolog.Nop()); err == nil {
		t.Error("nobody could log in")
	}
}

func TestOnlyTokensThatAreKnownAndValidAreLetIn(t *testing.T) {
	path, secrets := tokens(t,
		api.Token{Name: "view", Role: api.Viewer, Archives: all, Topics: all},
		api.Token{Name: "old", Role: api.Admin, Archives: all, Topics: all, Expires: api.ExpiresAt(time.Now().Add(-time.Second))},
		api.Token{Name: "young", Role: api.Viewer, Archives: all, Topics: all, Expires: api.ExpiresAt(time.Now().Add(time.Hour))},
	)
	var log diary
	s := serve(t, api.Guard(apitest.NewFake(), nil), api.ServerOptions{Listen: "0.0.0.0:0", Auth: authenticator(t, api.AuthOptions{TokensFile: path}), Log: log.log()})
	for _, c := range []struct {
		name, header string
		status       int
		says         string
	}{
		{"none", "", 401, "a login is needed"},
		{"valid", "Bearer " + secrets["view"], 200, ""},
		{"valid, in small letters", "bearer " + secrets["young"], 200, ""},
		{"expired", "Bearer " + secrets["old"], 401, "old has expired"},
		{"unknown", "Bearer rpd_" + strings.Repeat("A", 43), 401, "not known"},
		{"cut", "Bearer " + secrets["view"][:20], 401, "not known"},
		{"longer", "Bearer " + secrets["view"] + "A", 401, "not known"},
		{"of another kind", "Bearer eyJhbGciOiJub25lIn0.e30.", 401, "not taken"},
		{"by name and password", "Basic dXNlcjpwYXNz", 401, "one bearer token"},
		{"empty", "Bearer ", 401, "one bearer token"},
		{"huge", "Bearer rpd_" + strings.Repeat("A", 20_000), 401, "longer than"},
	} {
		var headers []string
		if c.header != "" {
			headers = append(headers, "Authorization: "+c.header)
		}
		r, err := send(t, s.Client(), "GET", s.URL+"/v1/replays", "", headers...)
		if c.status == 200 {
			if status, text := answer(t, r, err); status != 200 {
				t.Errorf("%s: %d %s", c.name, status, text)
			}
			continue
		}
		p := problem(t, c.status, r, err)
		if !strings.Contains(p.Detail, c.says) || !strings.HasPrefix(r.Header.Get("WWW-Authenticate"), "Bearer realm=") {
			t.Errorf("%s: %q, %q", c.name, p.Detail, r.Header.Get("WWW-Authenticate"))
		}
		if sent := strings.TrimPrefix(c.header, "Bearer "); len(sent) > 8 && (strings.Contains(p.Error(), sent) || strings.Contains(log.String(), sent)) {
			t.Errorf("%s: the token is told: %q; %s", c.name, p.Error(), log.String())
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/openapi.json"} {
		r, err := send(t, s.Client(), "GET", s.URL+path, "")
		if status, text := answer(t, r, err); status != 200 {
			t.Errorf("%s without a login: %d %s", path, status, text)
		}
	}
	for _, path := range []string{"/metrics", "/version", "/v1/events", "/v1/replays/a"} {
		r, err := send(t, s.Client(), "GET", s.URL+path, "")
		problem(t, 401, r, err)
	}
}

func TestTokensHoldAsTheirFileIsNow(t *testing.T) {
	path, secrets := tokens(t, api.Token{Name: "a", Role: api.Viewer, Archives: all, Topics: all})
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var log diary
		auth, err := api.NewAuthenticator(api.AuthOptions{TokensFile: path}, log.log())
		if err != nil {
			t.Fatal(err)
		}
		s := serveInside(t, api.Guard(withReplay(t), nil), api.ServerOptions{Auth: auth})
		next, done := open(t, s, "/v1/events", "Authorization: Bearer "+secrets["a"])
		next()
		next()
		stands := func(status int) {
			t.Helper()
			time.Sleep(2 * time.Second) // it is looked at each second
			r, err := send(t, s.http, "GET", inside+"/v1/replays", "", "Authorization: Bearer "+secrets["a"])
			if got, text := answer(t, r, err); got != status {
				t.Errorf("want %d: %d %s", status, got, text)
			}
		}
		expect := func(text string, status int) {
			t.Helper()
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			stands(status)
		}
		expect(string(text), 200)
		expect("- {name: half a fi", 200) // as it was: somebody is writing it
		if !strings.Contains(log.String(), "still counts") {
			t.Errorf("not logged: %s", log.String())
		}
		expect("[]", 401)
		if got := next(); !strings.HasPrefix(got, "end: ") {
			t.Errorf("who is known no longer still watches: %q", got)
		}
		expect(string(text), 200)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		stands(401) // by a file that is not there nobody is known
		stands(401)
		if n := strings.Count(log.String(), "no token is taken; bring it back"); n != 1 {
			t.Errorf("logged %d times: %s", n, log.String())
		}
		expect("- {name: half a fi", 401)
		expect(string(text), 200)
		done()
		s.stop()
	})
}

func TestStatusOfWhatIsDeniedIsInTheAuditOnce(t *testing.T) {
	path, secrets := tokens(t, api.Token{Name: "view", Role: api.Viewer, Archives: all, Topics: all})
	auth := authenticator(t, api.AuthOptions{TokensFile: path})
	synctest.Test(t, func(t *testing.T) {
		var book audits
		denials := api.NewDenials(book.write, zerolog.Nop())
		stop := running(t, denials)
		s := serveInside(t, api.Guard(withReplay(t), denials), api.ServerOptions{Auth: auth, Denials: denials})
		for range 50 {
			r, err := send(t, s.http, "POST", inside+"/v1/replays/a/cancel", "", "Authorization: Bearer "+secrets["view"])
			p := problem(t, http.StatusForbidden, r, err)
			if !strings.Contains(p.Detail, "needs the role operator, and view is viewer") || p.Next == "" {
				t.Fatalf("%+v", p)
			}
			r, err = send(t, s.http, "POST", inside+"/v1/replays/a/cancel", "", "Authorization: Bearer rpd_bad")
			problem(t, http.StatusUnauthorized, r, err)
		}
		synctest.Wait()
		time.Sleep(2 * time.Minute)
		stop()
		counts := map[string]int{}
		for _, a := range book.all() {
			var n int
			if _, err := fmt.Sscanf(a.Result[strings.LastIndex(a.Result, "; ")+2:], "%d times", &n); err != nil {
				t.Errorf("%q: %v", a.Result, err)
			}
			counts[a.User] += n
			if a.Act != "denied" || a.Phase != "outcome" || strings.Contains(a.Result, "rpd_bad") {
				t.Errorf("%+v", a)
			}
		}
		if counts["view"] != 50 || counts["address pipe"]+counts["address unknown"] != 50 || len(book.all()) > 4 {
			t.Errorf("%d records tell of %v", len(book.all()), counts)
		}
		s.stop()
	})
}

var hash = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// TestAStreamEndsWhenItsHolderMayLess: it was begun with rights that they have no longer.
func TestAStreamEndsWhenItsHolderMayLess(t *testing.T) {
	token := api.Token{Name: "a", Role: api.Operator, Archives: all, Topics: all}
	for name, narrowed := range map[string]func(*api.Token){
		"role":     func(t *api.Token) { t.Role = api.Viewer },
		"archives": func(t *api.Token) { t.Archives = api.Names{"others"} },
		"topics":   func(t *api.Token) { t.Topics = api.Names{"others"} },
	} {
		t.Run(name, func(t *testing.T) {
			path, secrets := tokens(t, token)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			other := token
			narrowed(&other)
			_, less, err := api.NewToken(other)
			if err != nil {
				t.Fatal(err)
			}
			less = hash.ReplaceAllString(less, hash.FindString(string(text))) // the same token
			synctest.Test(t, func(t *testing.T) {
				auth := authenticator(t, api.AuthOptions{TokensFile: path})
				s := serveInside(t, api.Guard(withReplay(t), nil), api.ServerOptions{Auth: auth})
				next, done := open(t, s, "/v1/events", "Authorization: Bearer "+secrets["a"])
				next()
				next()
				if got := next(); got != ": heartbeat\n" {
					t.Errorf("as long as nothing changes: %q", got)
				}
				if err := os.WriteFile(path, []byte(less), 0o600); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Second) // it is looked at each second
				began := time.Now()
				if got := next(); !strings.HasPrefix(got, "end: ") {
					t.Errorf("after %s it goes on: %q", time.Since(began), got)
				}
				done()
				s.stop()
			})
		})
	}
}
