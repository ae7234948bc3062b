package integration

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"replayd/archive/archivetest"
	"replayd/integration/harness"
)

// TestPeople goes the ways of docs/ways at a terminal, one person after another as they meet in life, on one cluster with an
// authorizer and one S3 server. Who owns the cluster comes as its administrator; all others have the rights that they were
// given on the page before, and no others. Then refusals are met on the same cluster.
func TestPeople(t *testing.T) {
	w := newWays(t)
	t.Run("platform engineer", func(t *testing.T) { w.walk(t, "platform.md", 0) })
	w.session(t, "expired")
	t.Run("on-call engineer", func(t *testing.T) { w.walk(t, "on-call.md", 0) })
	t.Run("consumer's owner", func(t *testing.T) { w.walk(t, "consumer.md", 0) })
	t.Run("platform engineer, afterwards", func(t *testing.T) { w.walk(t, "platform.md", 1) })
	t.Run("refusals", func(t *testing.T) { refusalsAreCured(t, w.kafka, w.tools) })
}

// ways is the stage of docs/ways: what its people have at hand.
type ways struct {
	terminal
	kafka       *harness.Kafka
	tools       string
	home        string
	here, there *strings.Replacer // from the names of the pages to what runs here, and back
}

func newWays(t *testing.T) *ways {
	t.Helper()
	w := &ways{terminal: terminal{folder: t.TempDir()}, home: t.TempDir()}
	kcat, jq := harness.Kcat(t), harness.Jq(t)
	w.kafka = harness.StartKafka(t, harness.KafkaOptions{Secure: true})
	w.tools = harness.KafkaTools(t, w.folder)
	s3 := harness.StartS3(t)
	if err := archivetest.Generate(waysPlan()).Write(filepath.Join(s3.Dir, "payments")); err != nil {
		t.Fatal(err)
	}
	pairs := []string{
		"kafka1.example.com:9092", w.kafka.Addr(), // the listener of those who administer the cluster
		"kafka1.example.com:9093", w.kafka.Secure().SASL,
		"kafka1.example.com:9094", w.kafka.Secure().MTLS,
		"/etc/replayd/ca.pem", w.kafka.Secure().CAFile,
		"/etc/ledger/ca.pem", w.kafka.Secure().CAFile,
		"/etc/ledger/ledger.pem", w.certificate(t, "ledger"),
		"https://s3.example.com", s3.Endpoint,
	}
	back := []string{}
	for i := 0; i < len(pairs); i += 2 {
		back = append(back, pairs[i+1], pairs[i])
	}
	w.here, w.there = strings.NewReplacer(pairs...), strings.NewReplacer(back...)
	bin := w.signIn(t, s3)
	path := []string{filepath.Dir(program), w.tools, bin, filepath.Dir(kcat), filepath.Dir(jq), os.Getenv("PATH")}
	w.env = []string{"PATH=" + strings.Join(path, ":"), "HOME=" + w.home, "TMPDIR=" + t.TempDir(), "TERM=xterm", "TZ=UTC", "LC_ALL=C.UTF-8"}
	w.env = append(w.env, "AWS_ENDPOINT_URL_SSO="+w.portal(t, s3), "AWS_EC2_METADATA_DISABLED=true")
	return w
}

// certificate returns a file that holds the key and the certificate of a user, as Kafka's own clients take them.
func (w *ways) certificate(t *testing.T, user string) string {
	t.Helper()
	var both []byte
	certFile, keyFile := w.kafka.Secure().Certificate(t, user)
	for _, name := range []string{keyFile, certFile} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, text...)
	}
	name := filepath.Join(w.home, user+".pem")
	write(t, name, string(both))
	return name
}

// waysPlan is seven hours of a morning, of which the middle three were lost.
func waysPlan() archivetest.Plan {
	odds := archivetest.Everyday()
	odds.Late, odds.Broken, odds.BadTime, odds.Gaps = 0.002, 0.0002, 0.0002, 1
	return archivetest.Plan{
		Seed: 1, Hours: 7, Events: 30_000, MeanSize: 700, Codec: archivetest.CodecGzip,
		Start: time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC), Odds: odds,
	}
}

