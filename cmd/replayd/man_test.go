package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// The manual pages are made by a test, so that what makes them is no part of the program:
//
//	make man

var writeMan = flag.Bool("write-man", false, "write the manual pages instead of comparing them")

const manFolder = "docs/man"

func TestManualPagesAreThoseOfTheProgram(t *testing.T) {
	pages := manualPages(t)
	folder := filepath.Join(projectRoot, manFolder)
	if *writeMan {
		replaceFiles(t, folder, pages)
		return
	}
	var there []string
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		there = append(there, f.Name())
	}
	for name, page := range pages {
		if !slices.Contains(there, name) || read(t, filepath.Join(manFolder, name)) != page {
			t.Errorf("%s/%s is not what the program says; make man", manFolder, name)
		}
	}
	for _, name := range there {
		if pages[name] == "" {
			t.Errorf("%s/%s is of no command; make man", manFolder, name)
		}
	}
}

func TestManualPagesHaveCommandsFlagsAndExamples(t *testing.T) {
	pages := manualPages(t)
	for name, words := range map[string][]string{
		"replayd.1":              {"replayd-run(1)", "exactly once", "--config"},
		"replayd-run.1":          {"--create-topic", ".SH EXAMPLE", "replayd run --id payments-1200", "--brokers"},
		"replayd-config-check.1": {"Report every problem"},
	} {
		for _, w := range words {
			if !strings.Contains(pages[name], w) {
				t.Errorf("%s does not say %s", name, w)
			}
		}
	}
	for name, page := range pages {
		for _, other := range regexp.MustCompile(`replayd[a-z-]*\(1\)`).FindAllString(page, -1) {
			if pages[strings.TrimSuffix(other, "(1)")+".1"] == "" {
				t.Errorf("%s leads to %s, which is no page", name, other)
			}
		}
	}
}

// manualPages are the pages by the names of their files. The commands are gathered first: a page that is made adds a help
// command to its own.
func manualPages(t *testing.T) map[string]string {
	t.Helper()
	var commands []*cobra.Command
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Hidden || c.Name() == "help" {
			return
		}
		commands = append(commands, c)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(programRoot())
	pages := map[string]string{}
	for _, c := range commands {
		pages[strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"] = manualPage(t, c)
	}
	return pages
}

// manualPage has no date: a page is as old as the program whose flags it tells.
func manualPage(t *testing.T, c *cobra.Command) string {
	t.Helper()
	var page bytes.Buffer
	c.DisableAutoGenTag = true
	if err := doc.GenMan(c, &doc.GenManHeader{Section: "1", Source: "replayd", Manual: "replayd", Date: &time.Time{}}, &page); err != nil {
		t.Fatal(err)
	}
	return strings.Replace(page.String(), `"Jan 0001"`, `""`, 1)
}

// replaceFiles makes a folder hold these files and no others.
func replaceFiles(t *testing.T, folder string, files map[string]string) {
	t.Helper()
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
