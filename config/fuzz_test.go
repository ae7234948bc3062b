package config

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// FuzzConfig: any text is read or refused with problems that lie inside it, and what was read can be shown and read
// again.
func FuzzConfig(f *testing.F) {
	for _, path := range []string{"replayd.example.yaml", "testdata/problems.txt"} {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for block := range strings.SplitSeq(string(text), "\n====\n") {
			_, file, found := strings.Cut(block, "\n")
			file, _, _ = strings.Cut(file, "\n----\n")
			if found {
				f.Add(file)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parse("fuzz", []byte(text), map[string]string{"SET": "set"})
		if err == nil {
			if c.Kafka.SASL.Password == "" {
				checkReadBack(t, c)
			}
			return
		}
		problems := Problems(nil)
		if !errors.As(err, &problems) || len(problems) == 0 {
			t.Fatalf("the error is %T", err)
		}
		lines := len(linesOf(text))
		for _, p := range problems {
			if p.Message == "" || p.Line < 0 || p.Line > lines || (p.Line > 0) != (p.Column > 0) {
				t.Errorf("%d lines have the problem %+v", lines, p)
			}
		}
	})
}
