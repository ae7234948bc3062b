package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

// client types commands for a daemon in memory.
type client struct {
	*testing.T
	*apitest.Fake
}

func newClient(t *testing.T) *client { return &client{t, apitest.NewFake()} }

func (c *client) replayd(args ...string) *result {
	c.Helper()
	r := &result{t: c.T, args: args}
	a := &app{out: &r.out, err: &r.err, now: time.Now, dial: func(*clientFlags) (api.Service, error) { return c.Fake, nil }}
	ctx, cancel := context.WithTimeout(c.Context(), time.Minute)
	defer cancel()
	r.code = a.run(ctx, args)
	return r
}

var startPayments = []string{"start", "--archive", "payments", "--from", "2026-11-01T12:00:00Z", "--to", "2026-11-01T16:00:00Z", "--topic", "replay.payments"}

func (c *client) start(more ...string) api.Replay {
	c.Helper()
	var r api.Replay
	if err := json.Unmarshal([]byte(c.replayd(append(startPayments, more...)...).want(exitOK).out.String()), &r); err != nil {
		c.Fatal(err)
	}
	return r
}

func TestCommandsSayWhatIsWished(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.replayd("list").want(exitOK)
	r := c.start("--id", "p1", "--pace", "500/s", "--reason", "INC-1")
	if r.ID != "p1" || r.Pace != "500/s" || r.State != replay.Running {
		t.Errorf("started %+v", r)
	}
	for _, step := range []struct {
		args  []string
		state replay.State
		pace  string
	}{
		{[]string{"pause", "p1", "--reason", "behind", "--wait"}, replay.Paused, "500/s"},
		{[]string{"pace", "p1", "x4,20MB/s"}, replay.Paused, "20MB/s,x4"},
		{[]string{"resume", "p1", "--wait"}, replay.Running, "20MB/s,x4"},
		{[]string{"cancel", "p1", "--wait"}, replay.Cancelled, "20MB/s,x4"},
	} {
		var told api.Replay
		out := c.replayd(append(step.args, "-o", "json")...).want(exitOK).out.String()
		if err := json.Unmarshal([]byte(out), &told); err != nil || told.State != step.state || told.Pace != step.pace {
			t.Errorf("%q tells %s, %v", step.args, out, err)
		}
	}
	for _, words := range [][]string{
		{"list", "ID", "STATE", "p1", "cancelled", "replay.payments"},
		{"show p1 -o text", "p1", "10"},
		{"list --state running", "no such replay is known here"},
		{"forget p1 -o text", "replay p1 is forgotten"},
		{"list", "no replay is known here"},
	} {
		out := c.replayd(strings.Fields(words[0])...).want(exitOK).out.String()
		for _, w := range words[1:] {
			if !strings.Contains(out, w) {
				t.Errorf("%s does not say %q: %s", words[0], w, out)
			}
		}
	}
	acts, err := c.Audit(t.Context(), api.AuditQuery{ID: "p1"})
	if err != nil || len(acts.Items) != 2*6 || acts.Items[2].Reason != "behind" {
		t.Errorf("audit %+v, %v", acts, err)
	}
}

func TestAStartWithAnIDIsTheSameWhenItIsTypedAgain(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	first := c.start("--id", "payments-12", "--pace", "500/s")
	if again := c.start("--id", "payments-12", "--pace", "500/s"); again.ID != first.ID || !again.StartedAt.Equal(first.StartedAt) {
		t.Errorf("started %+v, and then %+v", first, again)
	}
	c.replayd(append(startPayments, "--id", "payments-12", "--pace", "900/s")...).want(exitUsage, "payments-12")
	if a, b := c.start(), c.start(); a.ID == b.ID {
		t.Errorf("two starts without an id are both %s", a.ID)
	}
}

