package config

import (
	"bytes"
	"encoding"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caarlos0/env/v11"

	"replayd/replay/pace"
)

func TestTheExampleIsCompleteAndShowsTheDefaults(t *testing.T) {
	const path = "replayd.example.yaml"
	c, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range schemaKeys(reflect.TypeFor[Config]()) {
		if !bytes.Contains(text, []byte(key+":")) {
			t.Errorf("the example does not show %s", key)
		}
	}
	d, orders := Default(), DefaultArchive()
	if c.Limits != d.Limits || c.Kafka.ControlPrefix != d.Kafka.ControlPrefix || c.Kafka.TLS != d.Kafka.TLS {
		t.Errorf("the example says %+v, the defaults are %+v", c.Limits, d.Limits)
	}
	if a := c.Archives["orders"]; a.Settle != orders.Settle || a.Slack != orders.Slack || a.Lateness != orders.Lateness {
		t.Errorf("the example's archive is %+v, the defaults are %+v", a, orders)
	}
	if a := c.Archives["orders"]; a.Horizon != a.Lateness+a.Slack.After {
		t.Errorf("the example's horizon is %v", a.Horizon)
	}
	if p := c.Targets["replay.payments"].Pace.String(); p != "20k/s" {
		t.Errorf("the example's pace is %s", p)
	}
}

// schemaKeys are the yaml names of every field at every depth.
func schemaKeys(t reflect.Type) []string {
	if t.Kind() == reflect.Map {
		t = t.Elem()
	}
	var keys []string
	if t.Kind() == reflect.Struct {
		for name, i := range fieldsOf(t) {
			keys = append(append(keys, name), schemaKeys(t.Field(i).Type)...)
		}
	}
	return keys
}

