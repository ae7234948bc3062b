package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kfake"

	"replayd/archive"
	"replayd/archive/dir"
	"replayd/archive/format"
	"replayd/archive/layout"
	"replayd/config"
	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/merge"
)

// The documents are held against the program, in both directions: what it has stands in their tables, and what stands
// there it has.

const projectRoot = "../.."

func TestEveryCommandIsDocumented(t *testing.T) {
	var have []string
	eachCommand(func(name string, _ *cobra.Command) { have = append(have, "replayd "+name) })
	sameWords(t, "commands", have, firstCells(section(t, "docs/cli.md", "## Commands")))
}

func TestEveryFlagIsDocumentedWithTheCommandsThatTakeIt(t *testing.T) {
	var have []string
	eachCommand(func(name string, c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) { have = append(have, named(name, f)...) })
	})
	programRoot().PersistentFlags().VisitAll(func(f *pflag.Flag) { have = append(have, named("all", f)...) })
	var told []string
	for _, row := range rows(section(t, "docs/cli.md", "## Flags")) {
		for command := range strings.SplitSeq(row[1], ", ") {
			for _, flag := range codeWords(row[0]) {
				told = append(told, command+" "+flag)
			}
		}
	}
	sameWords(t, "flags", have, told)
}

func TestEveryFlagThatDocumentsNameExists(t *testing.T) {
	known := map[string]bool{"help": true}
	programRoot().PersistentFlags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
	eachCommand(func(_ string, c *cobra.Command) { c.Flags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true }) })
	found := 0
	others := regexp.MustCompile("`--command-config`|(?m:aws sso login .*$)|`aws [^`]*`|(?ms)^```sh restore\n.*?^```$|(?m:^(docker|kubectl|kcat|aws|kafka-[a-z-]+[.]sh) (.*\\\\\n)*.*$)") // commands that are not ours
	for name, text := range pages(t) {
		for _, m := range regexp.MustCompile(`(?m)(?:^|[^\w-])--([a-z][a-z0-9-]*)`).FindAllStringSubmatch(others.ReplaceAllString(text, ""), -1) {
			found++
			if !known[m[1]] {
				t.Errorf("%s names --%s, which no command takes", name, m[1])
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d flags were found: the pattern no longer fits the documents", found)
	}
}

func TestEveryExitCodeIsDocumented(t *testing.T) {
	have := constants(t, "cmd/replayd/exit.go", "exit")
	sameWords(t, "exit codes", have, plainCells(section(t, "docs/cli.md", "## Exit codes")))
}

func TestEveryFieldOfJSONIsDocumented(t *testing.T) {
	for heading, of := range map[string]reflect.Type{
		"### Receipt":  reflect.TypeFor[replay.Receipt](),
		"### Progress": reflect.TypeFor[replay.Report](),
		"### Plan":     reflect.TypeFor[planned](),
		"### Hours":    reflect.TypeFor[hourLine](),

		"### Quarantined": reflect.TypeFor[quarantinedLine](),
		"### Topics":      reflect.TypeFor[clusterNeeds](),
	} {
		sameWords(t, heading, fieldsOf(of, ""), firstCells(section(t, "docs/cli.md", heading)))
	}
}

func TestEveryFieldOfWhatADaemonTellsIsDocumented(t *testing.T) {
	of := slices.DeleteFunc(fieldsOf(reflect.TypeFor[toldReplay](), ""), func(name string) bool {
		return strings.HasPrefix(name, "progress.") || strings.HasPrefix(name, "group")
	})
	sameWords(t, "### Replay", append(of, "progress"), firstCells(section(t, "docs/cli.md", "### Replay")))
	sameWords(t, "### Watched", fieldsOf(reflect.TypeFor[api.Group](), "group."), firstCells(section(t, "docs/cli.md", "### Watched")))
}

func TestEveryPreflightItemIsDocumented(t *testing.T) {
	have := append(constants(t, "replay/*.go", "Item"), constants(t, "replay/kafka/*.go", "Item")...)
	table := section(t, "docs/cli.md", "## Preflight")
	sameWords(t, "items", have, firstCells(table))
	var may []string
	for _, row := range rows(table) {
		if strings.HasPrefix(row[len(row)-1], "yes") {
			may = append(may, codeWords(row[0])...)
		}
	}
	sameWords(t, "items that may be allowed", allowable, may)
}

func TestEveryReasonToQuarantineIsDocumented(t *testing.T) {
	table, _, _ := strings.Cut(section(t, "docs/semantics.md", "## Bad input"), "### ")
	sameWords(t, "reasons", constants(t, "archive/format.go", "Bad"), firstCells(table))
}

// headerSink gathers what records are tagged with.
type headerSink map[string]bool

func (h headerSink) Open(context.Context, *replay.Spec) (replay.Durable, error) {
	return replay.Durable{Checkpoint: replay.Checkpoint{State: replay.Running}}, nil
}

func (h headerSink) Commit(_ context.Context, c *replay.Chunk) error {
	for _, r := range c.Records {
		for _, header := range r.Headers {
			h[header.Key] = true
		}
	}
	return nil
}

func TestEveryHeaderIsDocumented(t *testing.T) {
	folder := t.TempDir()
	events := `{"id":"a","t":"2026-11-01T01:00:00Z"}` + "\n" + `{"t":"2026-11-01T02:00:00Z"}` // the second has no id: a flag
	if err := os.WriteFile(filepath.Join(folder, "events"), []byte(events), 0o600); err != nil {
		t.Fatal(err)
	}
	store, err := dir.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	seen := headerSink{}
	_, err = replay.Run(t.Context(), replay.Spec{
		ID: "docs", URL: folder, Fields: archive.Fields{ID: "/id", Time: "/t"}, RecordLimit: 1 << 20, Dedupe: true,
		Window:  replay.Window{On: replay.OnEvent, From: from, To: from.Add(24 * time.Hour)},
		Headers: constants(t, "replay/spec.go", "Header"), Reason: "why", Targets: []string{"group"},
	}, archive.Source{
		Store: store, Layout: layout.Flat{}, Format: format.Lines{}, Decoder: func() archive.Decoder { return &format.Decoder{} },
	}, seen)
	if err != nil {
		t.Fatal(err)
	}
	table := section(t, "docs/exactly-once.md", "### Headers")
	var have []string
	for name := range seen {
		have = append(have, name)
	}
	sameWords(t, "headers", have, firstCells(table))
	if all := "`" + strings.ReplaceAll(merge.Flags(0xff).String(), ",", "`, `") + "`"; !strings.Contains(table, all) {
		t.Errorf("the flags, in their order, are %s", all)
	}
}

// TestExamplesThatTheProgramPrintsParse takes the help texts and what demo prints as next steps.
func TestExamplesThatTheProgramPrintsParse(t *testing.T) {
	texts := []string{
		programRoot().Example,
		nextSteps("replayd", demoPlan(), "./folder", "localhost:9092", true),
		nextSteps("replayd", demoPlan(), "./folder", "localhost:9092", false),
	}
	eachCommand(func(_ string, c *cobra.Command) { texts = append(texts, c.Example) })
	found := 0
	for _, m := range regexp.MustCompile(`(?m)^ +replayd (\S+(?: \S+)*)`).FindAllStringSubmatch(strings.Join(texts, "\n"), -1) {
		found++
		typed, _, _ := strings.Cut(m[1], " | ")
		c, flags, err := programRoot().Find(strings.Fields(typed))
		if err == nil {
			c.InitDefaultHelpFlag()
			err = c.ParseFlags(flags)
		}
		if err == nil {
			err = c.ValidateArgs(c.Flags().Args())
		}
		if err != nil {
			t.Errorf("replayd %s: %v", typed, err)
		}
	}
	if found < 15 {
		t.Errorf("only %d examples were found", found)
	}
}

func TestRelativeLinksLeadSomewhere(t *testing.T) {
	for name, text := range pages(t) {
		for _, m := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(text, -1) {
			file, anchor, _ := strings.Cut(m[1], "#")
			target := filepath.Join(filepath.Dir(name), file)
			switch {
			case strings.Contains(m[1], "://"):
				continue
			case file == "":
				target = name
			}
			if _, err := os.Stat(filepath.Join(projectRoot, target)); err != nil {
				t.Errorf("%s links to %s, which is not there", name, m[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(read(t, target)), anchor) {
				t.Errorf("%s links to %s, which has no such heading", name, m[1])
			}
		}
	}
	if !strings.Contains(read(t, "README.md"), "(config/replayd.example.yaml)") {
		t.Error("README.md does not link the example configuration")
	}
}

func TestConfigurationInDocumentsLoads(t *testing.T) {
	if _, err := config.Load(filepath.Join(projectRoot, "config", "quickstart.yaml"), nil); err != nil {
		t.Error(err)
	}
	for name, text := range pages(t) {
		for i, block := range fences(text, "yaml") {
			path := filepath.Join(t.TempDir(), "replayd.yaml")
			if err := os.WriteFile(path, []byte(block), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := config.Load(path, nil); err != nil {
				t.Errorf("%s, yaml block %d: %v", name, i+1, err)
			}
		}
	}
}

// TestCommandsOfTheReadmeWork runs every line of README's sh blocks, one after another, as a reader would: what is Go's in
// the clone, which installs replayd, and the rest in one folder.
func TestCommandsOfTheReadmeWork(t *testing.T) {
	t.Parallel()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	here := strings.NewReplacer("localhost:9092", broker.ListenAddrs()[0])
	bin, folder, ran := t.TempDir(), t.TempDir(), 0
	for _, block := range fences(read(t, "README.md"), "sh") {
		for line := range strings.SplitSeq(strings.ReplaceAll(block, "\\\n", " "), "\n") {
			out, code, want := "", 0, 0
			if m := regexp.MustCompile(`# exits (\d+)`).FindStringSubmatch(line); m != nil {
				want, _ = strconv.Atoi(m[1])
			}
			switch word, _, _ := strings.Cut(line, " "); word {
			case "":
				continue
			case "make": // this test is one of those that it runs
				if !strings.Contains(read(t, "Makefile"), "\n"+strings.Fields(line)[1]+":") || !strings.Contains(read(t, ".ci/run"), line) {
					t.Errorf("%s: the Makefile has no such target, or CI does not run it", line)
				}
			case "go":
				out, code = inTheClone(t, bin, line)
			default:
				out, code = shell(t, bin, folder, here.Replace(line))
			}
			if ran++; code != want {
				t.Errorf("%s\nexits %d, not %d:\n%s", line, code, want, out)
			}
		}
	}
	if ran < 5 {
		t.Errorf("only %d commands were found", ran)
	}
}

// inTheClone runs a line of Go's where a reader would. What it installs comes into a folder.
func inTheClone(t *testing.T, bin, line string) (out string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir, cmd.Env = projectRoot, append(os.Environ(), "GOBIN="+bin, "TMPDIR="+t.TempDir())
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

func TestTheReadmeShowsWhatDemoPrints(t *testing.T) {
	t.Parallel()
	out, code := shell(t, program(t), t.TempDir(), "replayd demo --output text")
	if code != exitOK {
		t.Fatalf("demo exits %d:\n%s", code, out)
	}
	shown := fences(read(t, "README.md"), "text demo")
	if len(shown) != 1 {
		t.Fatalf("README.md has %d blocks of demo's output, not one", len(shown))
	}
	changes := regexp.MustCompile(`/\S*replayd-demo-\d+|:\d{4,5}$| in [\d.]+m?s `) // from run to run
	printed := map[string]bool{"…": true}
	for line := range strings.SplitSeq(out, "\n") {
		printed[changes.ReplaceAllString(line, "~")] = true
	}
	for line := range strings.SplitSeq(shown[0], "\n") {
		if !printed[changes.ReplaceAllString(line, "~")] {
			t.Errorf("demo does not print %q:\n%s", line, out)
		}
	}
}