func TestWhatADaemonRefusesEndsAsRunWould(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.replayd("start", "--archive", "payments", "--from", "2026-11-01", "--for", "1h", "--yes").want(exitUsage, "--topic")
	c.replayd("show", "nobody").want(exitUsage, "nobody")
	c.replayd("pause").want(exitUsage, "takes the id")
	c.replayd("start", "--archive", "payments", "--from", "2026-11-01", "--for", "1h", "--topic", "replay.payments", "--memory", "1GiB").want(exitUsage, "--memory is the daemon's to say")
	c.replayd("start", "--archive", "payments", "--from", "never", "--for", "1h", "--topic", "replay.payments", "--yes").want(exitUsage, "--from: ")
	refusal := api.NewProblem(http.StatusForbidden, "the daemon's configuration names no targets")
	refusal.Item, refusal.Next = "not-allowed", "Name them."
	c.Break(refusal)
	c.replayd(startPayments...).want(exitRefused, "replayd: not-allowed: the daemon's configuration names no targets", "Name them.")
	c.Break(api.NewProblem(http.StatusServiceUnavailable, "the audit cannot be written"))
	c.replayd("list").want(exitFailed, "the audit cannot be written")
}

// ofDaemons are the commands that a daemon does, or can do, each with words behind it that are right.
func ofDaemons(t *testing.T) map[string][]string {
	t.Helper()
	commands := map[string][]string{}
	eachCommand(func(name string, c *cobra.Command) {
		if c.Flags().Lookup("server") == nil {
			return
		}
		words := strings.Fields(name)
		switch {
		case name == "start":
			words = append(slices.Clone(startPayments), "--yes")
		case name == "plan":
			words = append([]string{"plan"}, startPayments[1:]...)
		case name == "ls":
			words = append(words, "--archive", "payments", "--from", "2026-11-01", "--for", "1h")
		case strings.Contains(c.Use, " ID"):
			words = append(words, "p1")
		}
		switch {
		case strings.HasSuffix(c.Use, " N"):
			words = append(words, "1")
		case strings.HasSuffix(c.Use, " PACE"):
			words = append(words, "1/s")
		}
		commands[name] = words
	})
	if len(commands) < 13 {
		t.Errorf("only %d commands are of a daemon", len(commands))
	}
	return commands
}

func TestADaemonThatDoesNotAnswerIsToldByEveryCommand(t *testing.T) {
	t.Parallel()
	for _, args := range ofDaemons(t) {
		r := &result{t: t, args: args}
		a := &app{out: &r.out, err: &r.err, now: time.Now, environ: []string{"REPLAYD_SERVER=http://127.0.0.1:1"}}
		r.code = a.run(t.Context(), args)
		r.want(exitUnreached, "no daemon answers at http://127.0.0.1:1", "--server or $REPLAYD_SERVER")
		r.code = a.run(t.Context(), append(args, "--server", "nowhere"))
		r.want(exitUsage, "nowhere")
	}
}

// TestEveryCommandOfADaemonTellsInJSON of replays that stand as each command wants them.
func TestEveryCommandOfADaemonTellsInJSON(t *testing.T) {
	t.Parallel()
	for name, args := range ofDaemons(t) {
		c := newClient(t)
		if name != "start" {
			c.start("--id", "p1")
		}
		if name == "watch" || name == "forget" {
			c.Change("p1", func(r *api.Replay) { r.State = replay.Completed })
		}
		out := c.replayd(append(args, "-o", "json", "--server", "x")...).want(exitOK).out.String()
		if list := objects(t, out); len(list) == 0 || slices.ContainsFunc(list, func(line map[string]any) bool { return line["type"] == nil }) {
			t.Errorf("%q prints %q", args, out)
		}
	}
}

