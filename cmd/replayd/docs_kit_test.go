package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// What the program has and what documents tell, as lists of words.

// programRoot is the command line as users see it.
func programRoot() *cobra.Command {
	root := (&app{}).root()
	root.InitDefaultCompletionCmd("completion")
	return root
}

// eachCommand calls each with the commands that do something. The shells of completion are one.
func eachCommand(each func(name string, c *cobra.Command)) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		name := strings.TrimPrefix(c.CommandPath(), "replayd ")
		switch {
		case c.Hidden || name == "help":
		case name == "completion":
			each(name, c.Commands()[0])
		case !c.HasSubCommands():
			each(name, c)
		default:
			for _, sub := range c.Commands() {
				walk(sub)
			}
		}
	}
	walk(programRoot())
}

// named are the spellings of a flag of command; none for one that is hidden.
func named(command string, f *pflag.Flag) []string {
	if f.Hidden || f.Name == "help" {
		return nil
	}
	names := []string{command + " --" + f.Name}
	if f.Shorthand != "" {
		names = append(names, command+" -"+f.Shorthand)
	}
	return names
}

// fieldsOf are the names of the JSON fields of a struct, inner ones behind the outer: partitions[].topic.
func fieldsOf(of reflect.Type, prefix string) []string {
	var names []string
	for i := range of.NumField() {
		f := of.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		inner, behind := f.Type, "."
		if inner.Kind() == reflect.Slice {
			inner, behind = inner.Elem(), "[]."
		}
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		ours := inner.Kind() == reflect.Struct && inner.NumField() > 0 && inner.Field(0).Tag.Get("json") != ""
		switch {
		case f.Anonymous && name == "":
			names = append(names, fieldsOf(f.Type, prefix)...)
			continue
		case ours:
			names = append(names, fieldsOf(inner, prefix+name+behind)...)
		}
		if !ours || behind == "[]." {
			names = append(names, prefix+name)
		}
	}
	return names
}

// constants are the values of the constants in Go files whose names have affix at their beginning or end.
func constants(t *testing.T, glob, affix string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(projectRoot, glob))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", glob, err)
	}
	var values []string
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, affix) && !strings.HasSuffix(spec.Names[0].Name, affix) {
				return true
			}
			if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
				values = append(values, strings.Trim(lit.Value, `"`))
			}
			return true
		})
	}
	return values
}

func sameWords(t *testing.T, what string, program, documents []string) {
	t.Helper()
	if len(program) == 0 {
		t.Errorf("the program has no %s: this test no longer finds them", what)
	}
	for _, word := range program {
		if !slices.Contains(documents, word) {
			t.Errorf("%s: %q is not documented", what, word)
		}
	}
	for _, word := range documents {
		if !slices.Contains(program, word) {
			t.Errorf("%s: %q is documented and not there", what, word)
		}
	}
}

// pages are the documents by their paths, in whatever folder of docs they stand.
func pages(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{"README.md": read(t, "README.md"), "CHANGELOG.md": read(t, "CHANGELOG.md")}
	err := fs.WalkDir(os.DirFS(projectRoot), "docs", func(name string, _ fs.DirEntry, err error) error {
		if err == nil && path.Ext(name) == ".md" {
			texts[name] = read(t, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(projectRoot, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// section is what stands under a heading, down to the next one of its level or above.
func section(t *testing.T, name, heading string) string {
	t.Helper()
	_, text, found := strings.Cut(read(t, name), "\n"+heading+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", name, heading)
	}
	level, _, _ := strings.Cut(heading, " ")
	if end := regexp.MustCompile(fmt.Sprintf(`(?m)^#{1,%d} `, len(level))).FindStringIndex(text); end != nil {
		text = text[:end[0]]
	}
	return text
}

// anchors are the fragments by which a page's headings are linked.
func anchors(text string) []string {
	var list []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		plain := regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(strings.ToLower(m[1]), "")
		list = append(list, strings.ReplaceAll(plain, " ", "-"))
	}
	return list
}

// rows are the cells of all tables in text, without their heads.
func rows(text string) [][]string {
	var list [][]string
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case strings.HasPrefix(line, "|--"):
			list = list[:len(list)-1] // what stood above is a head
		case strings.HasPrefix(line, "| "):
			list = append(list, strings.Split(strings.Trim(line, "| "), " | "))
		}
	}
	return list
}

func codeWords(cell string) []string {
	var words []string
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
		words = append(words, m[1])
	}
	return words
}

// firstCells are the words set as code in the first cell of each row.
func firstCells(text string) []string {
	var words []string
	for _, row := range rows(text) {
		words = append(words, codeWords(row[0])...)
	}
	return words
}

// plainCells are the first cells as they stand.
func plainCells(text string) []string {
	var cells []string
	for _, row := range rows(text) {
		cells = append(cells, row[0])
	}
	return cells
}

// fences are the contents of the blocks of a kind, without their last line end.
func fences(text, kind string) []string {
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```"+kind+"\n(.*?)\n```$").FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

// builtFolder holds replayd as users have it, once a test has wanted it.
var builtFolder string

// built builds replayd; without the race detector, whose demo would take half a minute.
var built = sync.OnceValue(func() (err error) {
	if builtFolder, err = os.MkdirTemp("", "replayd-test-"); err != nil {
		return err
	}
	if out, err := exec.Command("go", "build", "-o", builtFolder, ".").CombinedOutput(); err != nil {
		return fmt.Errorf("build replayd: %w\n%s", err, out)
	}
	return nil
})

// program is the folder of the built replayd, which all tests share.
func program(t *testing.T) string {
	t.Helper()
	if err := built(); err != nil {
		t.Fatal(err)
	}
	return builtFolder
}

// shell runs a line in a folder, with replayd in its path and nothing configured.
func shell(t *testing.T, bin, folder, line string) (out string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir, cmd.Env = folder, []string{"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "TMPDIR=" + t.TempDir(), "TZ=UTC"}
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}
