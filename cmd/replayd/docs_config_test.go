package main

import (
	"encoding"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"replayd/archive"
	"replayd/config"
	"replayd/replay/pace"
)

// setting is a key of the configuration: a row of a table in docs/config.md.
type setting struct {
	key, kind, normal string // normal is the default, empty for none
	said              []string
}

// kinds are the words of docs/config.md for the types of the configuration.
var kinds = map[reflect.Type]string{
	reflect.TypeFor[string]():            "text",
	reflect.TypeFor[bool]():              "boolean",
	reflect.TypeFor[int]():               "number",
	reflect.TypeFor[[]string]():          "list",
	reflect.TypeFor[config.Size]():       "size",
	reflect.TypeFor[config.Duration]():   "duration",
	reflect.TypeFor[config.Slack]():      "slack",
	reflect.TypeFor[config.Secret]():     "secret",
	reflect.TypeFor[config.Address]():    "text",
	reflect.TypeFor[archive.Pointer]():   "pointer",
	reflect.TypeFor[[]archive.Pointer](): "list of pointers",
	reflect.TypeFor[archive.IDRule]():    "id rule",
	reflect.TypeFor[pace.Setting]():      "pace",
}

// flagOf are the flags that say what a key says and are called otherwise.
var flagOf = map[string]string{
	"archives.*.url":           "archive",
	"archives.*.s3.region":     "s3-region",
	"archives.*.s3.profile":    "aws-profile",
	"archives.*.s3.endpoint":   "s3-endpoint",
	"archives.*.s3.path_style": "s3-path-style",
}

// otherwise are keys that are called as a flag that says something else.
var otherwise = []string{
	"kafka.sasl.profile", "kafka.sasl.token_file", "server.pace", "targets.*.archives",
	"server.auth.certificates.*.role", "server.auth.certificates.*.archives", "server.auth.certificates.*.topics",
}

// settings are the keys below a value of the configuration. variables begins the names of their variables, "" where they
// have none.
func settings(t *testing.T, v reflect.Value, path, variables string) []setting {
	t.Helper()
	var list []setting
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "" {
			continue
		}
		key, field := strings.TrimPrefix(path+"."+name, "."), v.Field(i)
		if field.Kind() == reflect.Map { // by names of one's own
			key += ".*"
			field = field.MapIndex(reflect.ValueOf("x"))
		}
		kind, value := kinds[field.Type()]
		variable := ""
		if tag := f.Tag.Get("envPrefix") + f.Tag.Get("env"); tag != "" {
			variable = variables + tag
		}
		if !value {
			list = append(list, settings(t, field, key, variable)...)
			continue
		}
		s := setting{key: key, kind: kind, normal: normal(t, field)}
		if flag := flagFor(key, name); flag != "" {
			s.said = append(s.said, "--"+flag)
		}
		if variable != "" {
			s.said = append(s.said, variable)
		}
		list = append(list, s)
	}
	return list
}