func TestWatchingEndsWithTheReplay(t *testing.T) {
	t.Parallel()
	for state, code := range map[replay.State]int{
		replay.Completed: exitOK, replay.CompletedWithQuarantine: exitQuarantined, replay.Cancelled: exitCancelled,
	} {
		c := newClient(t)
		id := c.start().ID
		done := make(chan *result)
		go func() { done <- c.replayd("watch", id, "-o", "json") }()
		c.Change(id, func(r *api.Replay) { r.Progress = &replay.Report{Type: "progress", Percent: 50} })
		c.Change(id, func(r *api.Replay) { r.State = state })
		r := (<-done).want(code)
		if got := r.receipt(); got.State != state {
			t.Errorf("%s: the receipt tells %s", state, got.State)
		}
	}
}

// TestAStartIsTheSameInFlagsAndFields turns flags into a request and back.
func TestAStartIsTheSameInFlagsAndFields(t *testing.T) {
	t.Parallel()
	typed := map[string]string{
		"archive": "payments", "from": "-3h", "to": "now", "zone": "Europe/Berlin", "window-on": "arrival", "event-id": "/id", "event-time": "/t",
		"event-time-zone": "UTC", "key": "/k", "value": "/v", "slack": "1h,2h", "lateness": "5m", "horizon": "2h", "dedupe": "off", "filter": "true",
		"limit": "7", "on-late": "stop", "on-conflict": "drop", "on-bad": "stop", "on-missing-id": "emit", "max-bad": "5%", "topic": "replay.payments",
		"create-topic": "true", "partitions": "3", "like-topic": "other", "pace": "x4", "max-gap": "1m", "ramp": "10s", "record-time": "now",
		"headers": "reason,source", "targets": "a,b", "reason": "why", "compression": "zstd", "allow": "overlap,durability", "id": "p1", "for": "1h",
	}
	f := &replayFlags{}
	set := pflag.NewFlagSet("start", pflag.ContinueOnError)
	f.addRead(set)
	f.addWrite(set)
	for name, value := range typed {
		if err := set.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	s, err := f.asked()
	if err != nil {
		t.Fatal(err)
	}
	of := reflect.ValueOf(s)
	for i := range of.NumField() {
		name := of.Type().Field(i).Name
		if of.Field(i).IsZero() && name != "Plan" && name != "AsOf" && name != "IdempotencyKey" {
			t.Errorf("no flag sets %s", name)
		}
	}
	back, err := flagsAsked(s)
	if err != nil {
		t.Fatal(err)
	}
	for name := range typed {
		if got, want := back.set.Lookup(name).Value.String(), set.Lookup(name).Value.String(); got != want {
			t.Errorf("--%s %q comes back as %q", name, want, got)
		}
	}
	set.VisitAll(func(flag *pflag.Flag) {
		if _, asked := typed[flag.Name]; !asked && !slices.Contains(notAsked, flag.Name) && !slices.Contains([]string{"since", "until", "quarantine-ok"}, flag.Name) {
			t.Errorf("start takes --%s, and nobody is told of it", flag.Name)
		}
	})
}

func TestTheCertificateOfAClientIsShown(t *testing.T) {
	t.Parallel()
	shown := make(chan string, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown <- r.TLS.PeerCertificates[0].Subject.Organization[0]
		fmt.Fprint(w, `{"items":[]}`)
	}))
	s.TLS, s.Config.ErrorLog = &tls.Config{ClientAuth: tls.RequireAnyClientCert}, log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	key, err := x509.MarshalPKCS8PrivateKey(s.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile := filepath.Join(t.TempDir(), "cert"), filepath.Join(t.TempDir(), "key")
	rewrite(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	rewrite(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	b, server := nowhere(t), []string{"list", "--server", s.URL, "--ca", certFile}
	b.replayd(append(server, "--client-cert", certFile, "--client-key", keyFile)...).want(exitOK)
	if name := <-shown; name != s.Certificate().Subject.Organization[0] {
		t.Errorf("the certificate of %q is shown", name)
	}
	b.replayd(server...).want(exitUnreached, "certificate")
	b.replayd(append(server, "--client-cert", certFile)...).want(exitUsage, "--client-cert and --client-key go together")
	b.replayd(append(server, "--token-file", t.TempDir())...).want(exitUsage, "the file of the token: ", "is no regular file", "$REPLAYD_TOKEN")
}

func TestATokenIsMadeOnceAndKnownByItsHash(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	var r result
	a := &app{out: &r.out, err: &r.err, now: time.Now}
	if code := a.run(t.Context(), []string{"token", "new", "anna", "--role", "operator", "--topics", "replay.*", "--expires", "90d", "--append", path}); code != exitOK {
		t.Fatal(code, r.err.String())
	}
	secret := strings.TrimSpace(r.out.String())
	file, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(file), secret) || !strings.HasPrefix(secret, "rpd_") {
		t.Errorf("%q in %q, %v", secret, file, err)
	}
	auth, err := api.NewAuthenticator(api.AuthOptions{TokensFile: path}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	fake := apitest.NewFake()
	server, err := api.NewServer(api.Guard(fake, nil), api.ServerOptions{Listen: "127.0.0.1:0", Auth: auth, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	l, err := api.Listen("127.0.0.1:0", nil, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- server.Serve(ctx, l) }()
	defer func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		code     int
		words    string
		variable string
		args     []string
	}{
		{exitFailed, "a login is needed", "X=", []string{"list"}},
		{exitOK, "", "X=", []string{"list", "--token-file", token}},
		{exitOK, "", "REPLAYD_TOKEN=" + secret, []string{"list"}},
		{exitOK, "", "REPLAYD_TOKEN_FILE=" + token, []string{"list"}},
		{exitOK, "", "REPLAYD_TOKEN=rpd_wrong", []string{"list", "--token-file", token}},
		{exitFailed, "not known", "REPLAYD_TOKEN=rpd_wrong", []string{"list"}},
		{exitUsage, "/nowhere", "REPLAYD_TOKEN_FILE=/nowhere", []string{"list"}},
		{exitOK, "", "X=", append(slices.Clone(startPayments), "--token-file", token, "--id", "p1")},
		{exitFailed, "admin", "X=", []string{"forget", "p1", "--token-file", token}},
	} {
		r := &result{t: t, args: step.args}
		a := &app{out: &r.out, err: &r.err, now: time.Now, environ: []string{"REPLAYD_SERVER=http://" + l.Addr().String(), step.variable}}
		r.code = a.run(t.Context(), step.args)
		r.want(step.code, step.words)
		if told := r.err.String() + r.out.String(); strings.Contains(told, secret) || strings.Contains(told, "rpd_wrong") {
			t.Errorf("%q tells the token: %s", step.args, told)
		}
	}
	if r, err := fake.Replay(t.Context(), "p1"); err != nil || r.StartedBy != "anna" {
		t.Errorf("started by %q, %v", r.StartedBy, err)
	}
}

// TestOnlyAPersonWaitsForADaemonForEver and is told since when.
func TestOnlyAPersonWaitsForADaemonForEver(t *testing.T) {
	var told bytes.Buffer
	a := &app{err: &screen{}, log: zerolog.New(&told)}
	o := a.reaching(&clientFlags{})
	if o.Patience != 0 {
		t.Errorf("at a terminal it ends after %s", o.Patience)
	}
	o.Again(errors.New("connection refused"), time.Date(2026, 11, 1, 3, 12, 5, 0, time.UTC), 1500*time.Millisecond)
	if want := "the daemon does not answer since 2026-11-01 03:12:05Z: asking again in 2s"; !strings.Contains(told.String(), want) {
		t.Errorf("it is told %s, not %s", told.String(), want)
	}
	o.Slow(5 * time.Second)
	if want := "no answer for 5s: waiting for the daemon at http://127.0.0.1:8484"; !strings.Contains(told.String(), want) {
		t.Errorf("it is told %s, not %s", told.String(), want)
	}
	a.err = &told
	if o := a.reaching(&clientFlags{}); o.Patience != 5*time.Minute {
		t.Errorf("in a script it ends after %s", o.Patience)
	}
}
