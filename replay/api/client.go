package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"replayd/replay"
)

// Limits of the client.
const (
	dialTime  = 10 * time.Second
	maxAnswer = 32 << 20 // bytes; the longest list has some 4 MiB
	quickTime = 20 * time.Second
	slowTime  = 5 * time.Second // nobody wonders before
)

// quick are the routes that a daemon answers from memory: one that takes longer than quickTime is stuck, and whoever asks should
// be told.
var quick = map[route]bool{routeReplays: true, routeReplay: true, routeReceipt: true, routeArchives: true, routeVersion: true}

var errSlow = fmt.Errorf("it takes the request and does not answer within %s", quickTime)

// ClientOptions are those of a Client.
type ClientOptions struct {
	URL       string // http://127.0.0.1:8484
	Token     string // itself; then TokenFile is not looked at
	TokenFile string // read at each request; empty: no token
	CAFile    string // authorities of the daemon's certificate; empty: the system's
	CertFile  string // of the client, where the daemon knows it by one
	KeyFile   string

	// Again is told when a stream of events is opened again after a while, and not of the first time behind one that the daemon has
	// ended; nil: nobody is. Since is when the daemon was
	// lost; zero: it answers, and cannot tell now.
	Again func(why error, since time.Time, after time.Duration)

	// Slow is told that an answer has not come for 5 seconds and is waited for, once in the life of the client; nil: nobody is. It is
	// called on a goroutine of its own.
	Slow func(after time.Duration)

	// Patience is how long a stream of events that was open once waits for any answer; 0: for ever.
	Patience time.Duration
}

// Client is the Service of a daemon that is reached by HTTP. Errors are *Problem when the daemon answered, and *Unreached
// when it did not. It is safe for concurrent use.
type Client struct {
	base      *url.URL
	token     string
	tokenFile string
	http      *http.Client
	again     func(error, time.Time, time.Duration)
	slow      func()
	patience  time.Duration
}

var _ Service = (*Client)(nil)

// Unreached says that no daemon answered.
type Unreached struct {
	Address string
	Err     error
	Next    string // what to do; empty: perhaps there is no daemon
}

func (u *Unreached) Error() string {
	text := "no daemon answers at " + u.Address + ": " + u.Err.Error()
	if u.Next != "" {
		text += "\n" + u.Next
	}
	return text
}
func (u *Unreached) Unwrap() error { return u.Err }

// NewClient returns a client. It asks nothing yet.
func NewClient(o ClientOptions) (*Client, error) {
	if strings.Contains(o.URL, "@") { // first, since what follows repeats it
		return nil, errors.New("the daemon's address holds a login: name a file with --token-file instead")
	}
	base, err := url.Parse(strings.TrimSuffix(o.URL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("the daemon's address %q is none: want http://127.0.0.1:8484 or https://replayd.example.com", o.URL)
	}
	config, err := o.config()
	if err != nil {
		return nil, err
	}
	c := &Client{base: base, token: strings.TrimSpace(o.Token), tokenFile: o.TokenFile, again: o.Again, patience: o.Patience}
	if c.again == nil {
		c.again = func(error, time.Time, time.Duration) {}
	}
	c.slow = sync.OnceFunc(func() {
		if o.Slow != nil {
			o.Slow(slowTime)
		}
	})
	c.http = &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: dialTime}).DialContext, TLSClientConfig: config,
			TLSHandshakeTimeout: dialTime, ResponseHeaderTimeout: requestTime + answerTime, MaxIdleConnsPerHost: 2, IdleConnTimeout: idleTime,
			ForceAttemptHTTP2: true,
		},
		// A daemon does not send anybody elsewhere, and a token is for nobody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

func (o *ClientOptions) config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		text, err := readFile(o.CAFile)
		if err != nil {
			return nil, err
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, errors.New(o.CAFile + " holds no certificate in PEM form")
		}
	}
	if o.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// Close ends connections that are not used.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// call is a request in the making.
type call struct {
	route route
	parts []string // of its path
	query url.Values
	body  any // nil: none
	head  map[string]string
}

