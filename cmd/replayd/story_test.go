package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

// person makes a token with a role, and returns the file that holds it and the token.
func (b *bench) person(tokens, name, role string, more ...string) (file, secret string) {
	b.t.Helper()
	args := append([]string{"token", "new", name, "--role", role, "--append", tokens}, more...)
	secret = strings.TrimSpace(b.replayd(args...).want(exitOK).out.String())
	file = filepath.Join(b.t.TempDir(), name)
	rewrite(b.t, file, secret)
	return file, secret
}

// TestTwoPersonsAndTheirReasons also reads all that the daemon has told and kept for what it must not hold: the password of
// the brokers, keys of the store, and tokens, right and wrong.
func TestTwoPersonsAndTheirReasons(t *testing.T) {
	t.Parallel()
	const password, storeKey, wrong = "planted-password", "planted-store-key", "rpd_planted-wrong-token"
	b := newBench(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", password))
	b.login = []kgo.Opt{kgo.SASL(plain.Auth{User: "u", Pass: password}.AsMechanism())}
	b.put("o", []byte(event("a", 1)+event("b", 2)))
	tokens := filepath.Join(t.TempDir(), "tokens.yaml")
	anna, annas := b.person(tokens, "anna", "operator")
	ben, bens := b.person(tokens, "ben", "admin")
	d := b.serve(targetX+"kafka: {sasl: {mechanism: plain, username: u, password: "+password+"}}\n"+
		"server: {member: d-0, auth: {tokens_file: '"+tokens+"'}, require_reason: true, second_person_above: 1}\n",
		"AWS_SECRET_ACCESS_KEY="+storeKey, "AWS_ACCESS_KEY_ID=planted-id")
	told := ""
	as := func(file string, code int, says string, args ...string) *result {
		t.Helper()
		r := d.replayd(append(args, "--token-file", file)...).want(code, says)
		told += r.out.String() + r.err.String()
		return r
	}
	start := []string{"start", "--archive", "a", "--from", "2026-11-01", "--for", "24h", "--topic", "x", "--create-topic", "--id", "night", "--allow", "overlap", "--on-bad", "stop"}
	as(anna, exitUsage, "--reason: is required here", start...)
	if r := as(anna, exitOK, "", append(slices.Clone(start), "--reason", "INC-1")...); !strings.Contains(r.out.String(), `"waits":true`) {
		t.Errorf("it does not wait: %s", r.out.String())
	}
	as(anna, exitFailed, "waits for the approval of another person", "approve", "night", "--reason", "mine")
	if shown := as(ben, exitOK, "", "show", "night", "-o", "text").out.String(); !strings.Contains(shown, "\n  allowed: overlap\n  stops before: bad\n") {
		t.Errorf("whoever is to approve it is shown %s", shown)
	}
	as(ben, exitUsage, "--reason: is required here", "approve", "night")
	as(ben, exitOK, "", "approve", "night", "--reason", "INC-1 needs it")
	as(ben, exitOK, "", "watch", "night")
	as(anna, exitFailed, "needs the role admin", "forget", "night", "--reason", "tidy")
	for _, path := range []string{"/v1/replays", "/v1/audit", "/v1/archives", "/v1/replays/night", "/readyz", "/version", "/metrics", "/openapi.json"} {
		for _, token := range []string{bens, wrong, annas} {
			told += d.get(path, token)
		}
	}
	for _, word := range []string{`"user":"anna"`, `"user":"ben"`, "INC-1 needs it"} {
		if !strings.Contains(d.get("/v1/audit", bens), word) {
			t.Errorf("the audit does not tell %s", word)
		}
	}
	client := b.client()
	defer client.Close()
	groups, err := kadm.NewClient(client).DescribeGroups(t.Context(), "replayd.daemons")
	if err != nil || len(groups["replayd.daemons"].Members) != 1 || groups["replayd.daemons"].Members[0].InstanceID == nil || *groups["replayd.daemons"].Members[0].InstanceID != "d-0" {
		t.Errorf("its name in the group is not d-0: %+v, %v", groups, err)
	}
	told += b.replayd("config", "show", "--config", b.configured).want(exitOK).out.String()
	_ = d.cmd.Process.Signal(os.Interrupt)
	d.end(20 * time.Second)
	told += d.err.String() + d.out.String()
	for _, topic := range []string{"config", "checkpoints", "status", "audit", "quarantine"} {
		told += strings.Join(b.values("replayd."+topic), "\n")
	}
	if !strings.Contains(told, "INC-1") || !strings.Contains(told, "a session begins") {
		t.Error("what was read holds neither the audit nor the log")
	}
	for what, secret := range map[string]string{"password": password, "key of the store": storeKey, "wrong token": wrong, "anna's token": annas, "ben's token": bens} {
		if i := strings.Index(told, strings.TrimPrefix(secret, "rpd_")); i >= 0 {
			t.Errorf("the %s is told: %s", what, told[max(0, i-200):min(len(told), i+100)])
		}
	}
}

// get is what the daemon answers.
func (d *served) get(path, token string) string {
	d.bench.t.Helper()
	r, err := http.NewRequestWithContext(d.bench.t.Context(), http.MethodGet, d.url+path, http.NoBody)
	if err != nil {
		d.bench.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		d.bench.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		d.bench.t.Fatal(err)
	}
	return string(text)
}
