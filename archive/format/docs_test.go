package format

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestCodecsAreDocumented compares docs/archives.md with what the first bytes are held against.
func TestCodecsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/archives.md")
	if err != nil {
		t.Fatal(err)
	}
	_, codecs, _ := strings.Cut(string(text), "\n## Codecs\n")
	codecs, _, _ = strings.Cut(codecs, "\n## ")
	for _, name := range []string{None, Gzip, Zstd} {
		if !strings.Contains(codecs, "\n| "+name+" |") {
			t.Errorf("the codec %s is not in the table", name)
		}
	}
	_, list, found := strings.Cut(strings.ReplaceAll(codecs, "\n", " "), "would lose events: ")
	list, _, _ = strings.Cut(list, ".")
	var have, told []string
	for _, m := range unreadable {
		name, _, _ := strings.Cut(m.name, " (")
		have = append(have, strings.TrimSuffix(name, " segment"))
	}
	for name := range strings.SplitSeq(list, ", ") {
		name, _, _ = strings.Cut(name, " (")
		told = append(told, name)
	}
	slices.Sort(have)
	slices.Sort(told)
	if have = slices.Compact(have); !found || !slices.Equal(have, told) {
		t.Errorf("recognised and refused are\n%q, and told\n%q", have, told)
	}
}