// signIn writes the AWS configuration of a person with SSO, and returns a folder with an aws that signs in. What the real
// one does in a browser is that a token with a new end stands in the cache.
func (w *ways) signIn(t *testing.T, s3 *harness.S3) string {
	t.Helper()
	bin := t.TempDir()
	for _, folder := range []string{filepath.Join(w.home, ".aws", "sso", "cache")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(w.home, ".aws", "config"), "[sso-session company]\nsso_start_url = https://example.awsapps.com/start\nsso_region = "+s3.Region+
		"\n[profile night]\nsso_session = company\nsso_account_id = 123456789012\nsso_role_name = reader\nregion = "+s3.Region+"\n")
	w.session(t, "valid")
	aws := filepath.Join(bin, "aws")
	write(t, aws, fmt.Sprintf("#!/bin/sh\n[ \"$*\" = 'sso login --profile night' ] || exit 64\ncp %s %s\n", w.token("valid"), w.token("company")))
	if err := os.Chmod(aws, 0o700); err != nil {
		t.Fatal(err)
	}
	return bin
}

// token is the file of an SSO token; that of the session company is named by the SDK's hash of its name.
func (w *ways) token(name string) string {
	if name == "company" {
		name = "71b21161ffa1e6516bcc072aaf5ef38cbe85b511"
	}
	return filepath.Join(w.home, ".aws", "sso", "cache", name+".json")
}

// session makes the SSO session one that is valid or expired.
func (w *ways) session(t *testing.T, state string) {
	t.Helper()
	for name, ends := range map[string]time.Time{"valid": time.Now().Add(8 * time.Hour), "expired": time.Now().Add(-time.Hour)} {
		text := fmt.Sprintf(`{"accessToken":"token","expiresAt":%q}`, ends.UTC().Format(time.RFC3339))
		write(t, w.token(name), text)
		if name == state {
			write(t, w.token("company"), text)
		}
	}
}

// portal stands for the one of SSO, which gives the keys of a role for a token.
func (w *ways) portal(t *testing.T, s3 *harness.S3) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Sso_bearer_token") != "token" {
			http.Error(out, `{"message":"no session"}`, http.StatusUnauthorized)
			return
		}
		_, _ = fmt.Fprintf(out, `{"roleCredentials":{"accessKeyId":%q,"secretAccessKey":%q,"sessionToken":"","expiration":%d}}`,
			s3.AccessKey, s3.SecretKey, time.Now().Add(time.Hour).UnixMilli())
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// step is a fenced block of a page. One that is a file's content says its name.
type step struct{ kind, file, text string }

var (
	fence   = regexp.MustCompile("(?ms)^```([a-z]+)(?: ([a-z.]+))?\n(.*?)\n```$")
	exits   = regexp.MustCompile(`# (?:.* )?exits (\d+)`)
	presses = regexp.MustCompile(` +# press Ctrl-C.*`)
)

// later is the heading in front of what a person does when others have had their turn.
const later = "\n## Afterwards"

// walk does what a part of a page says, and holds what it shows against the screen: the first part ends before the heading
// Afterwards, the second begins there.
func (w *ways) walk(t *testing.T, page string, part int) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "ways", page))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.SplitN(string(text), later, 2)
	screen, typed := "", 0
	for _, m := range fence.FindAllStringSubmatch(parts[part], -1) {
		switch s := (step{m[1], m[2], m[3]}); s.kind {
		case "yaml":
			write(t, filepath.Join(w.folder, "replayd.yaml"), w.here.Replace(s.text)+"\n")
		case "properties":
			write(t, filepath.Join(w.folder, s.file), w.here.Replace(s.text)+"\n")
		case "sh":
			screen = w.block(t, s.text)
			typed++
		case "text":
			sameScreen(t, s.text, screen)
		default:
			t.Errorf("%s: nothing is known about blocks of kind %q", page, s.kind)
		}
	}
	if typed == 0 {
		t.Errorf("%s has no commands", page)
	}
}

// block types the lines of a block one after another, and returns what stands on the screen below them.
func (w *ways) block(t *testing.T, text string) string {
	t.Helper()
	var screens []string
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\\\n", " "), "\n") {
		want := 0
		if m := exits.FindStringSubmatch(line); m != nil {
			want, _ = strconv.Atoi(m[1])
		}
		screen, code := w.types(t, w.here.Replace(line), presses.MatchString(line))
		if code != want {
			t.Fatalf("%s\nexits %d, not %d:\n%s", line, code, want, screen)
		}
		if screen != "" {
			screens = append(screens, screen)
		}
	}
	return w.there.Replace(strings.Join(screens, "\n"))
}
