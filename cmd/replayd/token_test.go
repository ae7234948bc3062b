package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"replayd/replay/api"
)

// newToken makes a token and adds it to the file at path.
func newToken(t *testing.T, path, name string) *result {
	t.Helper()
	r := &result{t: t, args: []string{"token", "new", name, "--append", path}}
	a := &app{out: &r.out, err: &r.err, now: time.Now}
	r.code = a.run(t.Context(), r.args)
	return r
}

// TestATokenIsAddedToAFileThatADaemonCanRead whatever it ends with.
func TestATokenIsAddedToAFileThatADaemonCanRead(t *testing.T) {
	t.Parallel()
	_, line, err := api.NewToken(api.Token{Name: "first", Role: api.Viewer, Archives: api.Names{"*"}, Topics: api.Names{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, before := range map[string]string{
		"no end of the last line": strings.TrimSuffix(line, "\n"), "empty": "", "a remark at the end": line + "# of anna", "as it should be": line, "blank": "\n",
	} {
		path := filepath.Join(t.TempDir(), "tokens.yaml")
		rewrite(t, path, before)
		newToken(t, path, "anna").want(exitOK)
		newToken(t, path, "bob").want(exitOK)
		if _, err := api.NewAuthenticator(api.AuthOptions{TokensFile: path}, zerolog.Nop()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		text, err := os.ReadFile(path)
		if err != nil || !strings.HasPrefix(string(text), before) || strings.Count(string(text), "sha256:") != strings.Count(before, "sha256:")+2 {
			t.Errorf("%s: the file holds\n%s", name, text)
		}
	}
}

// TestATokenIsNotAddedWhereItWouldStopTheDaemon.
func TestATokenIsNotAddedWhereItWouldStopTheDaemon(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	newToken(t, path, "anna").want(exitOK)
	for name, c := range map[string]struct{ more, whose, says string }{
		"the name of another": {"", "anna", "the name anna is taken"},
		"no list":             {"nonsense: [\n", "bob", "would not be a file of tokens, so nothing was written"},
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		other := filepath.Join(t.TempDir(), "other.yaml")
		rewrite(t, other, string(text)+c.more)
		if r := newToken(t, other, c.whose).want(exitUsage, c.says, other); r.out.String() != "" {
			t.Errorf("%s: a token is told that nobody knows: %s", name, r.out.String())
		}
		if now, err := os.ReadFile(other); err != nil || string(now) != string(text)+c.more {
			t.Errorf("%s: the file holds\n%s", name, now)
		}
	}
}
