package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestTheTablesOfBadInputAreThoseOfTheTests holds the tables of docs/reliability.md against what the tests try and
// demand. Whoever adds a case is told the line that its document needs.
func TestTheTablesOfBadInputAreThoseOfTheTests(t *testing.T) {
	have := append(hazardsIn(t, "cmd/replayd"), hazardsIn(t, "integration")...)
	for _, x := range badBytes() {
		have = append(have, x.hazard(t))
	}
	if len(have) < 50 {
		t.Errorf("only %d cases were found in the tests: their form has changed", len(have))
	}
	var lines, told []string
	for _, h := range have {
		lines = append(lines, h.line())
	}
	for _, cells := range rows(section(t, "docs/reliability.md", "## Bad input")) {
		told = append(told, "| "+strings.Join(cells, " | ")+" |")
	}
	for _, line := range lines {
		if !slices.Contains(told, line) {
			t.Errorf("docs/reliability.md lacks what a test tries:\n%s", line)
		}
	}
	for _, line := range told {
		if !slices.Contains(lines, line) {
			t.Errorf("docs/reliability.md tells what no test tries:\n%s", line)
		}
	}
	if slices.Sort(lines); len(slices.Compact(lines)) != len(have) {
		t.Error("two tests try the same input with the same words")
	}
}

// line is the hazard as its line of the table.
func (h hazard) line() string {
	return fmt.Sprintf("| %s | %s | %d | %s |", h.input, h.happens, h.exit, h.where())
}

// where sets the counters of the receipt as code; other words stay words.
func (h hazard) where() string {
	if strings.Contains(h.counted, " ") {
		return h.counted
	}
	return "`" + h.counted + "`"
}

// hazard is what befalls the bad entry of x. All of them end alike.
func (x *badObject) hazard(t *testing.T) hazard {
	t.Helper()
	if len(x.bad) != 1 {
		t.Fatalf("%s: %d bad entries, the table has room for one reason", x.name, len(x.bad))
	}
	happens := "quarantined; nothing else is in the object"
	switch len(x.want) {
	case 0:
	case 1:
		happens = "quarantined; the other event of the object is produced"
	default:
		happens = "quarantined; the " + strconv.Itoa(len(x.want)) + " other events of the object are produced"
	}
	return hazard{x.name, happens, exitQuarantined, "quarantined_by." + x.bad[0].reason}
}

// hazardsIn are the literals of type hazard in the test files of a folder.
func hazardsIn(t *testing.T, folder string) []hazard {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(projectRoot, folder, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in %s: %v", folder, err)
	}
	var found []hazard
	for _, path := range files {
		if filepath.Base(path) == "reliability_test.go" {
			continue // this file makes its own
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if c, ok := n.(*ast.CompositeLit); ok {
				if name, ok := c.Type.(*ast.Ident); ok && name.Name == "hazard" {
					found = append(found, literal(t, path, c))
				}
			}
			return true
		})
	}
	return found
}

// literal reads four constants.
func literal(t *testing.T, path string, c *ast.CompositeLit) hazard {
	t.Helper()
	var words []string
	for _, e := range c.Elts {
		lit, ok := e.(*ast.BasicLit)
		if !ok {
			t.Fatalf("%s: a hazard is written with four plain constants", path)
		}
		word, err := strconv.Unquote(lit.Value)
		if err != nil {
			word = lit.Value // the number
		}
		words = append(words, word)
	}
	if len(words) != 4 {
		t.Fatalf("%s: a hazard with %d fields, not four", path, len(words))
	}
	exit, err := strconv.Atoi(words[2])
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return hazard{words[0], words[1], exit, words[3]}
}
