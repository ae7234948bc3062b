package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

const someStart = `{"id":"a","archive":"payments","topic":"replay.payments"}`

func TestWhatIsWrongWithARequestIsToldAsAProblem(t *testing.T) {
	s := serve(t, api.Guard(apitest.NewFake(), nil), api.ServerOptions{})
	replays := "/v1/replays"
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		says                     string
	}{
		{"no JSON", "POST", replays, `{"archive":`, 400, "body"},
		{"no body", "POST", replays, "", 400, "body is required"},
		{"something behind the JSON", "POST", replays, someStart + "x", 400, "body"},
		{"a list", "POST", replays, `[1]`, 422, "body"},
		{"an unknown field", "POST", replays, `{"archive":"payments","topic":"replay.payments","paces":"1/s"}`, 422, "body.paces"},
		{"a field in capitals", "POST", replays, `{"archive":"payments","topic":"replay.payments","Topic":"replay.orders"}`, 422, "body.Topic"},
		{"a missing field", "POST", replays, `{"archive":"payments"}`, 422, "topic"},
		{"a number for a text", "POST", replays, `{"archive":5,"topic":"replay.payments"}`, 422, "body.archive"},
		{"a word that is none", "POST", replays, `{"archive":"payments","topic":"replay.payments","dedupe":"maybe"}`, 422, "body.dedupe"},
		{"a body that is too large", "POST", replays, `{"reason":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "larger than"},
		{"a reason of two lines", "POST", replays + "/p1/pause", `{"reason":"a\nreplay b: completed"}`, 422, "body.reason"},
		{"a reason that a terminal obeys", "POST", replays, `{"archive":"payments","topic":"replay.payments","reason":"\u001b[2J"}`, 422, "body.reason"},
		{"a reason that one obeys in another form", "DELETE", replays + "/p1?reason=%C2%9B2J", "", 422, "query.reason"},
		{"another method", "PATCH", replays, "{}", 405, "GET"},
		{"another path", "GET", "/v2/replays", "", 404, "/openapi.json"},
		{"a path with dots", "GET", "/v1/../v1/replays", "", 404, "there is no"},
		{"a path with two slashes", "GET", "//v1/replays", "", 404, "there is no"},
		{"an unknown replay", "GET", "/v1/replays/none", "", 404, "there is no replay none\nSee those that there are: replayd list[]"},
		{"an unknown archive", "GET", "/v1/archives/none/hours?from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z", "", 404, "there is no archive none\nName one of the daemon's configuration: GET /v1/archives"},
		{"an id that is none", "GET", "/v1/replays/-x", "", 422, "path.id"},
		{"an unknown query", "GET", "/v1/replays?limits=1", "", 422, "query.limits"},
		{"a limit that is none", "GET", "/v1/replays?limit=0", "", 422, "query.limit"},
		{"a state that is none", "GET", "/v1/replays?state=slow", "", 422, "query.state"},
		{"a time that is none", "GET", "/v1/archives/payments/hours?from=today&to=2026-11-02T00:00:00Z", "", 422, "query.from"},
		{"a body that is too large, where none is taken", "GET", replays, strings.Repeat("x", 1<<20+1), 413, "larger than"},
		{"metrics that are not kept", "GET", "/metrics", "", 404, "metrics"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := send(t, s.Client(), c.method, s.URL+c.path, c.body)
			p := problem(t, c.status, r, err)
			if text := fmt.Sprint(p.Error(), p.Errors); !strings.Contains(text, c.says) {
				t.Errorf("%q does not say %q", text, c.says)
			}
			if c.status == http.StatusMethodNotAllowed && r.Header.Get("Allow") != "GET, HEAD, POST" {
				t.Errorf("allowed is %q", r.Header.Get("Allow"))
			}
		})
	}
}

func TestEveryBadFieldIsNamedAtOnceAndNoneIsRepeatedAtLength(t *testing.T) {
	s := serve(t, api.Guard(apitest.NewFake(), nil), api.ServerOptions{})
	body := `{"archive":7,"topic":"","dedupe":"maybe","partitions":-1,"more":true,"reason":"` + strings.Repeat("r", 90_000) + `"}`
	r, err := send(t, s.Client(), "POST", s.URL+"/v1/replays", body)
	p := problem(t, 422, r, err)
	named := map[string]bool{}
	for _, e := range p.Errors {
		named[e.Location] = true
		if text := fmt.Sprint(e.Value); len(text) > 300 {
			t.Errorf("%s repeats %d bytes", e.Location, len(text))
		}
	}
	for _, field := range []string{"archive", "topic", "dedupe", "partitions", "more", "reason"} {
		if !named["body."+field] {
			t.Errorf("%s is not named: %v", field, named)
		}
	}
}

// TestABodyWhoseLengthIsNotToldIsReadToTheLimitOnly and not for as long as more of it comes.
func TestABodyWhoseLengthIsNotToldIsReadToTheLimitOnly(t *testing.T) {
	s := serve(t, apitest.NewFake(), api.ServerOptions{})
	body, more := io.Pipe()
	defer func() { _ = more.Close() }()
	go func() { _, _ = more.Write([]byte(strings.Repeat("x", 1<<20+1))) }()
	request, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+"/v1/replays", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	r, err := s.Client().Do(request) // which does not end, and has no length
	if p := problem(t, 413, r, err); !strings.Contains(p.Error(), "larger than 1048576 bytes") {
		t.Error(p)
	}
}

func TestAnotherKindOfBodyIsRefused(t *testing.T) {
	s := serve(t, apitest.NewFake(), api.ServerOptions{})
	r, err := send(t, s.Client(), "POST", s.URL+"/v1/replays", "a: b", "Content-Type: text/yaml")
	problem(t, 415, r, err)
}

func TestAStartIsCreatedOnce(t *testing.T) {
	s := serve(t, api.Guard(apitest.NewFake(), nil), api.ServerOptions{})
	for _, want := range []int{201, 200} {
		r, err := send(t, s.Client(), "POST", s.URL+"/v1/replays", someStart, "Idempotency-Key: k")
		if status, text := answer(t, r, err); status != want || r.Header.Get("Location") != "/v1/replays/a" {
			t.Errorf("want %d: %d at %q: %s", want, status, r.Header.Get("Location"), text)
		}
	}
}

// wild panics where the fake would answer.
type wild struct{ *apitest.Fake }

func (wild) Archives(context.Context) (api.Page[api.Archive], error) { panic("secret of the house") }

func TestWhatGoesWrongInsideIsInTheLogAlone(t *testing.T) {
	var log diary
	fake := apitest.NewFake()
	s := serve(t, wild{fake}, api.ServerOptions{Log: log.log()})
	fake.Break(errors.New("secret of the cellar"))
	for path, secret := range map[string]string{"/v1/archives": "secret of the house", "/v1/replays": "secret of the cellar"} {
		r, err := send(t, s.Client(), "GET", s.URL+path, "")
		p := problem(t, 500, r, err)
		_, incident, _ := strings.Cut(p.Detail, "incident ")
		if incident == "" || !strings.Contains(log.String(), incident) || !strings.Contains(log.String(), secret) {
			t.Errorf("%s: incident %q is not in the log: %s", path, incident, log.String())
		}
		if strings.Contains(p.Error(), "secret") {
			t.Errorf("%s tells %q", path, p.Error())
		}
	}
}

func TestAnAnswerThatCannotBeEndedIsBrokenOff(t *testing.T) {
	var log diary
	s := serve(t, apitest.NewFake(), api.ServerOptions{Log: log.log(), Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "replays 1\n")
		panic("secret of the house")
	})})
	r, err := send(t, s.Client(), "GET", s.URL+"/metrics", "")
	if err == nil {
		_, err = io.ReadAll(r.Body)
		r.Body.Close()
	}
	if err == nil || !strings.Contains(log.String(), "secret of the house") {
		t.Errorf("it looks whole; log %s", log.String())
	}
}

func TestAHugeHeaderAndAnIdleConnectionAreCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveInside(t, apitest.NewFake(), api.ServerOptions{})
		r, err := send(t, s.http, "GET", inside+"/healthz", "", "X-Long: "+strings.Repeat("x", 80<<10))
		if status, _ := answer(t, r, err); status != 431 {
			t.Errorf("%d", status)
		}
		for path, want := range map[string]time.Duration{"/v1/replays": 2 * time.Minute, "/healthz": 0} { // which is asked without a login
			c, err := s.dial(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			go func() { _, _ = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") }()
			answers := bufio.NewReader(c)
			r, err = http.ReadResponse(answers, nil)
			if status, _ := answer(t, r, err); status != 200 {
				t.Errorf("%d", status)
			}
			began := time.Now()
			_, _ = io.ReadAll(answers)
			if took := time.Since(began); took.Truncate(time.Second) != want { // net/http lets half a second go by before it closes
				t.Errorf("%s: after %s", path, took)
			}
			c.Close()
		}
		s.stop()
		time.Sleep(time.Second)
	})
}

func TestAProblemOfTheServiceIsPassedOn(t *testing.T) {
	fake := apitest.NewFake()
	s := serve(t, fake, api.ServerOptions{})
	p := api.NewProblem(http.StatusConflict, "topic replay.payments keeps records for 7 days")
	p.Item, p.Next = "retention", "Use allow."
	fake.Break(fmt.Errorf("start: %w", p))
	r, err := send(t, s.Client(), "POST", s.URL+"/v1/replays", someStart)
	if got := problem(t, 409, r, err); got.Item != "retention" || got.Next != "Use allow." {
		t.Errorf("%+v", got)
	}
}

// TestWhoIsToComeAgainIsToldWhen, by any route whose service cannot tell now.
func TestWhoIsToComeAgainIsToldWhen(t *testing.T) {
	fake := apitest.NewFake()
	s := serve(t, api.Guard(fake, nil), api.ServerOptions{})
	fake.Break(api.NewProblem(http.StatusServiceUnavailable, "this daemon does not know all replays now"))
	for _, path := range []string{"/v1/replays", "/v1/replays/a", "/v1/replays/a/receipt", "/v1/replays/a/events"} {
		r, err := send(t, s.Client(), "GET", s.URL+path, "")
		if problem(t, http.StatusServiceUnavailable, r, err); r.Header.Get("Retry-After") != "2" {
			t.Errorf("%s: come again after %q", path, r.Header.Get("Retry-After"))
		}
	}
	r, err := send(t, s.Client(), "POST", s.URL+"/v1/replays", someStart)
	if problem(t, http.StatusServiceUnavailable, r, err); r.Header.Get("Retry-After") != "2" {
		t.Errorf("start: come again after %q", r.Header.Get("Retry-After"))
	}
}

func TestPagesOfOthersCannotAsk(t *testing.T) {
	s := serve(t, api.Guard(apitest.NewFake(), nil), api.ServerOptions{})
	for _, c := range []struct {
		header string
		status int
	}{
		{"Origin: https://evil.example", 403},
		{"Sec-Fetch-Site: cross-site", 403},
		{"Sec-Fetch-Site: same-site", 403},
		{"Host: evil.example", 421}, // whose name leads here
		{"Sec-Fetch-Site: same-origin", 201},
	} {
		r, err := send(t, s.Client(), "POST", s.URL+"/v1/replays", strings.Replace(someStart, `"a"`, `"b"`, 1), c.header)
		if c.status == 201 {
			if status, text := answer(t, r, err); status != 201 {
				t.Errorf("%s: %d %s", c.header, status, text)
			}
			continue
		}
		problem(t, c.status, r, err)
	}
	r, err := send(t, s.Client(), "GET", s.URL+"/v1/replays", "", "Host: localhost:8484")
	if status, text := answer(t, r, err); status != 200 {
		t.Errorf("localhost: %d %s", status, text)
	}
}

func TestOthersAreNotServedWithoutALogin(t *testing.T) {
	for address, refused := range map[string]bool{
		"127.0.0.1:8484": false, "localhost:8484": false, "[::1]:8484": false, "127.0.0.9:0": false,
		"0.0.0.0:8484": true, ":8484": true, "[::]:8484": true, "10.0.0.1:8484": true, "replayd.example.com:443": true, "nonsense": true,
	} {
		_, err := api.NewServer(apitest.NewFake(), api.ServerOptions{Listen: address})
		if (err != nil) != refused {
			t.Errorf("%s: %v", address, err)
		}
		if err != nil && !strings.Contains(err.Error(), "server.auth.tokens_file") {
			t.Errorf("%s: no next step: %v", address, err)
		}
	}
}

func TestProbesTellWhatIsSo(t *testing.T) {
	fake := apitest.NewFake()
	whole := server(t, api.Guard(fake, nil), api.ServerOptions{Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "up 1") })})
	s := httptest.NewServer(whole)
	defer s.Close()
	get := func(path string) (int, string) {
		r, err := send(t, s.Client(), "GET", s.URL+path, "")
		return answer(t, r, err)
	}
	for path, want := range map[string]string{"/healthz": `"ok"`, "/readyz": `"ready":true`, "/version": "v1.2.3", "/metrics": "up 1"} {
		if status, text := get(path); status != 200 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	fake.Break(errors.New("the broker is away"))
	if status, text := get("/readyz"); status != 503 || !strings.Contains(text, "the broker is away") {
		t.Errorf("%d %s", status, text)
	}
	if r, err := whole.Ready(t.Context()); err != nil || r.Ready || len(r.Reasons) != 1 {
		t.Errorf("the server itself says %+v, %v", r, err)
	}
	if ready, err := client(t, api.ClientOptions{URL: s.URL}).Ready(t.Context()); err != nil || ready.Ready || len(ready.Reasons) != 1 {
		t.Errorf("the client says %+v, %v", ready, err)
	}
}

func TestABodyThatComesTooSlowlyIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveInside(t, apitest.NewFake(), api.ServerOptions{})
		c, err := s.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		began := time.Now()
		go func() { // net.Pipe writes when it is read
			_, _ = io.WriteString(c, "POST /v1/replays HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
		}()
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		problem(t, 408, r, err)
		if took := time.Since(began); took != 30*time.Second || !r.Close {
			t.Errorf("after %s, connection to be closed %v", took, r.Close)
		}
	})
}

func TestWhoIsNotKnownCannotKeepAConnectionByABody(t *testing.T) {
	path, _ := tokens(t, api.Token{Name: "a", Role: api.Viewer, Archives: all, Topics: all})
	auth := authenticator(t, api.AuthOptions{TokensFile: path})
	synctest.Test(t, func(t *testing.T) {
		s := serveInside(t, apitest.NewFake(), api.ServerOptions{Auth: auth})
		c, err := s.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		began := time.Now()
		go func() {
			_, _ = io.WriteString(c, "POST /v1/replays HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
		}()
		answers := bufio.NewReader(c)
		r, err := http.ReadResponse(answers, nil)
		problem(t, 401, r, err)
		_, _ = io.ReadAll(answers) // until the connection is closed
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("after %s", took)
		}
	})
}

func TestAHeaderThatComesTooSlowlyIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveInside(t, apitest.NewFake(), api.ServerOptions{})
		c, err := s.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		began := time.Now()
		go func() { _, _ = io.WriteString(c, "POST /v1/replays HTTP/1.1\r\nHost: 127") }()
		_, _ = io.ReadAll(c)
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("after %s", took)
		}
	})
}

// stuck answers nothing until it is given up.
type stuck struct{ *apitest.Fake }

func (stuck) Archives(ctx context.Context) (api.Page[api.Archive], error) {
	<-ctx.Done()
	return api.Page[api.Archive]{}, ctx.Err()
}

func TestAServiceThatDoesNotAnswerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveInside(t, stuck{apitest.NewFake()}, api.ServerOptions{})
		began := time.Now()
		r, err := send(t, s.http, "GET", inside+"/v1/archives", "")
		problem(t, 504, r, err)
		if took := time.Since(began); took != 2*time.Minute {
			t.Errorf("after %s", took)
		}
		s.stop()
	})
}

// slow plans for a minute, while somebody waits for it.
type slow struct{ *apitest.Fake }

func (s slow) Plan(ctx context.Context, what api.Start) (api.Plan, error) {
	select {
	case <-time.After(time.Minute):
		return s.Fake.Plan(ctx, what)
	case <-ctx.Done():
		return api.Plan{}, ctx.Err()
	}
}

func TestWhatTakesLongerThanABodyMayIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveInside(t, slow{apitest.NewFake()}, api.ServerOptions{})
		r, err := send(t, s.http, "POST", inside+"/v1/plan", someStart)
		if status, text := answer(t, r, err); status != 200 {
			t.Errorf("%d %s", status, text)
		}
		s.stop()
	})
}

func TestMoreRequestsThanThereArePlacesAreSentAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveInside(t, stuck{apitest.NewFake()}, api.ServerOptions{})
		ctx, cancel := context.WithCancel(t.Context())
		ask := func() (*http.Response, error) {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, inside+"/v1/archives", nil)
			if err != nil {
				return nil, err
			}
			return s.http.Do(r)
		}
		for range 256 {
			go func() {
				if r, err := ask(); err == nil {
					r.Body.Close()
				}
			}()
		}
		synctest.Wait()
		r, err := ask()
		problem(t, 503, r, err)
		if r.Header.Get("Retry-After") == "" {
			t.Error("not told when to come again")
		}
		for _, path := range []string{"/healthz", "/readyz"} { // nobody restarts a daemon that has much to do
			r, err = send(t, s.http, "GET", inside+path, "")
			if status, text := answer(t, r, err); status != 200 {
				t.Errorf("%s: %d %s", path, status, text)
			}
		}
		cancel()
		synctest.Wait()
		r, err = send(t, s.http, "GET", inside+"/v1/replays", "") // they gave their places back
		if status, text := answer(t, r, err); status != 200 {
			t.Errorf("%d %s", status, text)
		}
		s.stop()
	})
}

// TestBodiesThatComeSlowlyTakePlacesOfBodiesAlone where all are one caller.
func TestBodiesThatComeSlowlyTakePlacesOfBodiesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveInside(t, withReplay(t), api.ServerOptions{})
		conns := s.besiege(t, 256, unsent("X-Login: none"))
		r, err := send(t, s.http, "POST", inside+"/v1/replays", someStart)
		problem(t, 503, r, err)
		r, err = send(t, s.http, "GET", inside+"/v1/replays", "")
		if status, text := answer(t, r, err); status != 200 {
			t.Errorf("%d %s", status, text)
		}
		next, done := open(t, s, "/v1/events")
		next()
		done()
		closeAll(conns)
		s.left(t)
		s.stop()
	})
}

func TestStoppingEndsStreamsAtOnceAndGivesRequestsTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveInside(t, stuck{apitest.NewFake()}, api.ServerOptions{})
		began := time.Now()
		var streamed, asked time.Duration
		done := make(chan struct{}, 2)
		go func() {
			r, err := s.http.Get(inside + "/v1/events")
			if err == nil {
				_, _ = io.ReadAll(r.Body)
				r.Body.Close()
			}
			streamed = time.Since(began)
			done <- struct{}{}
		}()
		go func() {
			if r, err := s.http.Get(inside + "/v1/archives"); err == nil {
				r.Body.Close()
			}
			asked = time.Since(began)
			done <- struct{}{}
		}()
		synctest.Wait()
		s.stop()
		<-done
		<-done
		if streamed != 0 || asked != 10*time.Second {
			t.Errorf("the stream ended after %s, the request after %s", streamed, asked)
		}
	})
}
