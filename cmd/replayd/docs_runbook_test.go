package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/runbook.md explains all that somebody on call may see, and nothing that there is not. Its commands are typed by
// TestTheRunbookWorks.

const runbook = "docs/runbook.md"

func TestEverythingThatIsSeenOnCallIsExplained(t *testing.T) {
	sameWords(t, "states", constantsOf(t, "replay/state.go", "State"), firstCells(section(t, runbook, "## States")))
	sameWords(t, "phases", constantsOf(t, "replay/progress.go", "Phase"), firstCells(section(t, runbook, "## Phases")))
	sameWords(t, "holders", constantsOf(t, "replay/progress.go", "Holder"), firstCells(section(t, runbook, "## What holds it")))
	sameWords(t, "exit codes", constants(t, "cmd/replayd/exit.go", "exit"), plainCells(section(t, runbook, "## Exit codes")))
	refusals := section(t, runbook, "## Refusals")
	sameWords(t, "refusals", append(constants(t, "replay/*.go", "Item"), constants(t, "replay/kafka/*.go", "Item")...), firstCells(refusals))
	var may []string
	for _, row := range rows(refusals) {
		if last := row[len(row)-1]; last != "no" && !strings.HasPrefix(last, "`") && len(row) == 3 {
			may = append(may, codeWords(row[0])...)
		}
	}
	sameWords(t, "refusals that may be allowed", allowable, may)
}

// constantsOf are the values of the constants of a type in a file, but the empty one.
func constantsOf(t *testing.T, name, of string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(projectRoot, name), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		kind, isName := spec.Type.(*ast.Ident)
		lit, isText := spec.Values[0].(*ast.BasicLit)
		if isName && isText && kind.Name == of && lit.Value != `""` {
			values = append(values, strings.Trim(lit.Value, `"`))
		}
		return true
	})
	return values
}

// TestWhatTheRunbookQuotesIsSaid looks in the program for the words by which its tables are found.
func TestWhatTheRunbookQuotesIsSaid(t *testing.T) {
	for heading, files := range map[string]string{
		"## Why it waits":              "replay/manager/arrange.go replay/manager/replays.go replay/manager/setback.go",
		"## Why a daemon is not ready": "replay/manager/manager.go replay/kafka/view.go replay/kafka/follow.go replay/kafka/work.go replay/api/oidc.go",
	} {
		var text strings.Builder
		for _, name := range strings.Fields(files) {
			text.WriteString(read(t, name))
		}
		quoted := firstCells(section(t, runbook, heading))
		if len(quoted) < 4 {
			t.Errorf("%s has only %q", heading, quoted)
		}
		for _, words := range quoted {
			if !strings.Contains(text.String(), words) {
				t.Errorf("%s: %q is said nowhere in %s", heading, words, files)
			}
		}
	}
}

// TestEveryAlertHasItsPlaceInTheRunbook: an alert leads whom it wakes to the heading that is its name.
func TestEveryAlertHasItsPlaceInTheRunbook(t *testing.T) {
	rules := read(t, "deploy/prometheus/alerts.yaml")
	var alerts, told []string
	for _, m := range regexp.MustCompile(`(?m)^ *- alert: (\w+)$`).FindAllStringSubmatch(rules, -1) {
		alerts = append(alerts, m[1])
	}
	for _, m := range regexp.MustCompile(`(?m)^### (\w+)$`).FindAllStringSubmatch(section(t, runbook, "## Alerts"), -1) {
		told = append(told, m[1])
	}
	sameWords(t, "alerts", alerts, told)
	for _, m := range regexp.MustCompile(`runbook[.]md#([\w-]+)`).FindAllStringSubmatch(rules, -1) {
		if !strings.Contains("\n"+strings.ToLower(strings.Join(told, "\n"))+"\n", "\n"+m[1]+"\n") {
			t.Errorf("an alert leads to #%s, and there is no such heading", m[1])
		}
	}
}
