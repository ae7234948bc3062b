package harness

import (
	"os"
	"strings"
	"testing"
)

// Stand-ins are of the versions that a user gets.
func TestComposeNamesTheVersionsThatAreTested(t *testing.T) {
	for file, words := range map[string][]string{
		"../../docker-compose.yml": {officialImage, officialS3},
		"../../Makefile":           {"versitygw@" + strings.TrimPrefix(officialS3, "versity/versitygw:") + "\n"},
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range words {
			if !strings.Contains(string(text), w) {
				t.Errorf("%s does not name %q", file, w)
			}
		}
	}
}
