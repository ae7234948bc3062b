package main

import (
	"cmp"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"replayd/integration/ledger"
)

// holders are the tests that hold the fenced blocks of the documents true: by page, then by what stands behind the three
// backticks. A test has to hold all blocks of its kind on the page.
var holders = map[string]map[string]string{
	"README.md": {
		"sh": "TestCommandsOfTheReadmeWork", "sh s3": "TestCommandsOnS3Work", "sh daemon": "TestTheReadmesDaemonReplays", "text demo": "TestTheReadmeShowsWhatDemoPrints",
		"text tested": "TestTheReadmeShowsHowATestRunEnds", "text folders": "TestTheReadmeNamesTheFolders",
	},
	"docs/archives.md": {
		"sh s3": "TestCommandsOnS3Work", "sh restore": "TestTheLoopThatRestoresAnHourAsksForEachColdObject",
		"json": "TestTheLeastPolicyIsEnoughAndTheLeast",
	},
	"docs/cli.md": {"text": "TestTheMessagesOfTheDocumentAreThoseOfTheProgram"},
	"docs/config.md": {
		"sh": "TestTheCommandsOfTheConfigurationPageWork", "text": "TestTheCommandsOfTheConfigurationPageWork",
		"yaml wrong": "TestTheCommandsOfTheConfigurationPageWork",
	},
	"docs/concepts.md": {"text": "TestConceptsPictureHasTheRightTimes"},
	"docs/consumers.md": {
		"sh": "TestTheCodeForConsumersWorks", "go": "TestTheCodeForConsumersWorks", "java": "TestTheCodeForConsumersWorks",
		"json": "TestTheCodeForConsumersWorks",
	},
	"docs/deploy.md":      {"sh": "TestTheManifestsRun"},
	"docs/install.md":     {"sh": "TestTheImageAndItsQuickstart", "yaml job": "TestTheJobInTheDocumentsRuns"},
	"docs/quickstart.md":  {"sh": "TestTheImageAndItsQuickstart", "text": "TestTheImageAndItsQuickstart"},
	"docs/reliability.md": {"sh": "TestTheCommandsThatShowTheQuarantineWork"},
	"docs/runbook.md":     {"sh": "TestTheRunbookWorks", "text": "TestTheRunbookWorks"},
	"docs/security.md":    {"sh grants": "TestTheCommandsThatGrantADaemonItsRightsAreThoseOfTheProgram", "sh": "TestFilesOfJavaBecomePEM", "text": "TestTheRefusalOfRightsIsPrintedAsTheDocumentShows"},

	"docs/ways/consumer.md": {
		"sh": "TestPeople", "text": "TestPeople", "properties ledger.conf": "TestPeople", "properties ledger.properties": "TestPeople",
	},
	"docs/ways/on-call.md":  {"sh": "TestPeople", "text": "TestPeople"},
	"docs/ways/platform.md": {"sh": "TestPeople", "text": "TestPeople", "properties replayd.properties": "TestPeople"},
}

// everywhere are those of all pages.
var everywhere = map[string]string{"yaml": "TestConfigurationInDocumentsLoads"}

// block begins with its three backticks; the kind is what stands behind them.
var blockOf = regexp.MustCompile("(?ms)^( *)```([^\n]*)\n(.*?)^ *```$")

// TestEveryBlockOfTheDocumentsIsHeldByATest finds blocks that nobody runs, and tests that hold what is not there.
func TestEveryBlockOfTheDocumentsIsHeldByATest(t *testing.T) {
	tests := testsByName(t)
	found := map[string]map[string]bool{}
	for page, text := range pages(t) {
		found[page] = map[string]bool{}
		for _, m := range blockOf.FindAllStringSubmatch(text, -1) {
			kind := m[2]
			found[page][kind] = true
			if _, why, shown := strings.Cut(kind, " shown: "); shown && why != "" {
				continue
			}
			holder := cmp.Or(holders[page][kind], everywhere[kind])
			switch file, ok := tests[holder]; {
			case m[1] != "":
				t.Errorf("%s: a block that is indented, which tests would not find:\n%s", page, m[3])
			case holder == "":
				t.Errorf("%s: no test holds this block of kind %q; name the one that does above, or say behind the backticks why none can (%q):\n%s",
					page, kind, kind+" shown: why", m[3])
			case !ok:
				t.Errorf("%s: %s, which is to hold %q, is no test", page, holder, kind)
			case everywhere[kind] == "" && !strings.Contains(file, filepath.Base(page)):
				t.Errorf("%s: the file of %s does not name the page", page, holder)
			}
		}
		if strings.Count(text, "\n```") != 2*len(blockOf.FindAllString(text, -1)) {
			t.Errorf("%s: a block is not closed, or not found", page)
		}
	}
	for page, kinds := range holders {
		for kind := range kinds {
			if !found[page][kind] {
				t.Errorf("%s has no block of kind %q", page, kind)
			}
		}
	}
}