// normal writes a default as a file would.
func normal(t *testing.T, v reflect.Value) string {
	t.Helper()
	if m, ok := v.Interface().(encoding.TextMarshaler); ok && !v.IsZero() {
		text, err := m.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	switch {
	case v.Kind() == reflect.Slice:
		return strings.Trim(fmt.Sprint(v.Interface()), "[]")
	case v.IsZero() && v.Kind() != reflect.Bool:
		return ""
	}
	return fmt.Sprint(v.Interface())
}

// flagFor is the flag that says what key, whose last part is name, says; empty without one.
func flagFor(key, name string) string {
	if flag, ok := flagOf[key]; ok {
		return flag
	}
	flag := strings.ReplaceAll(name, "_", "-")
	known := programRoot().PersistentFlags().Lookup(flag) != nil
	eachCommand(func(_ string, c *cobra.Command) { known = known || c.Flags().Lookup(flag) != nil })
	if !known || slices.Contains(otherwise, key) {
		return ""
	}
	return flag
}

// TestEveryKeyOfTheConfigurationIsDocumented holds the tables of docs/config.md against the keys that the program knows,
// and what holds for them when a file says nothing.
func TestEveryKeyOfTheConfigurationIsDocumented(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replayd.yaml")
	if err := os.WriteFile(path, []byte("archives: {x: {url: [./x]}}\ntargets: {x: {}}\n"+
		"server: {tls: {cert_file: c, key_file: k, client_ca_file: a}, auth: {certificates: {x: {role: viewer}}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	x := c.Archives["x"]
	x.URL = nil // the test's, not a default
	c.Archives["x"], c.Server.TLS = x, config.ServerTLS{}
	of := c.Server.Auth.Certificates["x"]
	of.Role = ""
	c.Server.Auth.Certificates["x"] = of
	var have, told []string
	for _, s := range settings(t, reflect.ValueOf(*c), "", "REPLAYD_") {
		have = append(have, fmt.Sprint(s.key, ", ", s.kind, ", default ", s.normal, ", said by ", s.said))
	}
	for _, row := range rows(section(t, "docs/config.md", "## Keys")) {
		if len(row) != 5 {
			t.Fatalf("a row with %d cells: %q", len(row), row)
		}
		normal := strings.Join(codeWords(row[2]), " ")
		if normal == "" && !strings.HasPrefix(row[2], "none") {
			t.Errorf("%s: the default %q is neither a value nor none", row[0], row[2])
		}
		if words := codeWords(row[3]); len(words) == 0 && row[3] != "file only" {
			t.Errorf("%s is said by %q", row[0], row[3])
		}
		told = append(told, fmt.Sprint(strings.Trim(row[0], "`"), ", ", row[1], ", default ", normal, ", said by ", codeWords(row[3])))
	}
	sameWords(t, "keys", have, told)
	var types []string
	for _, kind := range kinds {
		types = append(types, kind)
	}
	sameWords(t, "types", types, plainCells(section(t, "docs/config.md", "## How values are written")))
}

// TestFlagsOfKeysWinOverTheFile gives each flag that is told beside a key another value than the file does.
func TestFlagsOfKeysWinOverTheFile(t *testing.T) {
	t.Parallel()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	f := &replayFlags{}
	f.addRead(flags)
	f.addWrite(flags)
	a := &app{config: config.Default()}
	a.config.Archives = map[string]config.Archive{"x": {
		URL: []string{"s3://file/"}, Preset: "hive", Layout: "jsonl", Format: "json", EventID: "/file", EventTime: "/file", Key: "/file",
		EventTimeZone: "Asia/Tokyo", Slack: config.Slack{Before: 1, After: 1}, Lateness: 1, Horizon: 1, S3: config.S3{Region: "file", Profile: "file", Endpoint: "http://file"},
	}}
	if err := flags.Parse([]string{
		"--archive=x", "--preset=pismo", "--layout=firehose", "--format=jsonl", "--event-id=/flag", "--event-time=/flag", "--key=/flag",
		"--event-time-zone=America/Sao_Paulo", "--slack=2h,3h", "--lateness=4m", "--horizon=5m", "--s3-region=flag", "--aws-profile=flag",
		"--s3-endpoint=http://flag", "--s3-path-style", "--memory=1GiB", "--spill-dir=/flag", "--give-up=7m",
	}); err != nil {
		t.Fatal(err)
	}
	p, err := a.place(f.place)
	if err == nil {
		err = f.overlay(&p.config)
	}
	if err != nil {
		t.Fatal(err)
	}
	minute := config.Duration(60e9)
	p.config.Arrival, p.config.Volatile = "", nil // the preset's
	want := config.Archive{
		URL: []string{"s3://file/"}, Preset: "pismo", Layout: "firehose", Format: "jsonl", EventID: "/flag", EventTime: "/flag", Key: "/flag",
		EventTimeZone: "America/Sao_Paulo", Slack: config.Slack{Before: 120 * minute, After: 180 * minute}, Lateness: 4 * minute, Horizon: 5 * minute,
		S3: config.S3{Region: "flag", Profile: "flag", Endpoint: "http://flag", PathStyle: true},
	}
	if !reflect.DeepEqual(p.config, want) {
		t.Errorf("the archive is\n%+v, want\n%+v", p.config, want)
	}
	got, err := f.limits(a.config.Limits)
	if want := (bounds{memory: 1 << 30, spillDir: "/flag", giveUp: 7 * minute}); err != nil || got != want {
		t.Errorf("limits %+v, %v, want %+v", got, err, want)
	}
}

// TestTheConfigurationIsLookedForWhereTheDocumentSays takes the places of docs/config.md away one after another.
func TestTheConfigurationIsLookedForWhereTheDocumentSays(t *testing.T) {
	t.Parallel()
	text := section(t, "docs/config.md", "## Where it is looked for")
	if want := []string{"--config FILE", "$REPLAYD_CONFIG", "./replayd.yaml", "/etc/replayd/replayd.yaml"}; !slices.Equal(codeWords(text), want) {
		t.Errorf("it names %q, not %q", codeWords(text), want)
	}
	bin, folder := program(t), t.TempDir()
	for i, name := range []string{"flag.yaml", "variable.yaml", "replayd.yaml"} {
		if err := os.WriteFile(filepath.Join(folder, name), fmt.Appendf(nil, "kafka: {brokers: 'place%d:9092'}\n", i), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string]string{
		"REPLAYD_CONFIG=variable.yaml replayd config show --config flag.yaml": "place0:9092",
		"REPLAYD_CONFIG=variable.yaml replayd config show":                    "place1:9092",
		"REPLAYD_CONFIG= replayd config show":                                 "place2:9092",
		"mkdir none && cd none && replayd config check":                       "looked for ./replayd.yaml, /etc/replayd/replayd.yaml",
	} {
		if out, code := shell(t, bin, folder, line); code != exitOK || !strings.Contains(out, want) {
			t.Errorf("%s\nexits %d and does not say %s:\n%s", line, code, want, out)
		}
	}
	if out, code := shell(t, bin, folder, "REPLAYD_CONFIG=gone.yaml replayd config show"); code != exitBadConfig {
		t.Errorf("a file that is named and not there: exit %d\n%s", code, out)
	}
}

// namesFile finds a file that a configuration names; check wants it to be there.
var namesFile = regexp.MustCompile(`_file: ([^\s,}"]+)`)

// TestTheCommandsOfTheConfigurationPageWork runs them on each file of the page, and compares what is said of the wrong one.
func TestTheCommandsOfTheConfigurationPageWork(t *testing.T) {
	t.Parallel()
	page := read(t, "docs/config.md")
	commands, wrong, said := fences(page, "sh"), fences(page, "yaml wrong"), fences(page, "text")
	if len(commands) != 1 || len(wrong) != 1 || len(said) != 1 {
		t.Fatalf("%d blocks of commands, %d wrong files, %d texts", len(commands), len(wrong), len(said))
	}
	bin, folder := program(t), t.TempDir()
	run := func(file, line string) (string, int) {
		file = strings.NewReplacer("/etc/replayd/", folder+"/", "/run/secrets/", folder+"/").Replace(file)
		for _, named := range namesFile.FindAllStringSubmatch(file, -1) {
			if err := os.WriteFile(named[1], nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(folder, "replayd.yaml"), []byte(file+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return shell(t, bin, folder, line)
	}
	for line := range strings.SplitSeq(commands[0], "\n") {
		for i, file := range fences(page, "yaml") {
			if out, code := run(file, line); code != exitOK || len(out) == 0 {
				t.Errorf("%s\nwith yaml block %d exits %d:\n%s", line, i+1, code, out)
			}
		}
		if _, code := run(wrong[0], line); code != exitBadConfig {
			t.Errorf("%s\nwith the wrong file exits %d", line, code)
		}
	}
	if out, _ := run(wrong[0], strings.Split(commands[0], "\n")[0]); strings.TrimSpace(out) != said[0] {
		t.Errorf("check says\n%s", out)
	}
	_, braces, _ := strings.Cut(section(t, "docs/config.md", "## How values are written"), "Inside ")
	if out, code := run("kafka: "+codeWords(braces)[1], "replayd config check"); code != exitOK {
		t.Errorf("an address in braces: %s", out)
	}
	out, code := run("kafka: {sasl: {mechanism: plain, username: u, password: 'p${NOT_SET:-q}$${'}}", "replayd config show")
	if code != exitOK || strings.Contains(out, "pq${") || !strings.Contains(out, "***") {
		t.Errorf("a password is shown: %s", out)
	}
}

// TestBoundsOfLimitsAreThoseOfTheDocument loads the values at the bounds that the table names, and those beyond.
func TestBoundsOfLimitsAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	table := section(t, "docs/config.md", "### limits")
	size := func(text string, more int64) string {
		var s config.Size
		if err := s.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return strconv.FormatInt(int64(s)+more, 10)
	}
	words := map[string][]string{}
	for _, row := range rows(table) {
		words[strings.Trim(row[0], "`")] = codeWords(row[4])
	}
	event := words["limits.event_size"]
	for line, holds := range map[string]bool{
		"memory: " + size(words["limits.memory"][0], 0): true, "memory: " + size(words["limits.memory"][0], -1): false,
		"event_size: " + size(event[1], 0): true, "event_size: " + size(event[1], -1): false,
		"event_size: " + size(event[2], 0): true, "event_size: " + size(event[2], 1): false,
		"open_objects: 1": true, "open_objects: 0": false, "open_objects: 60000": true, "open_objects: 60001": false,
	} {
		path := filepath.Join(t.TempDir(), "replayd.yaml")
		if err := os.WriteFile(path, []byte("limits: {"+line+"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := config.Load(path, nil); (err == nil) != holds {
			t.Errorf("%s: %v", line, err)
		}
	}
	if !strings.Contains(table, "1 to 60,000") {
		t.Error("the bounds of open_objects are not told")
	}
}
