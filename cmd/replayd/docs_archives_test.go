package main

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"replayd/archive"
	"replayd/archive/archivetest"
	"replayd/archive/format"
	"replayd/archive/layout"
	"replayd/archive/s3"
)

func TestPresetsAreDocumented(t *testing.T) {
	table := section(t, "docs/archives.md", "## Presets")
	sameWords(t, "presets", archive.PresetNames(), firstCells(table))
	for _, row := range rows(table) {
		p, _ := archive.PresetNamed(codeWords(row[0])[0])
		by := "event"
		if p.ByArrival {
			by = "arrival, `" + string(p.Arrival) + "`"
		}
		for i, want := range []string{
			coded(p.Layout, "recognised"), coded(p.Format, "recognised"), coded(string(p.ID), "to be given"), coded(string(p.Time), "to be given"), by,
		} {
			if p.Name == "hive" && i == 0 {
				want = "recognised among the usual folders"
			}
			if got := row[i+1]; got != want {
				t.Errorf("preset %s: %q is told where it is %q", p.Name, got, want)
			}
		}
		for _, volatile := range p.Volatile {
			if !strings.Contains(table, "`"+p.Name+"` also makes `"+string(volatile)+"` volatile") {
				t.Errorf("preset %s: that %s is volatile is not told", p.Name, volatile)
			}
		}
	}
}

// coded sets a word as code; what stands for none stays as it is.
func coded(word, none string) string {
	if word == "" {
		return none
	}
	return "`" + word + "`"
}

// known are the words of a list in an error message, such as "layout x is not known: pismo, firehose, or a template".
func known(err error) []string {
	_, list, _ := strings.Cut(err.Error(), "is not known: ")
	list, _, _ = strings.Cut(list, ", or ")
	return strings.Split(list, ", ")
}

func TestLayoutsAreDocumented(t *testing.T) {
	folders, _, _ := strings.Cut(section(t, "docs/archives.md", "## Layouts"), "\nFolders are in UTC")
	_, err := layout.Named("x")
	sameWords(t, "layouts", known(err), firstCells(folders))
	for _, row := range rows(folders) {
		var have []string
		switch name := row[0]; name {
		case "`hive`":
			for _, l := range layout.Hive() {
				have = append(have, l.Name())
			}
		case "`jsonl`", "a template":
			continue
		default:
			l, err := layout.Named(strings.Trim(name, "`"))
			if err != nil {
				t.Fatal(err)
			}
			have = []string{l.Hours(time.Unix(0, 0), time.Unix(1, 0))[0].Prefix}
		}
		told := codeWords(row[1])
		if len(have) == 1 {
			told = []string{stamped.Replace(told[0])}
		}
		if !slices.Equal(have, told) { // of hive in this order: the first that fits holds
			t.Errorf("layout %s has the folders %q, not %q", row[0], have, told)
		}
	}
}

// stamped writes the first hour of 1970 into a template.
var stamped = strings.NewReplacer("%Y", "1970", "%m", "01", "%d", "01", "%H", "00")

// TestExamplesOfKeysLieWhereTheDocumentSays asks the layout of each key for its hour and the time in its name.
func TestExamplesOfKeysLieWhereTheDocumentSays(t *testing.T) {
	_, text, _ := strings.Cut(section(t, "docs/archives.md", "## Layouts"), "\nFolders are in UTC")
	examples := rows(text)
	if len(examples) < 8 {
		t.Errorf("only %d examples were found", len(examples))
	}
	at := time.Date(2026, 11, 1, 3, 30, 0, 0, time.UTC)
	for _, row := range examples {
		name, key := codeWords(row[0])[0], codeWords(row[1])[0]
		store := archivetest.NewFaulty(map[string][]byte{key: []byte("{}")})
		l, err := layout.Resolve(t.Context(), store, name)
		if err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		if hour := l.Hours(at, at.Add(time.Second))[0]; hour.Name != row[2] || !strings.HasPrefix(key, hour.Prefix) {
			t.Errorf("%s: the hour of 03:30 is %s below %q, not %s", key, hour.Name, hour.Prefix, row[2])
		}
		stamp := "none"
		if named, ok := l.Time(key); ok {
			stamp = named.Format(time.TimeOnly)
		}
		if stamp != row[3] {
			t.Errorf("%s: the time in its name is %s, not %s", key, stamp, row[3])
		}
		if found, err := layout.Resolve(t.Context(), store, ""); !strings.Contains(name, "%") && (err != nil || found.Name() != l.Name()) {
			t.Errorf("%s: taken for %v, %v, not %s", key, found, err, l.Name())
		}
	}
}

func TestFormatsAreDocumentedAndTheirExamplesAreRecognised(t *testing.T) {
	table := section(t, "docs/archives.md", "## Formats")
	_, err := format.Named("x")
	sameWords(t, "formats", known(err), firstCells(table))
	for _, row := range rows(table) {
		name := codeWords(row[0])[0]
		example := strings.Join(codeWords(row[1]), "\n") + "\n"
		if got, ok := format.Recognise([]byte(example)); !ok || got != name {
			t.Errorf("%s: its example is taken for %q:\n%s", name, got, example)
		}
	}
}

// TestHowFarRecognitionLooksIsTold holds what is written in words or units.
func TestHowFarRecognitionLooksIsTold(t *testing.T) {
	page := read(t, "docs/archives.md")
	for _, want := range []string{
		"of the first " + map[string]string{"5": "five"}[constants(t, "cmd/replayd/place.go", "looked")[0]] + ":",
		"windows up to " + map[int]string{128 << 20: "128 MiB"}[format.DefaultMaxWindow],
	} {
		if !strings.Contains(page, want) {
			t.Errorf("docs/archives.md does not say %q", want)
		}
	}
}

func TestAddressesOfBucketsAreRead(t *testing.T) {
	here := strings.NewReplacer("REGION", "sa-east-1", "ACCOUNT", "123456789012", "NAME", "events")
	found := 0
	for _, address := range firstCells(section(t, "docs/archives.md", "### Where the bucket is")) {
		found++
		bucket, prefix, err := s3.Address(here.Replace(address))
		if err != nil || prefix != "prefix" || bucket == "" {
			t.Errorf("%s is read as %q, %q, %v", address, bucket, prefix, err)
		}
	}
	if found != 4 {
		t.Errorf("%d addresses were found", found)
	}
}

// TestPlacesOfTheDocumentAreTakenForPlaces reads every address as --archive would.
func TestPlacesOfTheDocumentAreTakenForPlaces(t *testing.T) {
	words := []string{}
	for _, row := range rows(section(t, "docs/archives.md", "## Places")) {
		words = append(words, codeWords(row[1])...)
	}
	words = append(words, codeWords(regexp.MustCompile(`(?m)^\| .--archive. .*$`).FindString(section(t, "docs/cli.md", "## Flags")))[1:]...)
	if len(words) < 7 {
		t.Errorf("only %q were found", words)
	}
	for _, word := range words {
		if !isPlace(word) {
			t.Errorf("%s is taken for a name", cmp.Or(word, "nothing"))
		}
	}
}