// send returns an answer whose status is below 300. Its body is the caller's to close.
func (c *Client) send(ctx context.Context, what call) (*http.Response, error) {
	r, err := c.request(ctx, what)
	if err != nil {
		return nil, err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, c.unreached(bare(err))
	}
	if answer.StatusCode < http.StatusMultipleChoices {
		return answer, nil
	}
	defer answer.Body.Close()
	return nil, c.problem(answer)
}

// bare leaves out what url.Error repeats of the request.
func bare(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

func (c *Client) request(ctx context.Context, what call) (*http.Request, error) {
	var body io.Reader
	if what.body != nil {
		text, err := json.Marshal(what.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	address := c.base.String() + what.route.with(what.parts...)
	if len(what.query) > 0 {
		address += "?" + what.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, what.route.method, address, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json, application/problem+json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range what.head {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	return r, c.login(r)
}

func (c *Client) login(r *http.Request) error {
	token, from := c.token, "what is given as one"
	if token == "" && c.tokenFile != "" {
		text, err := readFile(c.tokenFile)
		if err != nil {
			return fmt.Errorf("read the token: %w", err)
		}
		token, from = strings.TrimSpace(string(text)), c.tokenFile
	}
	switch {
	case token == "" && c.tokenFile == "":
		return nil
	case token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fmt.Errorf("%s holds no token", from)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// problem is what an answer says that is none of a success.
func (c *Client) problem(answer *http.Response) error {
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	var p Problem
	if err == nil && kind == problemType && json.Unmarshal(text, &p) == nil {
		p.Status = answer.StatusCode
		return &p
	}
	if strings.Contains(string(text), plaintext) {
		return c.unreached(errPlaintext)
	}
	return c.unreached(fmt.Errorf("something else answers, with HTTP %s", answer.Status))
}

// ask sends a request and reads its answer, which is small or a list of limited length.
func ask[T any](ctx context.Context, c *Client, what call) (out T, status int, err error) {
	slow := time.AfterFunc(slowTime, c.slow)
	defer slow.Stop()
	if quick[what.route] {
		limited, cancel := context.WithTimeoutCause(ctx, quickTime, errSlow)
		defer cancel()
		out, status, err = await[T](limited, c, what)
		if err != nil && ctx.Err() == nil && errors.Is(context.Cause(limited), errSlow) {
			err = c.unreached(errSlow)
		}
		return out, status, err
	}
	return await[T](ctx, c, what)
}

// await is ask for as long as it takes.
func await[T any](ctx context.Context, c *Client, what call) (out T, status int, err error) {
	answer, err := c.send(ctx, what)
	if err != nil {
		return out, 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNoContent {
		return out, answer.StatusCode, nil
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case ctx.Err() != nil:
		return out, 0, ctx.Err()
	case err != nil:
		return out, 0, c.unreached(fmt.Errorf("the answer breaks off: %w", err))
	case len(text) > maxAnswer:
		return out, 0, fmt.Errorf("the answer of %s is larger than %d bytes", what.route.id, maxAnswer)
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return out, 0, c.unreached(fmt.Errorf("something else answers, or a daemon of another version: %w", err))
	}
	return out, answer.StatusCode, nil
}

// get is ask where the status tells nothing.
func get[T any](ctx context.Context, c *Client, what call) (T, error) {
	out, _, err := ask[T](ctx, c, what)
	return out, err
}

// Start implements Service.
func (c *Client) Start(ctx context.Context, s Start) (Replay, bool, error) {
	r, status, err := ask[Replay](ctx, c, call{route: routeStart, body: s, head: map[string]string{"Idempotency-Key": s.IdempotencyKey}})
	return r, status == http.StatusCreated, err
}

// Replays implements Service.
func (c *Client) Replays(ctx context.Context, q Query) (Page[Replay], error) {
	values := q.values()
	set(values, "state", q.State)
	set(values, "wanted", q.Wanted)
	set(values, "archive", q.Archive)
	set(values, "topic", q.Topic)
	return get[Page[Replay]](ctx, c, call{route: routeReplays, query: values})
}

func (q PageQuery) values() url.Values {
	v := url.Values{}
	if q.Limit != 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	set(v, "after", q.After)
	return v
}

func set(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

// Replay implements Service.
func (c *Client) Replay(ctx context.Context, id string) (Replay, error) {
	return get[Replay](ctx, c, call{route: routeReplay, parts: []string{id}})
}

// Pause implements Service.
func (c *Client) Pause(ctx context.Context, id string, a Act) (Replay, error) {
	return get[Replay](ctx, c, call{route: routePause, parts: []string{id}, body: a})
}

// Resume implements Service.
func (c *Client) Resume(ctx context.Context, id string, r Resume) (Replay, error) {
	return get[Replay](ctx, c, call{route: routeResume, parts: []string{id}, body: r})
}

// SetPace implements Service.
func (c *Client) SetPace(ctx context.Context, id string, p Pace) (Replay, error) {
	return get[Replay](ctx, c, call{route: routePace, parts: []string{id}, body: p})
}

// Cancel implements Service.
func (c *Client) Cancel(ctx context.Context, id string, a Act) (Replay, error) {
	return get[Replay](ctx, c, call{route: routeCancel, parts: []string{id}, body: a})
}

// Approve implements Service.
func (c *Client) Approve(ctx context.Context, id string, a Act) (Replay, error) {
	return get[Replay](ctx, c, call{route: routeApprove, parts: []string{id}, body: a})
}

// Forget implements Service.
func (c *Client) Forget(ctx context.Context, id string, a Act) error {
	values := url.Values{}
	set(values, "reason", a.Reason)
	_, err := get[struct{}](ctx, c, call{route: routeForget, parts: []string{id}, query: values})
	return err
}

// Receipt implements Service.
func (c *Client) Receipt(ctx context.Context, id string) (replay.Receipt, error) {
	return get[replay.Receipt](ctx, c, call{route: routeReceipt, parts: []string{id}})
}

// Quarantine implements Service.
func (c *Client) Quarantine(ctx context.Context, id string, q PageQuery) (Page[Quarantined], error) {
	return get[Page[Quarantined]](ctx, c, call{route: routeQuarantine, parts: []string{id}, query: q.values()})
}

// Offsets implements Service.
func (c *Client) Offsets(ctx context.Context, id string, at time.Time) (Offsets, error) {
	return get[Offsets](ctx, c, call{route: routeOffsets, parts: []string{id}, query: url.Values{"event_time": {at.Format(time.RFC3339Nano)}}})
}

// Group implements Service.
func (c *Client) Group(ctx context.Context, id, group string) (Group, error) {
	return get[Group](ctx, c, call{route: routeGroup, parts: []string{id, group}})
}

// Plan implements Service.
func (c *Client) Plan(ctx context.Context, s Start) (Plan, error) {
	return get[Plan](ctx, c, call{route: routePlan, body: s})
}

// Archives implements Service.
func (c *Client) Archives(ctx context.Context) (Page[Archive], error) {
	return get[Page[Archive]](ctx, c, call{route: routeArchives})
}

// Hours implements Service.
func (c *Client) Hours(ctx context.Context, archive string, w Span) (Page[Hour], error) {
	return get[Page[Hour]](ctx, c, call{route: routeHours, parts: []string{archive}, query: url.Values{
		"from": {w.From.Format(time.RFC3339Nano)}, "to": {w.To.Format(time.RFC3339Nano)},
	}})
}

// Audit implements Service.
func (c *Client) Audit(ctx context.Context, q AuditQuery) (Page[replay.Audited], error) {
	values := q.values()
	set(values, "id", q.ID)
	return get[Page[replay.Audited]](ctx, c, call{route: routeAudit, query: values})
}

// Version implements Service.
func (c *Client) Version(ctx context.Context) (Version, error) {
	return get[Version](ctx, c, call{route: routeVersion})
}

// Ready implements Service.
func (c *Client) Ready(ctx context.Context) (Readiness, error) {
	r, err := c.request(ctx, call{route: routeReady})
	if err != nil {
		return Readiness{}, err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return Readiness{}, c.unreached(bare(err))
	}
	defer answer.Body.Close()
	var out Readiness // 503, too, has one for its body
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if kind != "application/json" || json.NewDecoder(io.LimitReader(answer.Body, maxBody)).Decode(&out) != nil {
		return Readiness{}, c.problem(answer)
	}
	return out, nil
}