// testsByName are the texts of the files in which tests stand, by the tests' names.
func testsByName(t *testing.T) map[string]string {
	t.Helper()
	tests := map[string]string{}
	form := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := fs.WalkDir(os.DirFS(projectRoot), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case strings.HasSuffix(name, "_test.go"):
			text := read(t, name)
			for _, m := range form.FindAllStringSubmatch(text, -1) {
				tests[m[1]] = text
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}

// TestWhatDocumentsNameIsThere looks for the commands, targets of make, files and tests that stand as code in sentences.
func TestWhatDocumentsNameIsThere(t *testing.T) {
	tests, makefile := testsByName(t), read(t, "Makefile")
	kinds := []struct {
		form  *regexp.Regexp
		there func(name string) bool
	}{
		{regexp.MustCompile(`^replayd ([a-z].*)$`), isCommand},
		{regexp.MustCompile(`^make ([a-z-]+)$`), func(name string) bool { return strings.Contains(makefile, "\n"+name+":") }},
		{regexp.MustCompile(`^(Test\w+)$`), func(name string) bool { return tests[name] != "" }},
		{regexp.MustCompile(`^(?:\./)?((?:\.ci|archive|cmd|config|docs|integration|replay)/[\w./-]*)$`), func(name string) bool {
			_, err := os.Stat(filepath.Join(projectRoot, name))
			return err == nil
		}},
	}
	found := make([]int, len(kinds))
	for page, text := range pages(t) {
		for _, word := range codeWords(blockOf.ReplaceAllString(text, "")) {
			for i, kind := range kinds {
				m := kind.form.FindStringSubmatch(word)
				if m == nil {
					continue
				}
				if found[i]++; !kind.there(m[1]) {
					t.Errorf("%s: there is no %s", page, word)
				}
			}
		}
	}
	if slices.Contains(found, 0) {
		t.Errorf("found were %d: the documents have another form", found)
	}
}

// isCommand reports whether what stands behind replayd is a command that does something, or help.
func isCommand(line string) bool {
	c, rest, err := programRoot().Find(strings.Fields(line))
	return line == "help" || err == nil && c.HasParent() && (!c.HasSubCommands() || len(rest) == 0 || c.Name() == "completion")
}

// TestEveryPageIsLinked keeps pages from being written and not found.
func TestEveryPageIsLinked(t *testing.T) {
	for page := range pages(t) {
		if page == "README.md" || page == "docs/README.md" {
			continue
		}
		link, err := filepath.Rel("docs", page)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(read(t, "docs/README.md"), "| ["+filepath.ToSlash(link)+"]("+filepath.ToSlash(link)+") |") {
			t.Errorf("docs/README.md has no row for %s", page)
		}
	}
}

// TestCommandsOnS3Work runs them on a double of S3: README's on what Firehose writes, those of archives.md on folders of days.
func TestCommandsOnS3Work(t *testing.T) {
	firehose := "2026/11/01/12/x-1-2026-11-01-12-00-00-0a1b2c3d-0000-1111-2222-333344445555"
	d := bucket(t, map[string][]byte{
		"events/" + firehose:                     []byte(`{"id":"a","user":"u","time":"2026-11-01T12:00:01Z"}`),
		"events/dt=2026-11-01/hr=12/part-0.json": []byte(`{"id":"a","user":"u","occurred_at":"2026-11-01T12:00:01Z"}`),
	})
	b := newBench(t)
	ran := 0
	for _, page := range []string{"README.md", "docs/archives.md"} {
		for _, block := range fences(read(t, page), "sh s3") {
			words := strings.Fields(strings.NewReplacer("\\\n", " ", "'", "").Replace(block))
			r := b.replayd(append(words[1:], "--brokers", b.address(), "--s3-endpoint", d.URL, "--s3-region", "us-east-1", "--s3-path-style", "-o", "json")...)
			r.want(exitOK)
			if words[1] == "run" && r.receipt().Produced != 1 || words[1] == "cat" && strings.Count(r.out.String(), "\n") != 1 {
				t.Errorf("%s: %s", block, r.out.String())
			}
			ran++
		}
	}
	if ran != 2 {
		t.Errorf("%d commands were found", ran)
	}
}

func TestTheReadmeShowsHowATestRunEnds(t *testing.T) {
	t.Parallel()
	shown := fences(read(t, "README.md"), "text tested")
	if len(shown) != 1 {
		t.Fatalf("%d ends", len(shown))
	}
	tested, left, _ := strings.Cut(strings.TrimPrefix(shown[0], "tested: "), " · left out here: ")
	var entries []ledger.Entry
	for i, list := range []string{tested, left} {
		for _, m := range regexp.MustCompile(`(\w+)(?: \(([^)]*)\))?`).FindAllStringSubmatch(list, -1) {
			entries = append(entries, ledger.Entry{Tested: i == 0, Name: m[1], Detail: m[2]})
		}
	}
	if got := ledger.Summary(entries); got != shown[0] {
		t.Errorf("a run would print\n%s\nand README.md shows\n%s", got, shown[0])
	}
	known := read(t, ".ci/run") + " unit"
	for _, e := range entries {
		if !regexp.MustCompile(`\b` + e.Name + `\b`).MatchString(known) {
			t.Errorf("nothing that is tested is called %s", e.Name)
		}
	}
}

// TestTheReadmeNamesTheFolders compares README's list with the folders that hold code or text.
func TestTheReadmeNamesTheFolders(t *testing.T) {
	t.Parallel()
	shown := fences(read(t, "README.md"), "text folders")
	if len(shown) != 1 {
		t.Fatalf("%d lists", len(shown))
	}
	told := map[string]bool{}
	for line := range strings.SplitSeq(shown[0], "\n") {
		folder, _, _ := strings.Cut(line, " ")
		told[strings.Split(folder, "/")[0]] = true
		if _, err := os.Stat(filepath.Join(projectRoot, folder)); err != nil {
			t.Error(err)
		}
	}
	entries, err := os.ReadDir(projectRoot)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != "dist" {
			have = append(have, e.Name())
		}
	}
	sameWords(t, "folders", have, slices.Collect(maps.Keys(told)))
}