func TestTheEnvironmentOverridesTheFileAndTheFileTheDefaults(t *testing.T) {
	file := `
kafka: {brokers: "a:1,b:2", control_prefix: mine}
limits: {memory: "${MEMORY}", open_objects: 10}
archives: {x: {url: ./x, lateness: 1m}}
targets: {t: {}}
`
	c, err := parse("f", []byte(file), map[string]string{
		"MEMORY":                       "1GiB",
		"REPLAYD_KAFKA_BROKERS":        "c:3,d:4",
		"REPLAYD_KAFKA_SASL_MECHANISM": "plain",
		"REPLAYD_KAFKA_SASL_USERNAME":  "u",
		"REPLAYD_KAFKA_SASL_PASSWORD":  "p",
		"REPLAYD_KAFKA_TLS_ENABLED":    "true",
		"REPLAYD_KAFKA_CONTROL_PREFIX": "", // empty is not set
		"REPLAYD_LIMITS_OPEN_OBJECTS":  "20",
		"REPLAYD_LIMITS_GIVE_UP":       "2d",
		"REPLAYD_SERVICE_HOST":         "10.0.0.1", // Kubernetes' own
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.source = c.source
	want.Kafka = Kafka{
		Brokers: []string{"c:3", "d:4"}, ControlPrefix: "mine", TLS: TLS{Enabled: true},
		SASL: SASL{Mechanism: "plain", Username: "u", Password: "p"},
	}
	want.Limits.Memory, want.Limits.OpenObjects, want.Limits.GiveUp = 1<<30, 20, Duration(48*time.Hour)
	x := DefaultArchive()
	x.URL, x.Lateness = []string{"./x"}, Duration(time.Minute)
	want.Archives = map[string]Archive{"x": x}
	want.Targets = map[string]Target{"t": {Pace: pace.Default()}}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("read\n%+v\nwant\n%+v", c, want)
	}
}

func TestProblemsOfTheEnvironmentNameTheirVariables(t *testing.T) {
	_, err := parse("f", []byte("limits: {open_objects: 10}"), map[string]string{
		"REPLAYD_LIMITS_MEMORY":       "lots",
		"REPLAYD_LIMITS_OPEN_OBJECTS": "0",
		"REPLAYD_KAFKA_BROKERS":       "a:1,b",
		"REPLAYD_KAFKA_TLS_ENABLED":   "perhaps",
	})
	want := []string{
		"REPLAYD_KAFKA_TLS_ENABLED: ", "REPLAYD_LIMITS_MEMORY: \"lots\" is not a size",
		"REPLAYD_KAFKA_BROKERS: \"b\" is not host:port", "REPLAYD_LIMITS_OPEN_OBJECTS: 0 is not within", "4 problems",
	}
	for i, line := range strings.Split(err.Error(), "\n") {
		if i >= len(want) || !strings.HasPrefix(line, want[i]) {
			t.Fatalf("problems\n%v\nwant them to begin\n%s", err, strings.Join(want, "\n"))
		}
	}
}

func TestVariablesAreNamedAsTheirPaths(t *testing.T) {
	c := Default()
	params, err := env.GetFieldParamsWithOptions(c, env.Options{Prefix: envPrefix})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, p := range params {
		got[p.Key] = true
	}
	want := slices.Concat(
		scalars(reflect.TypeFor[Kafka](), "kafka"), scalars(reflect.TypeFor[Limits](), "limits"), scalars(reflect.TypeFor[Server](), "server"))
	for _, path := range want {
		if !got[variable(path)] {
			t.Errorf("no variable for %s", path)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d variables for %d values", len(got), len(want))
	}
}

func scalars(t reflect.Type, path string) []string {
	if t.Kind() == reflect.Map { // its names are people's own
		return nil
	}
	if t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return []string{path}
	}
	var list []string
	for name, i := range fieldsOf(t) {
		list = append(list, scalars(t.Field(i).Type, join(path, name))...)
	}
	return list
}

func TestTheFileIsLookedForInOrder(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write := func(name string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("kafka: {control_prefix: "+name+"}"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	load := func(path, variable, want string) {
		t.Helper()
		c, err := Load(path, []string{"REPLAYD_CONFIG=" + variable})
		if err != nil || c.Kafka.ControlPrefix != want {
			t.Fatalf("Load(%q) with $REPLAYD_CONFIG %q: %+v, %v; want the file %s", path, variable, c, err, want)
		}
	}
	defer func(saved []string) { searchPath = saved }(searchPath)
	searchPath = []string{"./replayd.yaml", filepath.Join(dir, "etc.yaml")}

	load("", "", "replayd") // none: the default prefix
	write("etc.yaml")
	load("", "", "etc.yaml")
	write("replayd.yaml")
	load("", "", "replayd.yaml")
	variable := write("variable.yaml")
	load("", variable, "variable.yaml")
	load(write("flag.yaml"), variable, "flag.yaml")
}

func TestANamedFileMustBeThere(t *testing.T) {
	for _, c := range []struct{ path, environ string }{{path: "no/such.yaml"}, {environ: "REPLAYD_CONFIG=no/such.yaml"}} {
		if _, err := Load(c.path, []string{c.environ}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Load(%q, %q): %v, want that it does not exist", c.path, c.environ, err)
		}
	}
	big := filepath.Join(t.TempDir(), "big.yaml")
	if err := os.WriteFile(big, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(big, nil); err == nil || !strings.Contains(err.Error(), "cannot be a configuration") {
		t.Errorf("a file of %v: %v", Size(maxFile+1), err)
	}
}

func TestAnchorsAndMergesAreFollowed(t *testing.T) {
	c, err := parse("f", []byte(`
archives:
  base: &base
    url: &url s3://b/one
    key: /k
    settle: 1h
  other:
    <<: *base
    key: /other
  same: *base
targets:
  t: {archives: [base], pace: [x4, 5000/s]}
kafka: {brokers: [*url]}
`), nil)
	if err == nil || !strings.Contains(err.Error(), `"s3://b/one" is not host:port`) || !strings.HasSuffix(err.Error(), "1 problem") {
		t.Fatalf("%+v, %v: want one problem, with the broker", c, err)
	}
	c, err = parse("f", []byte("archives:\n  a: &a {url: ./a, key: /k, settle: 1h}\n  b: {<<: *a, key: /b}\n  c: *a\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	b := c.Archives["a"]
	b.Key = "/b"
	if !reflect.DeepEqual(c.Archives["b"], b) || !reflect.DeepEqual(c.Archives["c"], c.Archives["a"]) {
		t.Errorf("archives %+v", c.Archives)
	}
}

func TestAProblemIsPlacedByPath(t *testing.T) {
	c, err := parse("f.yaml", []byte("archives:\n  a.b:\n    url: ./x\n    preset: pismo\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"archives.a.b.preset": "f.yaml:4:13: archives.a.b.preset: there is none\n     4 |     preset: pismo\n       |             ^",
		"archives.a.b.layout": "f.yaml:2:3: archives.a.b.layout: there is none\n     2 |   a.b …\n       |   ^",
		"limits.memory":       "limits.memory: there is none",
	} {
		if got := c.Problem(path, "there is none").String(); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
}

func TestAChangedConfigCanBeValidated(t *testing.T) {
	c, err := parse("", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	c.Kafka.Brokers = []string{"nowhere"}
	if err := c.Validate(); err == nil || err.Error() != "kafka.brokers[0]: \"nowhere\" is not host:port, as in localhost:9092\n1 problem" {
		t.Errorf("a bad broker: %v", err)
	}
}

func TestTLSIsOnWhenAFileIsNamed(t *testing.T) {
	for _, test := range []struct {
		tls  TLS
		want bool
	}{{TLS{}, false}, {TLS{Enabled: true}, true}, {TLS{CAFile: "a"}, true}, {TLS{CertFile: "a", KeyFile: "b"}, true}} {
		if test.tls.On() != test.want {
			t.Errorf("%+v is on: %v", test.tls, test.tls.On())
		}
	}
}
