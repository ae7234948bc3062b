package config

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestCheckTellsWhatItFound(t *testing.T) {
	t.Chdir(t.TempDir())
	defer func(saved []string) { searchPath = saved }(searchPath)
	searchPath = []string{"./replayd.yaml"}
	check := func(want string) {
		t.Helper()
		var out bytes.Buffer
		err := Check(&out, "", nil)
		if out.String() != want+"\n" || (err != nil) != strings.HasSuffix(want, "problems") {
			t.Errorf("check prints\n%s%v\nwant\n%s", &out, err, want)
		}
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile("replayd.yaml", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check("no file (looked for ./replayd.yaml): ok: no archives, no targets, Kafka at localhost:9092")
	write("archives: {b: {url: ./b}, a: {url: ./a}}\ntargets: {t: {}}\n")
	check("./replayd.yaml: ok: 2 archives (a, b), 1 target (t), Kafka at localhost:9092")
	write("one: 1\ntwo: 2\n")
	const known = "unknown key; known here are kafka, archives, targets, limits, server"
	check("./replayd.yaml:1:1: one: " + known + "\n     1 | one …\n       | ^\n" +
		"./replayd.yaml:2:1: two: " + known + "\n     2 | two …\n       | ^\n2 problems")

	var out bytes.Buffer
	if err := Check(&out, "missing.yaml", nil); err == nil || out.Len() > 0 {
		t.Errorf("a missing file prints %q, error %v", &out, err)
	}
}

func TestTheEffectiveConfigIsReadBack(t *testing.T) {
	environ := []string{"REPLAYD_LIMITS_MEMORY=1GiB", "REPLAYD_KAFKA_TLS_ENABLED=true"}
	for _, path := range []string{"replayd.example.yaml", os.DevNull} {
		c, err := Load(path, environ)
		if err != nil {
			t.Fatal(err)
		}
		checkReadBack(t, c)
	}
}

// checkReadBack writes c as config show does and reads it again; c holds no password.
func checkReadBack(t *testing.T, c *Config) {
	t.Helper()
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	back, err := parse("shown", text, nil)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	again, err := back.YAML()
	if err != nil || !bytes.Equal(again, text) {
		t.Errorf("shown\n%s\nread back\n%s\n%v", text, again, err)
	}
	if back.Limits != c.Limits || !reflect.DeepEqual(back.Kafka, c.Kafka) {
		t.Errorf("read back %+v, want %+v", back, c)
	}
}

func TestShowMasksSecrets(t *testing.T) {
	c, err := parse("f", []byte(`kafka: {sasl: {mechanism: plain, username: u, password: hunter2}}
server: {auth: {oidc: {issuer: "https://login.example.com", audience: replayd, jwks_url: "https://login.example.com/keys?token=hunter2"}}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := c.YAML()
	if err != nil || bytes.Count(text, []byte("***")) != 2 || !bytes.Contains(text, []byte("https://login.example.com/keys?***")) || bytes.Contains(text, []byte("hunter2")) {
		t.Errorf("shown\n%s%v", text, err)
	}
}
