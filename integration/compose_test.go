package integration

import (
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/integration/harness"
)

// TestTheImageAndItsQuickstart builds the image by the Dockerfile, looks into it, and goes through docs/quickstart.md.
func TestTheImageAndItsQuickstart(t *testing.T) {
	t.Parallel()
	c := harness.NewCompose(t, "..", func() string {
		path := filepath.Join(t.TempDir(), "replayd")
		build := exec.Command("go", "build", "-o", path, "replayd/cmd/replayd")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build replayd: %v\n%s", err, out)
		}
		return path
	})
	t.Run("image", func(t *testing.T) { imageHolds(t, c) })
	t.Run("commands of docs/install.md", func(t *testing.T) { installRuns(t, c) })
	t.Run("spilling", func(t *testing.T) { imageSpills(t, c) })
	t.Run("quickstart", func(t *testing.T) { quickstart(t, c) })
}

// imageHolds looks at what the image is and at the files that a program on nothing else needs.
func imageHolds(t *testing.T, c *harness.Compose) {
	config := c.Run(t, "docker image inspect --format '{{.Config.User}} {{.Config.Entrypoint}} {{.Config.Volumes}}' "+c.Image)
	if config != "65532:65532 [/usr/bin/replayd] map[/var/tmp/replayd:{}]\n" {
		t.Errorf("user, entrypoint and volumes are %s", config)
	}
	folder := t.TempDir()
	c.Run(t, "id=$(docker create "+c.Image+") && docker cp $id:/etc/ssl/certs/ca-certificates.crt "+folder+" && docker rm --volumes $id")
	certificates, err := os.ReadFile(filepath.Join(folder, "ca-certificates.crt"))
	if err != nil || !x509.NewCertPool().AppendCertsFromPEM(certificates) {
		t.Errorf("the image has no certificates of authorities: %d bytes, %v", len(certificates), err)
	}
	if out := c.Run(t, "docker run --rm --network none "+c.Image+" version"); !strings.HasPrefix(out, "replayd ") {
		t.Errorf("version prints %q", out)
	}
	if out := c.Run(t, "docker run --rm --network none "+c.Image+" run --pace fast || echo exits $?"); !strings.Contains(out, "exits 2") {
		t.Errorf("the exit code is not replayd's: %s", out)
	}
}

// installRuns runs the commands of the page on the image.
func installRuns(t *testing.T, c *harness.Compose) {
	ran := 0
	for _, block := range blocks(t, "../docs/install.md") {
		if block.kind != "sh" {
			continue
		}
		for line := range strings.SplitSeq(block.text, "\n") {
			c.Run(t, strings.Replace(line, " replayd ", " "+c.Image+" ", 1))
			ran++
		}
	}
	if ran != 2 {
		t.Errorf("%d commands were found", ran)
	}
}

// imageSpills gives the program less memory than it needs, no rights, and a user that the image does not know.
func imageSpills(t *testing.T, c *harness.Compose) {
	folder := t.TempDir()
	var text strings.Builder
	const want = 20_000
	for i := range want { // neighbours are not in order
		fmt.Fprintf(&text, `{"id":"%d","t":%d,"p":"%s"}`+"\n", i, 1_793_534_400+i^1, strings.Repeat("p", 1000))
	}
	if err := os.WriteFile(filepath.Join(folder, "unordered"), []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	cat := "docker run --rm --read-only --cap-drop ALL --network none --user 12345:12345 --volume " + folder + ":/large:ro " + c.Image +
		" cat --archive /large --layout jsonl --format jsonl --event-id /id --event-time /t --from 2026-11-01T12 --for 8h --quiet --memory 16MiB"
	if out := c.Run(t, cat+" --spill-dir /large 2>&1 >/dev/null || echo exits $?"); !strings.Contains(out, "/large") || !strings.Contains(out, "exits 1") {
		t.Errorf("it does not spill, so nothing is tested here: %s", out)
	}
	out := c.Run(t, cat+" 2>/dev/null | wc -l")
	if got := strings.TrimSpace(out); got != strconv.Itoa(want) {
		t.Errorf("it prints %s events, want %d", got, want)
	}
}

// quickstart runs the page as a reader would, and holds what it shows against what is printed.
func quickstart(t *testing.T, c *harness.Compose) {
	printed, ran := "", 0
	for _, block := range blocks(t, "../docs/quickstart.md") {
		if block.kind == "text" {
			shows(t, block.text, printed)
			continue
		}
		if strings.HasPrefix(block.text, "docker compose down") {
			wholeReplayIsThere(t, c, "replay.demo", 33355)
			wholeReplayIsThere(t, c, "replay.mine", 33350)
		}
		if strings.HasPrefix(block.text, "docker compose kill") { // whoever reads takes longer than its first commit
			c.Run(t, "for i in $(seq 60); do "+c.Command+` exec -T replayd replayd show mine --output json | grep -Eq '"sessions": ?[1-9]' && exit; sleep 1; done; exit 1`)
		}
		printed = c.Run(t, strings.ReplaceAll(block.text, "docker compose", c.Command))
		ran++
	}
	if ran != 7 {
		t.Errorf("%d commands were found", ran)
	}
}

// block is a fenced block of a page: commands (sh), or what they print (text).
type block struct{ kind, text string }

func blocks(t *testing.T, page string) []block {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var list []block
	for _, m := range regexp.MustCompile("(?ms)^```(sh|text)\n(.*?)\n```$").FindAllStringSubmatch(string(text), -1) {
		list = append(list, block{kind: m[1], text: m[2]})
	}
	return list
}

// shows looks for each line of a shown block in what was printed. … stands for anything, and times differ.
func shows(t *testing.T, shown, printed string) {
	t.Helper()
	for line := range strings.SplitSeq(shown, "\n") {
		if !linePattern(line).MatchString(printed) {
			t.Errorf("%q is not printed:\n%.3000s", line, printed)
		}
	}
}

// linePattern matches a line that a page shows. … stands for anything, and times differ.
func linePattern(line string) *regexp.Regexp {
	pattern := regexp.QuoteMeta(line)
	pattern = regexp.MustCompile(` in \d+s `).ReplaceAllString(pattern, ` in [\d.]+m?s `)
	pattern = regexp.MustCompile(`^\d\d:\d\d:\d\d `).ReplaceAllString(pattern, `\d\d:\d\d:\d\d `)
	pattern = strings.ReplaceAll(pattern, "…", ".*")
	return regexp.MustCompile(`(?m)^` + pattern + `\s*$`)
}

// wholeReplayIsThere reads a topic from this machine, through the port that compose publishes: the console consumer cannot
// say that nothing comes behind what it counts.
func wholeReplayIsThere(t *testing.T, c *harness.Compose, topic string, want int) {
	t.Helper()
	seen := map[string]bool{}
	st := &stage{kafka: c.Kafka()}
	st.consume(t, topic, func(r *kgo.Record) {
		for _, h := range r.Headers {
			if h.Key != "replay-seq" {
				continue
			}
			if seen[string(h.Value)] {
				t.Errorf("event %s stands twice", h.Value)
			}
			seen[string(h.Value)] = true
		}
	})
	if len(seen) != want {
		t.Errorf("topic %s holds %d events, and the page says %d", topic, len(seen), want)
	}
}
