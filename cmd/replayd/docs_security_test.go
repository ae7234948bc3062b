package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"replayd/config"
	"replayd/replay/kafka"
)

func TestEveryMechanismIsDocumented(t *testing.T) {
	sameWords(t, "mechanisms", config.Mechanisms, firstCells(mechanismTable(t)))
}

// mechanismTable is the first table of the logins.
func mechanismTable(t *testing.T) string {
	t.Helper()
	table, _, _ := strings.Cut(section(t, "docs/security.md", "## Logins"), "```")
	return table
}

// TestEveryRightIsDocumented holds the tables against what a test replays with, and cannot without.
func TestEveryRightIsDocumented(t *testing.T) {
	var have []string
	seen := map[string]bool{}
	for _, rights := range [][]kafka.Right{
		kafka.Rights("replayd", "replay.payments"),
		kafka.RightsToLook("replayd"),
		kafka.RightsToCreate("replayd", "replay.payments", ""),
		kafka.RightsToCreate("replayd", "replay.payments", "payments"),
		kafka.RightsToServe("replayd"),
	} {
		for _, r := range rights {
			if !seen[r.String()] {
				have = append(have, r.String())
			}
			seen[r.String()] = true
		}
	}
	sameWords(t, "rights", have, firstCells(section(t, "docs/security.md", "## Rights")))
}

func TestEveryMessageOfTheTableIsOneOfTheProgram(t *testing.T) {
	var source strings.Builder
	for _, name := range []string{"replay/kafka/security/explain.go", "replay/kafka/contact.go", "replay/kafka/exhausted.go"} {
		text, err := os.ReadFile(filepath.Join(projectRoot, name))
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	messages := plainCells(section(t, "docs/security.md", "## When brokers and replayd do not come together"))
	if len(messages) < 10 {
		t.Errorf("only %d messages were found", len(messages))
	}
	for _, m := range messages {
		about, _, _ := strings.Cut(m, " user")
		about, _, _ = strings.Cut(about, " the token")
		if !strings.Contains(source.String(), about) {
			t.Errorf("%q is documented and not said", m)
		}
	}
}

// TestTheCommandsThatGrantADaemonItsRightsAreThoseOfTheProgram: what the page shows to copy is what a test replays with.
func TestTheCommandsThatGrantADaemonItsRightsAreThoseOfTheProgram(t *testing.T) {
	rights := slices.Concat(kafka.Rights("replayd", "replay.payments"), kafka.RightsToLook("replayd"), kafka.RightsToServe("replayd"))
	want := strings.Join(kafka.GrantCommands("kafka1.example.com:9092", kafka.ACLs("User:replayd", rights)), "\n")
	if shown := fences(read(t, "docs/security.md"), "sh grants"); len(shown) != 1 || shown[0] != want {
		t.Errorf("the page shows\n%s\nand it takes\n%s", strings.Join(shown, "\n"), want)
	}
}
